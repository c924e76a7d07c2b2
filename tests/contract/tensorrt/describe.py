"""Print what the installed bindings of TensorRT have, as JSON: `python describe.py`.

Runs in an environment of bindings; standard library only.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from typing import Any

# What bench/runners/tensorrt calls, or has TensorRT call, by TensorRT's own names, and the
# parameters that are given.
CALLS = (
    "Builder.create_network", "Builder.create_builder_config", "Builder.build_serialized_network",
    "IBuilderConfig.set_memory_pool_limit", "IBuilderConfig.clear_flag", "IBuilderConfig.get_flag",
    "IBuilderConfig.get_tactic_sources", "IBuilderConfig.set_tactic_sources",
    "IBuilderConfig.create_timing_cache", "IBuilderConfig.set_timing_cache",
    "IBuilderConfig.get_timing_cache", "ITimingCache.serialize", "OnnxParser.parse",
    "OnnxParser.get_error", "Runtime.deserialize_cuda_engine", "ICudaEngine.get_tensor_name",
    "ICudaEngine.get_tensor_mode", "ICudaEngine.get_tensor_shape", "ICudaEngine.get_tensor_dtype",
    "ICudaEngine.create_execution_context", "IExecutionContext.set_tensor_address",
    "IExecutionContext.execute_async_v3", "ICudaEngine.create_engine_inspector",
    "EngineInspector.get_engine_information", "IProfiler.report_layer_time",
)  # fmt: skip
ATTRIBUTES = (
    "OnnxParser.num_errors", "ICudaEngine.num_io_tensors", "Logger.WARNING",
    "IBuilderConfig.profiling_verbosity", "IExecutionContext.profiler",
    "IExecutionContext.enqueue_emits_profile",
)  # fmt: skip
ENUMS = {
    "BuilderFlag": ("TF32",),
    "TacticSource": ("CUBLAS", "CUBLAS_LT", "CUDNN", "EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"),
    "NetworkDefinitionCreationFlag": ("EXPLICIT_BATCH", "STRONGLY_TYPED"),
    "TensorIOMode": ("INPUT", "OUTPUT"),
    "MemoryPoolType": ("WORKSPACE",),
    "DataType": ("FLOAT", "HALF", "INT32", "INT64", "INT8", "BOOL"),
    "ProfilingVerbosity": ("DETAILED",),
    "LayerInformationFormat": ("JSON",),
}


def describe(module: Any) -> dict[str, Any]:
    """Return the parameters of each call, whether each attribute is there, and each enum's values.

    What the module lacks is None.
    """
    return {
        "version": module.__version__,
        "calls": {name: _parameters(_at(module, name)) for name in CALLS},
        "attributes": {name: _at(module, name) is not None for name in ATTRIBUTES},
        "enums": {
            enum: {name: _value(_at(module, f"{enum}.{name}")) for name in names}
            for enum, names in ENUMS.items()
        },
    }


def _at(module: Any, name: str) -> Any:
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


def _value(member: Any) -> int | None:
    return None if member is None else int(member)


def _parameters(method: Any) -> list[str] | None:
    """Return the names of a binding's parameters, read off its docstring's first signature."""
    if method is None:
        return None
    line = next(text for text in str(method.__doc__).splitlines() if "(self: " in text)
    return re.findall(r"(?<=, )(\w+): ", line)


def main() -> None:
    for name in ("tensorrt_bindings", "tensorrt"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        json.dump(describe(module), sys.stdout, indent=1)
        return
    raise SystemExit("no bindings of TensorRT in this environment")


if __name__ == "__main__":
    main()
