"""An engine of TensorRT with its stream and its tensors on the device."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from bench.core.errors import BenchError
from bench.core.tensors import Tensors
from bench.runners.feeds import cast, feeds_by
from bench.runners.tensorrt.cuda import Cuda, Handle

# By the names of TensorRT's DataType.
_DTYPES = {
    "FLOAT": "float32", "HALF": "float16", "INT32": "int32", "INT64": "int64", "INT8": "int8",
    "BOOL": "bool",
}  # fmt: skip


def _dtype(engine: Any, name: str) -> str:
    """Return numpy's name of a tensor's type; the bindings' own table needs an old numpy."""
    theirs = str(engine.get_tensor_dtype(name)).rpartition(".")[2]
    if theirs not in _DTYPES:
        raise BenchError(
            f"the engine's tensor {name} is of type {theirs}",
            hint=f"this runner takes {', '.join(_DTYPES.values())}",
        )
    return _DTYPES[theirs]


class Context:
    """An engine ready to run in a stream of its own, its inputs and outputs on the device."""

    def __init__(self, trt: Any, engine: Any, cuda: Cuda, held: ExitStack) -> None:
        import numpy as np

        self.cuda, self._held = cuda, held
        self._context = engine.create_execution_context()
        self._profiler: Any = None  # which TensorRT doesn't hold
        self.stream = cuda.stream()
        held.callback(cuda.destroy_stream, self.stream)
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.outputs: dict[str, Any] = {}
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        self.inputs: dict[str, str] = {}
        for name in names:
            shape, dtype = tuple(engine.get_tensor_shape(name)), _dtype(engine, name)
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self._places[name] = self._bind(name, size, held), shape
            if is_input:
                self.inputs[name] = dtype
            else:
                self.outputs[name] = np.empty(shape, dtype)

    def _bind(self, name: str, size: int, held: ExitStack) -> int:
        address = self.cuda.allocate(size)
        held.callback(self.cuda.free, address)
        self._context.set_tensor_address(name, address)
        return address

    def arranged(self, feeds: Tensors) -> dict[str, Any]:
        """Return `feeds` by the engine's names and in its types; raises BenchError."""
        import numpy as np

        named = feeds_by(list(self.inputs), feeds)
        for name, array in named.items():
            if array.shape != self._places[name][1]:
                raise BenchError(
                    f"the shape of input {name} is {array.shape}, the engine's "
                    f"{self._places[name][1]}",
                    hint="the artifact was exported for another batch",
                )
        arrays = cast(named, self.inputs, "TensorRT")
        return {name: np.ascontiguousarray(it) for name, it in arrays.items()}

    def copy_in(self, arrays: Mapping[str, Any]) -> None:
        for name, array in arrays.items():
            self.cuda.copy_in(self._places[name][0], array, self.stream)

    def copy_out(self) -> Mapping[str, Any]:
        """Return the outputs once everything before is done."""
        for name, array in self.outputs.items():
            self.cuda.copy_out(array, self._places[name][0], self.stream)
        self.cuda.wait(self.stream)
        return self.outputs

    def report_to(self, profiler: Any) -> None:
        """Have each `enqueue` from now on wait for its end and tell `profiler`, an IProfiler."""
        self._context.enqueue_emits_profile = True
        self._context.profiler = self._profiler = profiler

    def capture(self) -> Handle:
        """Return a graph of one `enqueue`, which goes with this context."""
        graph = self.cuda.capture(self.enqueue, self.stream)
        self._held.callback(self.cuda.destroy_graph, graph)
        return graph

    def enqueue(self) -> None:
        if not self._context.execute_async_v3(self.stream):
            raise BenchError(
                "TensorRT refused to run the engine", hint="see log_tail in the cell's file"
            )
