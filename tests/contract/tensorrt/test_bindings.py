"""The real bindings of TensorRT 8.5, 10 and 11 have each name that the runners use, as assumed.

They load on stub libraries, so that neither TensorRT nor a GPU is needed; what they have stands in
tests/fakes/tensorrt_api.json, from which the stand-in for TensorRT takes its enums.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.config.project import default_cache
from bench.core.errors import Unavailable
from bench.devices.nvidia.libraries import library_path
from bench.environments.interpreters import Environments
from bench.environments.specs import EnvSpec
from tests.contract.tensorrt import describe
from tests.fakes.trt import APIS

HERE = Path(__file__).parent
RUNNER = HERE.parents[2] / "bench/runners/tensorrt"
LIBRARIES = ("libnvinfer", "libnvinfer_plugin", "libnvonnxparser")
OLDEST, *NEWER = APIS


def environment(version: str) -> str:
    return f"trt{version.partition('.')[0]}"


@pytest.fixture(scope="module")
def bindings() -> Environments:
    """Environments of the bindings alone, by TensorRT's first number."""
    specs = {
        f"trt{it.partition('.')[0]}": EnvSpec(lock=f"trt{it.partition('.')[0]}.txt") for it in NEWER
    }
    return Environments(default_cache(), locks=HERE, specs=specs)


def stubs(folder: Path, version: str) -> Path:
    """Compile the libraries that the bindings ask for into `folder`."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc to make the stub libraries with")
    for name in LIBRARIES:
        library = f"{name}.so.{version.partition('.')[0]}"
        subprocess.run(
            [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", folder / library,
             HERE / "stubs.c"], check=True,
        )  # fmt: skip
    return folder


def read(python: Path, env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [python, HERE / "describe.py"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.engine
@pytest.mark.parametrize("version", NEWER)
def test_the_real_bindings_have_what_is_recorded_of_them(
    version: str, bindings: Environments, tmp_path: Path
) -> None:
    python = bindings.get(environment(version)).python
    env = {**os.environ, "LD_LIBRARY_PATH": str(stubs(tmp_path, version))}
    assert read(python, env) == {"version": version, **APIS[version]}


@pytest.mark.gpu_env
def test_the_real_wheel_of_8_5_has_what_is_recorded_of_it(
    environments: Environments, tmp_path: Path
) -> None:
    try:
        python = environments.get("gpu-volta").python
    except Unavailable as error:
        pytest.skip(f"environment gpu-volta: {error}")
    env = {**os.environ, **library_path(python, tmp_path, os.environ)}
    assert read(python, env) == {"version": OLDEST, **APIS[OLDEST]}


@pytest.mark.parametrize("version", APIS)
def test_every_call_of_the_runners_is_there_with_the_parameters_that_they_give(
    version: str,
) -> None:
    api = APIS[version]
    assert [name for name, parameters in api["calls"].items() if parameters is None] == []
    assert [name for name, there in api["attributes"].items() if not there] == []
    assert "ignore_mismatch" in api["calls"]["IBuilderConfig.set_timing_cache"]
    assert api["calls"]["IExecutionContext.execute_async_v3"] == ["stream_handle"]
    assert api["calls"]["IProfiler.report_layer_time"] == ["layer_name", "ms"]
    for enum, name in (
        ("BuilderFlag", "TF32"), ("TensorIOMode", "INPUT"), ("MemoryPoolType", "WORKSPACE"),
        ("DataType", "FLOAT"), ("TacticSource", "JIT_CONVOLUTIONS"),
    ):  # fmt: skip
        assert api["enums"][enum][name] is not None


def test_what_is_read_off_the_bindings_is_what_the_runners_call() -> None:
    code = "".join(path.read_text() for path in RUNNER.glob("*.py"))
    called = [name.rpartition(".")[2] for name in (*describe.CALLS, *describe.ATTRIBUTES)]
    assert [name for name in called if f".{name}" not in code and f"def {name}(" not in code] == []
