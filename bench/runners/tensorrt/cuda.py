"""As much of the CUDA runtime as a timed inference takes, through ctypes: no array library needed.

Source: CUDA Runtime API reference. cudaGraphInstantiateWithFlags has one signature from 11.4 on,
unlike cudaGraphInstantiate, whose arguments CUDA 12 changed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NewType

from bench.core.errors import BenchError, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

Handle = NewType("Handle", int)
"""A stream, an event or an executable graph."""

_TO_DEVICE = 1
_TO_HOST = 2
_THREAD_LOCAL = 1
NAMES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0")


class CudaError(BenchError):
    """A call of the CUDA runtime failed."""

    kind = "cuda"


def load(names: Sequence[str] = NAMES) -> Cuda:
    """Return the first CUDA runtime that can be loaded; raises Unavailable where none can."""
    for name in names:
        try:
            return Cuda(ctypes.CDLL(name))
        except OSError:
            continue
    raise Unavailable(
        "there is no CUDA runtime library (libcudart.so)",
        hint="leave --env gpu out to have an environment built that brings one",
    )


class Cuda:
    """The calls; `library` is libcudart, or what stands in for it. Each raises CudaError."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._described = hasattr(library, "cudaGetErrorString")
        if self._described and isinstance(library, ctypes.CDLL):
            library.cudaGetErrorString.restype = ctypes.c_char_p

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise CudaError(
                f"{name} failed with {status}{self._meaning(status)}",
                hint="see `nvidia-smi`; is the GPU's memory full, or its driver older than CUDA?",
            )

    def _meaning(self, status: int) -> str:
        text = self._library.cudaGetErrorString(status) if self._described else None
        return f" ({text.decode()})" if isinstance(text, bytes) else ""

    def _made(self, name: str, *arguments: Any) -> Handle:
        made = ctypes.c_void_p()
        self._call(name, ctypes.byref(made), *arguments)
        return Handle(made.value or 0)

    def version(self) -> str:
        """Return the runtime's version, as 11.8."""
        number = ctypes.c_int()
        self._call("cudaRuntimeGetVersion", ctypes.byref(number))
        return f"{number.value // 1000}.{number.value % 1000 // 10}"

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes on the device."""
        return self._made("cudaMalloc", ctypes.c_size_t(size))

    def free(self, address: int) -> None:
        self._call("cudaFree", ctypes.c_void_p(address))

    def stream(self) -> Handle:
        return self._made("cudaStreamCreate")

    def destroy_stream(self, stream: Handle) -> None:
        self._call("cudaStreamDestroy", ctypes.c_void_p(stream))

    def copy_in(self, address: int, array: Array, stream: Handle) -> None:
        """Start a copy of `array`, contiguous, to the device."""
        self._copy(address, array.ctypes.data, array.nbytes, _TO_DEVICE, stream)

    def copy_out(self, array: Array, address: int, stream: Handle) -> None:
        """Start a copy from the device into `array`, contiguous."""
        self._copy(array.ctypes.data, address, array.nbytes, _TO_HOST, stream)

    def _copy(self, to: int, source: int, size: int, kind: int, stream: Handle) -> None:
        self._call(
            "cudaMemcpyAsync", ctypes.c_void_p(to), ctypes.c_void_p(source),
            ctypes.c_size_t(size), ctypes.c_int(kind), ctypes.c_void_p(stream),
        )  # fmt: skip

    def wait(self, stream: Handle) -> None:
        """Return once everything in `stream` is done."""
        self._call("cudaStreamSynchronize", ctypes.c_void_p(stream))

    def event(self) -> Handle:
        return self._made("cudaEventCreate")

    def destroy_event(self, event: Handle) -> None:
        self._call("cudaEventDestroy", ctypes.c_void_p(event))

    def record(self, event: Handle, stream: Handle) -> None:
        """Have `event` happen once what is in `stream` so far is done."""
        self._call("cudaEventRecord", ctypes.c_void_p(event), ctypes.c_void_p(stream))

    def elapsed_ns(self, first: Handle, last: Handle) -> int:
        """Return the time between two events that have happened; CUDA resolves about 500 ns."""
        milliseconds = ctypes.c_float()
        self._call(
            "cudaEventElapsedTime", ctypes.byref(milliseconds),
            ctypes.c_void_p(first), ctypes.c_void_p(last),
        )  # fmt: skip
        return round(milliseconds.value * 1e6)

    def capture(self, work: Callable[[], object], stream: Handle) -> Handle:
        """Return an executable graph of what `work` puts into `stream`."""
        graph = ctypes.c_void_p()
        self._call("cudaStreamBeginCapture", ctypes.c_void_p(stream), ctypes.c_int(_THREAD_LOCAL))
        try:
            work()
        finally:
            self._call("cudaStreamEndCapture", ctypes.c_void_p(stream), ctypes.byref(graph))
        try:
            return self._made("cudaGraphInstantiateWithFlags", graph, ctypes.c_ulonglong(0))
        finally:
            self._call("cudaGraphDestroy", graph)

    def launch(self, graph: Handle, stream: Handle) -> None:
        self._call("cudaGraphLaunch", ctypes.c_void_p(graph), ctypes.c_void_p(stream))

    def destroy_graph(self, graph: Handle) -> None:
        self._call("cudaGraphExecDestroy", ctypes.c_void_p(graph))
