"""What a person meets who has no GPU, or installs its engines."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.cli import gpu_engines
from bench.cli.commands import doctor
from bench.cli.main import main
from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.context import Options, Tables
from bench.launcher.process import ChildFailed, ChildResult, Replied
from bench.runners import RUNNERS
from bench.targets import nvidia
from bench.targets.serving import Card
from tests.cli.process import call
from tests.fakes.nvml import FakeCard, nvml
from tests.fakes.records import failed, put, record, skipped, stored
from tests.unit.analysis.test_gpu_figures import gauged

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gpu_check.py"
NO_GPU = "this machine has an NVIDIA GPU"
HAS_GPU = os.path.exists("/proc/driver/nvidia/version")  # noqa: PTH110 - before any fixture
OF_PADDLE = "paddle-tensorrt has kernels for compute capability 6.1 to 8.6, and NVIDIA X has 9.0"
OLD_DRIVER = (
    "environment gpu-volta takes an NVIDIA driver from 450.80 on, and this machine has 440.33"
)
without_gpu = pytest.mark.skipif(HAS_GPU, reason=NO_GPU)


@pytest.fixture
def gpu_check() -> Any:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@without_gpu
def test_a_run_without_a_gpu_says_so_in_one_sentence_and_makes_nothing(
    tmp_path: Path, refused: Callable[..., str]
) -> None:
    where = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    line = refused("run", "--suite", "gpu", *where)
    assert "there is no NVIDIA GPU; there is no NVIDIA driver" in line
    assert list(tmp_path.iterdir()) == []


@without_gpu
def test_neither_can_two_arms_be_compared_on_one(
    tmp_path: Path, refused: Callable[..., str]
) -> None:
    where = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    line = refused("ab", "--runner", "tensorrt", "--variant", "x0_25", *where)
    assert "runner tensorrt can't run here: there is no NVIDIA GPU" in line
    assert list(tmp_path.iterdir()) == []


@without_gpu
def test_the_doctor_tells_each_missing_thing_in_a_line_of_its_own(tmp_path: Path) -> None:
    done = call("doctor", "--json", "--cache", tmp_path / "cache", "--results", tmp_path / "r")
    told = [one for one in json.loads(done.stdout) if one["item"] == "suite gpu"]
    assert [one["detail"] for one in told][:2] == [
        "there is no NVIDIA GPU",
        "there is no NVIDIA driver (no /proc/driver/nvidia/version, no nvidia-smi)",
    ]
    assert all(one["state"] == "missing" and one["remedy"] for one in told)
    assert not (tmp_path / "cache").exists()


@without_gpu
def test_the_check_without_a_gpu_is_one_sentence_too(
    tmp_path: Path, gpu_check: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status = gpu_check.main(["--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c")])
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert said.err.startswith("bench: suite gpu can't run here: there is no NVIDIA GPU")
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_check_prints_every_cell_in_a_row_with_what_went_wrong(
    tmp_path: Path,
    gpu_check: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[Any] = []

    def bench(argv: list[str]) -> int:
        asked.append(argv)
        cells = (
            gauged(settings={"cuda_graph": "on"}, enqueue_ms=2.0),
            record(runner="paddle-tensorrt", settings={}, outcome=failed("took 1 sub-graph")),
            record(runner="tensorrt", batch=8, settings={}, outcome=skipped("no kernels")),
        )
        put(stored(*cells, target="nvidia-gpu"), tmp_path / "r")
        return 1

    monkeypatch.setattr(gpu_check, "bench", bench)
    assert gpu_check.main(["--results", str(tmp_path / "r")]) == 1
    assert asked == [
        ["run", "--suite", "gpu", "--results", str(tmp_path / "r"), "--preset", "quick"]
    ]
    _, head, *rows = capsys.readouterr().out.strip().splitlines()[1:]
    assert head.split("  ")[0] == "variant"
    assert {row.split("  ")[0] for row in rows} == {"x0_25"}
    [whole] = [row for row in rows if "cuda_graph=on" in row]
    columns = [text.strip() for text in whole.split("  ") if text.strip()]
    assert columns == [
        "x0_25", "tensorrt cuda_graph=on", "1", "2.05", "1.10", "2.00 launch-bound", "1e-06", "2",
        "paddle 3.2.0",
    ]  # fmt: skip
    assert any("failed: took 1 sub-graph" in row for row in rows)
    assert any("skipped: no kernels" in row for row in rows)


@pytest.mark.parametrize(
    ("capability", "driver", "lines"),
    [
        ("7.0", "550.54.15", [
            "ok GPU: NVIDIA X: compute capability 7.0, driver 550.54.15",
            "ok GPU runner: paddle-tensorrt runs on it in environment gpu-volta",
            "ok GPU runner: tensorrt runs on it in environment gpu-volta",
        ]),
        ("9.0", "550.54.15", [
            "ok GPU: NVIDIA X: compute capability 9.0, driver 550.54.15",
            "ok GPU runner: tensorrt runs on it in environment gpu-volta",
            f"note GPU runner: {OF_PADDLE}",
        ]),
        ("8.6", "440.33", [
            "ok GPU: NVIDIA X: compute capability 8.6, driver 440.33",
            f"note GPU runner: paddle-tensorrt, tensorrt: {OLD_DRIVER}",
        ]),
    ],
)  # fmt: skip
def test_the_doctor_names_each_runner_that_serves_the_card_and_why_the_others_do_not(
    capability: str, driver: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Card(name="NVIDIA X", capability=capability, driver=driver)
    monkeypatch.setattr(doctor, "find_card", lambda: here)
    monkeypatch.setattr(Environments, "problem", lambda *_: None)
    tables = Tables(runners={n: RUNNERS[n] for n in ("paddle-tensorrt", "tensorrt", "paddle")})
    found = doctor.gpu_findings(Options(cache=tmp_path), tables)
    assert [f"{it.state} {it.item}: {it.detail}" for it in found] == lines


def test_a_card_that_nothing_serves_has_nothing_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Card(name="NVIDIA X", capability="5.2", driver="550.54")
    monkeypatch.setattr(gpu_engines, "find_card", lambda: old)
    assert main(["doctor", "--install", "--cache", str(tmp_path)]) == 2
    assert "no engine serves NVIDIA X: onnxruntime-cuda has kernels" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_engine_without_kernels_for_the_card_is_compared_with_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    card = FakeCard("GPU-1", Name="NVIDIA X", CudaComputeCapability=(9, 0))
    monkeypatch.setattr(nvidia, "open_nvml", lambda: nvml(card, DriverVersion="580.1"))
    monkeypatch.setattr(nvidia, "_DRIVER", tmp_path)
    monkeypatch.setattr(Environments, "problem", lambda *_: None)
    where = [f"--{name}={tmp_path / name}" for name in ("results", "cache")]
    line = refused("ab", "--runner", "paddle-tensorrt", "--variant", "x0_25", *where)
    assert OF_PADDLE in line
    assert "--runner onnxruntime-cuda" in line


class Probe:
    """Answers for the child that loads TensorRT."""

    def __init__(self, answer: ChildResult) -> None:
        self.answer = answer
        self.asked: tuple[str, Mapping[str, str]] = ("", {})

    def __call__(self, request: Mapping[str, Any], **options: Any) -> ChildResult:
        self.asked = request["operation"], options["env"]
        return self.answer


def loads(*version: int, built_for: tuple[int, ...] = (8, 5, 3)) -> Replied:
    value = {"paddle": "2.6.2", "built_for": list(built_for), "loads": list(version)}
    return Replied(value=value, pid=1, wall_ns=1)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand for the environment: nothing is downloaded."""
    got: list[str] = []
    real = Environments(Path("nowhere")).get("harness")

    def get(_: Environments, name: str) -> object:
        got.append(name)
        return real

    monkeypatch.setattr(Environments, "get", get)
    return got


