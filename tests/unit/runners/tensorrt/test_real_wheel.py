"""The real wheels of the GPU environment, without a GPU. Not run by default: 2.3 GB to fetch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.config.project import default_cache
from bench.core.errors import Unavailable
from bench.devices.nvidia.libraries import library_path
from bench.environments.interpreters import Environments
from bench.launcher.process import Replied, run_child
from bench.runners import RUNNERS

MODELS = Path(__file__).resolve().parents[4] / "models"
CHILD = "tests.unit.runners.tensorrt.gpu_wheel_child"

# What the folder bench/runners/tensorrt call.
NAMES = (
    "Builder.create_network", "Builder.create_builder_config", "Builder.build_serialized_network",
    "IBuilderConfig.set_memory_pool_limit", "IBuilderConfig.clear_flag", "IBuilderConfig.get_flag",
    "IBuilderConfig.get_tactic_sources", "IBuilderConfig.set_tactic_sources",
    "IBuilderConfig.create_timing_cache", "IBuilderConfig.set_timing_cache",
    "IBuilderConfig.get_timing_cache", "ITimingCache.serialize", "OnnxParser.parse",
    "OnnxParser.num_errors", "OnnxParser.get_error", "Runtime.deserialize_cuda_engine",
    "ICudaEngine.num_io_tensors", "ICudaEngine.get_tensor_name", "ICudaEngine.get_tensor_mode",
    "ICudaEngine.get_tensor_shape", "ICudaEngine.create_execution_context",
    "IExecutionContext.set_tensor_address", "IExecutionContext.execute_async_v3",
    "BuilderFlag.TF32", "TacticSource.CUDNN", "TensorIOMode.INPUT", "MemoryPoolType.WORKSPACE",
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH", "Logger.WARNING",
)  # fmt: skip


@pytest.mark.gpu_env
def test_the_real_wheels_take_the_configuration_read_the_export_and_have_every_name(
    environments: Environments, tmp_path: Path
) -> None:
    try:
        python = environments.get("gpu-volta").python
    except Unavailable as error:
        pytest.skip(f"environment gpu-volta: {error}")
    net = resolve(load_catalogue(MODELS), "x0_25", MODELS, Weights())
    key = Key("x0_25", RUNNERS["paddle-tensorrt"].artifact, 1)
    artifact = Workshop(default_cache(), environments).make([net], [key], workers=1)[key]
    assert isinstance(artifact, Artifact), artifact
    request = {
        "artifact": str(artifact.main), "reference": str(artifact.reference),
        "engines": str(tmp_path), "names": list(NAMES),
    }  # fmt: skip

    env = library_path(python, tmp_path, os.environ)
    answer = run_child(request, module=CHILD, python=python, env=env, timeout_s=300.0)

    assert isinstance(answer, Replied), answer
    assert answer.value["tensorrt_enabled"] is True
    assert answer.value["away"] < 1e-4
    assert answer.value["lacks"] == []
