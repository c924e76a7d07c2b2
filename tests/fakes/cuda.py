"""A stand-in for libcudart: the device's memory is this process's, streams do everything at once.

Time passes only where something runs, as the test's engine says; events read that clock.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any


class FakeCudart:
    """`fails` names calls that return an error's number."""

    def __init__(self, **fails: int) -> None:
        self.fails = fails
        self.calls: list[str] = []
        self.device_ns = 0
        self.memory: dict[int, Any] = {}
        self.handles: set[int] = set()
        self.captured: list[Callable[[], None]] | None = None
        self._graphs: dict[int, list[Callable[[], None]]] = {}
        self._events: dict[int, int] = {}
        self._next = 100

    def cudaGetErrorString(self, _: int) -> bytes:  # noqa: N802 - CUDA's name
        return b"out of memory"

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("cuda"):
            raise AttributeError(name)

        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name in self.fails:
                return self.fails[name]
            getattr(self, "_" + name.removeprefix("cuda"), self._accept)(*arguments)
            return 0

        return call

    def submit(self, work: Callable[[], None]) -> None:
        """Do `work`, or note it for the graph that is being captured."""
        if self.captured is None:
            work()
        else:
            self.captured.append(work)

    def _accept(self, *_: Any) -> None:
        """A call that changes nothing here."""

    def _handle(self, reference: Any) -> int:
        self._next += 1
        reference._obj.value = self._next
        self.handles.add(self._next)
        return self._next

    def _RuntimeGetVersion(self, reference: Any) -> None:  # noqa: N802
        reference._obj.value = 11080

    def _Malloc(self, reference: Any, size: Any) -> None:  # noqa: N802
        block = ctypes.create_string_buffer(size.value)
        reference._obj.value = ctypes.addressof(block)
        self.memory[ctypes.addressof(block)] = block

    def _Free(self, address: Any) -> None:  # noqa: N802
        del self.memory[address.value]

    def _StreamCreate(self, reference: Any) -> None:  # noqa: N802
        self._handle(reference)

    def _EventCreate(self, reference: Any) -> None:  # noqa: N802
        self._handle(reference)

    def _StreamDestroy(self, handle: Any) -> None:  # noqa: N802
        self.handles.remove(handle.value)

    _EventDestroy = _GraphExecDestroy = _StreamDestroy

    def _EventRecord(self, event: Any, _: Any) -> None:  # noqa: N802
        self._events[event.value] = self.device_ns

    def _EventElapsedTime(self, reference: Any, first: Any, last: Any) -> None:  # noqa: N802
        reference._obj.value = (self._events[last.value] - self._events[first.value]) / 1e6

    def _MemcpyAsync(self, to: Any, source: Any, size: Any, kind: Any, _: Any) -> None:  # noqa: N802
        device = to.value if kind.value == 1 else source.value
        assert device in self.memory, "an address that is none of the device's"
        assert size.value <= ctypes.sizeof(self.memory[device])
        ctypes.memmove(to.value, source.value, size.value)

    def _StreamBeginCapture(self, *_: Any) -> None:  # noqa: N802
        self.captured = []

    def _StreamEndCapture(self, _: Any, reference: Any) -> None:  # noqa: N802
        self._next += 1
        reference._obj.value = self._next
        self._graphs[self._next] = self.captured or []
        self.captured = None

    def _GraphInstantiateWithFlags(self, reference: Any, graph: Any, _: Any) -> None:  # noqa: N802
        self._graphs[self._handle(reference)] = self._graphs[graph.value]

    def _GraphLaunch(self, graph: Any, _: Any) -> None:  # noqa: N802
        for work in self._graphs[graph.value]:
            work()
