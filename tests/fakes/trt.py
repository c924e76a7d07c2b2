"""A stand-in for the module tensorrt: it "builds" a net that gives twice the mean of each image.

The plan is JSON; `version` chooses which names the module has, as 8.5, 10 and 11 differ in them.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.fakes.cuda import FakeCudart

CLASSES = 10
RUN_NS = 250_000


APIS = json.loads(Path(__file__).with_name("tensorrt_api.json").read_text())
"""What the real bindings have, by version: tests/contract/tensorrt reads it off them."""


def enums_of(version: str) -> dict[str, Any]:
    """Return the enums of the bindings of that major version, by their name."""
    major = version.partition(".")[0]
    api = next(api for known, api in APIS.items() if known.partition(".")[0] == major)
    return {
        name: IntEnum(name, {key: value for key, value in members.items() if value is not None})
        for name, members in api["enums"].items()
    }


class FakeTensorrt:
    """The module. `builds` counts engines, of which those in `stale` don't load; `timings` are what
    builders were given. `tactics` has the kernel of each build's convolution, the last one's of
    those after.
    """

    def __init__(
        self,
        cuda: FakeCudart,
        *,
        version: str = "8.5.3.1",
        shape: tuple[int, ...] = (1, 3, 8, 8),
        keeps_tf32: bool = False,
        parses: bool = True,
        plans: bool = True,
        loads: bool = True,
        runs: bool = True,
        outputs: int = 1,
        dtype: str = "DataType.FLOAT",
    ) -> None:
        self.__version__ = version
        self.cuda, self.shape, self.keeps_tf32 = cuda, shape, keeps_tf32
        self.parses, self.plans, self.loads, self.runs = parses, plans, loads, runs
        self.outputs, self.dtype = outputs, dtype
        self.builds = 0
        self.stale: set[int] = set()
        self.takes_timings = True
        self.tactics = ["sm75_winograd"]
        self.inspects = True
        self.flags: list[int] = []
        self.timings: list[bytes] = []
        self.configs: list[FakeConfig] = []
        enums = enums_of(version)
        self.BuilderFlag: Any = enums["BuilderFlag"]
        self.TacticSource: Any = enums["TacticSource"]
        self.MemoryPoolType: Any = enums["MemoryPoolType"]
        self.ProfilingVerbosity: Any = enums["ProfilingVerbosity"]
        self.LayerInformationFormat: Any = enums["LayerInformationFormat"]
        self.TensorIOMode: Any = enums["TensorIOMode"]
        self.NetworkDefinitionCreationFlag: Any = enums["NetworkDefinitionCreationFlag"]
        self.IProfiler = type("IProfiler", (), {"__init__": lambda self: None})
        self.Logger = type("Logger", (), {"WARNING": 2, "__init__": lambda self, level: None})
        self.Builder: Callable[[Any], FakeBuilder] = lambda logger: FakeBuilder(self)
        self.OnnxParser: Callable[..., FakeParser] = lambda network, logger: FakeParser(self)
        self.Runtime: Callable[[Any], FakeRuntime] = lambda logger: FakeRuntime(self)


class FakeParser:
    def __init__(self, trt: FakeTensorrt) -> None:
        self._trt = trt
        self.num_errors = 0 if trt.parses else 2

    def parse(self, content: bytes) -> bool:
        assert content == b"onnx"
        return self._trt.parses

    def get_error(self, index: int) -> str:
        return f"In node {index}: UNSUPPORTED_NODE"


class FakeConfig:
    def __init__(self, trt: FakeTensorrt) -> None:
        self._trt = trt
        tf32 = getattr(trt.BuilderFlag, "TF32", None)
        self.on = set() if tf32 is None else {int(tf32)}
        by_itself = [
            source
            for source in trt.TacticSource
            # From 10 on no library is a source by itself.
            if trt.__version__.startswith("8") or not source.name.startswith("CU")
        ]
        self.sources: int = sum(1 << int(source) for source in by_itself)
        self.limits: dict[int, int] = {}
        self.profiling_verbosity: int = 0

    def set_memory_pool_limit(self, pool: int, pool_size: int) -> None:
        self.limits[pool] = pool_size

    def clear_flag(self, flag: int) -> None:
        self.on -= set() if self._trt.keeps_tf32 else {int(flag)}

    def get_flag(self, flag: int) -> bool:
        return int(flag) in self.on

    def get_tactic_sources(self) -> int:
        return self.sources

    def set_tactic_sources(self, sources: int) -> bool:
        self.sources = sources
        return True

    def create_timing_cache(self, content: bytes) -> bytes:
        self._trt.timings.append(content)
        return content

    def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        assert ignore_mismatch is False
        if cache and not self._trt.takes_timings:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return SimpleNamespace(serialize=lambda: self._cache + b"t")


class FakeBuilder:
    def __init__(self, trt: FakeTensorrt) -> None:
        self._trt = trt

    def create_network(self, flags: int) -> str:
        self._trt.flags.append(flags)
        return "network"

    def create_builder_config(self) -> FakeConfig:
        self._trt.configs.append(FakeConfig(self._trt))
        return self._trt.configs[-1]

    def build_serialized_network(self, network: str, config: FakeConfig) -> bytes | None:
        self._trt.builds += 1
        detailed = config.profiling_verbosity == self._trt.ProfilingVerbosity.DETAILED
        built = {"net": network, "build": self._trt.builds, "detailed": detailed}
        plan = json.dumps(built).encode()
        return plan if self._trt.plans else None


class FakeRuntime:
    def __init__(self, trt: FakeTensorrt) -> None:
        self._trt = trt

    def deserialize_cuda_engine(self, plan: bytes) -> FakeEngine | None:
        told = json.loads(plan)
        assert told["net"] == "network"
        loads = self._trt.loads and told["build"] not in self._trt.stale
        return FakeEngine(self._trt, told["build"], detailed=told["detailed"]) if loads else None


class FakeEngine:
    def __init__(self, trt: FakeTensorrt, build: int, *, detailed: bool) -> None:
        self._trt, self._build, self._detailed = trt, build, detailed
        self._names = ["x", *(f"logits{n}" for n in range(trt.outputs))]
        self.num_io_tensors = len(self._names)

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_mode(self, name: str) -> int:
        mode = self._trt.TensorIOMode
        return int(mode.INPUT if name == "x" else mode.OUTPUT)

    def get_tensor_dtype(self, name: str) -> str:
        return self._trt.dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._trt.shape if name == "x" else (self._trt.shape[0], CLASSES)

    def create_engine_inspector(self) -> Any:
        """Return an inspector whose JSON has the form of 8.6's, control characters and all."""
        if not self._trt.inspects:
            return None
        tactics = self._trt.tactics
        kernel = tactics[min(self._build, len(tactics)) - 1]
        layers = [_layer("conv1\x1erelu1", kernel), _layer("fc", "sm75_gemm")]
        names = [layer["Name"] for layer in layers]
        text = json.dumps({"Layers": layers if self._detailed else names, "Bindings": self._names})
        raw = text.replace("\\u001e", "\x1e")  # TensorRT doesn't escape them
        return SimpleNamespace(get_engine_information=lambda form: raw if form == 1 else "")

    def create_execution_context(self) -> FakeContext:
        return FakeContext(self._trt)