def install(probe: Probe, *flags: str) -> int:
    return main(["doctor", "--install", *flags], Tables(launch=probe))


def test_an_installed_environment_is_proved_by_the_tensorrt_that_it_loads(
    built: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    probe = Probe(loads(8, 5, 3))
    assert install(probe) == 0
    assert built == ["gpu", "gpu-volta"]
    assert probe.asked[0] == "probe"
    assert "paddlepaddle 2.6.2 loads TensorRT 8.5.3" in capsys.readouterr().out
    assert install(probe, "--json") == 0
    assert json.loads(capsys.readouterr().out)["gpu-volta"]["loads"] == [8, 5, 3]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("version", [(0, 0, 0), (8, 6, 1)])
def test_another_tensorrt_than_the_locked_one_is_an_error(
    version: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(Probe(loads(*version))) == 2
    told = ".".join(map(str, version))
    assert f"loads TensorRT {told}, and it should be 8.5.3" in capsys.readouterr().err


@pytest.mark.usefixtures("built")
def test_a_python_of_ones_own_has_to_load_what_its_paddle_was_built_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = [f"--env={name}={sys.executable}" for name in ("gpu", "gpu-volta")]
    assert install(Probe(loads(10, 3, 0, built_for=(10, 3, 0))), *own) == 0
    assert install(Probe(loads(8, 5, 3, built_for=(10, 3, 0))), *own) == 2


@pytest.mark.usefixtures("built")
def test_what_the_child_said_last_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    fell = ChildFailed(
        kind="error", message="ImportError: x", hint="h", log_tail="one\nlibx.so: no"
    )
    assert install(Probe(fell)) == 2
    assert "don't load: ImportError: x: libx.so: no" in capsys.readouterr().err


@pytest.mark.gpu_env
def test_the_locked_environment_loads_the_tensorrt_that_paddle_was_built_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status = main(["doctor", "--install", "--json"])
    except Unavailable as error:
        pytest.skip(f"environment gpu-volta: {error}")
    assert status == 0
    assert json.loads(capsys.readouterr().out)["gpu-volta"] == {
        "paddle": "2.6.2", "built_for": [8, 5, 3], "loads": [8, 5, 3],
    }  # fmt: skip


def test_the_gpu_environment_is_of_the_python_that_its_wheels_exist_for() -> None:
    spec = ENVIRONMENTS["gpu-volta"]
    assert spec.python == "3.10"
    assert set(spec.needs) == {"tensorrt", "tensorrt-cu*", "paddlepaddle-gpu"}