def _layer(name: str, kernel: str) -> dict[str, Any]:
    tensor = {"Name": "t", "Dimensions": [1, 8], "Format/Datatype": "Row major linear FP32"}
    return {
        "Name": name, "LayerType": "CaskConvolution", "ParameterType": "Convolution",
        "Inputs": [tensor], "Outputs": [tensor], "TacticName": kernel, "TacticValue": "0x1",
    }  # fmt: skip


class FakeContext:
    def __init__(self, trt: FakeTensorrt) -> None:
        self._trt = trt
        self._addresses: dict[str, int] = {}
        self.profiler: Any = None
        self.enqueue_emits_profile = False

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        assert stream_handle in self._trt.cuda.handles
        self._trt.cuda.submit(self._infer)
        if self.profiler is not None and self.enqueue_emits_profile:
            for name, ms in (("conv1\x1erelu1", 0.2), ("fc", 0.04), ("fc", 0.01)):
                self.profiler.report_layer_time(name, ms)
        return self._trt.runs

    def _infer(self) -> None:
        x = self._at("x", self._trt.shape)
        means = x.reshape(x.shape[0], -1).mean(axis=1, keepdims=True)
        for number in range(self._trt.outputs):
            logits = self._at(f"logits{number}", (self._trt.shape[0], CLASSES))
            logits[:] = 2 * means + np.arange(CLASSES, dtype=np.float32) + number
        self._trt.cuda.device_ns += RUN_NS

    def _at(self, name: str, shape: tuple[int, ...]) -> Any:
        pointer = ctypes.cast(self._addresses[name], ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, shape)


def onnx(folder: Path) -> Path:
    """Return a file that FakeParser takes for a net."""
    path = folder / "model.onnx"
    path.write_bytes(b"onnx")
    return path
