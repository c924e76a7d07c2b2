"""MNN on the CPU, through the sessions of its Python API.

A sample is end to end: the input copied in, the session run, the output copied out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.cell import Cell
from bench.runners.base import Array, import_engine, require_precision, time_calls
from bench.units import Nanoseconds

# Codes of getSessionInfo (MNN's Interpreter.hpp): the backend in use, the number of threads.
_BACKENDS, _THREADS = 2, 4
_CPU = {0: "cpu", 13: "cpu, with the chip's extensions"}


class MnnRunner:
    """Opens `model.mnn`, converted for one batch."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[MnnSession]:
        require_precision(cell, "fp32")
        engine = import_engine("MNN", env="engines")
        interpreter = engine.Interpreter(str(artifact))
        session = interpreter.createSession(
            {"numThread": cell.threads, "precision": "high", "backend": "CPU"}
        )
        yield MnnSession(engine, interpreter, session)


class MnnSession:
    """A session of an interpreter, and the host's tensors for its input and output."""

    def __init__(self, engine: Any, interpreter: Any, session: Any) -> None:
        self._engine = engine
        self._interpreter = interpreter
        self._session = session
        self._input = interpreter.getSessionInput(session)
        self._output = interpreter.getSessionOutput(session)
        self._shape = tuple(self._output.getShape())
        self._host_input: Any = None
        self._host_output: Any = None

    @property
    def facts(self) -> Mapping[str, str]:
        backend = self._interpreter.getSessionInfo(self._session, _BACKENDS)
        return {
            "engine": f"MNN {self._engine.version()}",
            "threads": str(self._threads()),
            # MNN tells no precision. "high" is FP32 by its documentation, and the parent's check of
            # the output bears it out: with FP16 weights ncnn is 4e-4 from the reference on x1_0,
            # with BF16 7e-2, where 1e-4 is allowed; MNN comes within 7e-6.
            "precision": "fp32",
            "backend": _CPU.get(backend, f"number {backend}"),
        }

    def _threads(self) -> int:
        """Return the threads in use; the binding hands the bits of that integer out as a float."""
        told = self._interpreter.getSessionInfo(self._session, _THREADS)
        threads: int = struct.unpack("=i", struct.pack("=f", told))[0]
        return threads

    def infer(self, x: Array) -> Array:
        import numpy as np

        self._host_input = self._host(x)
        self._host_output = self._host(np.zeros(self._shape, np.float32))
        output: Array = self._end_to_end()
        return output

    def _host(self, array: Any) -> Any:
        layout = self._engine.Tensor_DimensionType_Caffe
        return self._engine.Tensor(array.shape, self._engine.Halide_Type_Float, array, layout)

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def _end_to_end(self) -> Any:
        self._input.copyFrom(self._host_input)
        self._interpreter.runSession(self._session)
        self._output.copyToHostTensor(self._host_output)
        return self._host_output.getNumpyData().reshape(self._shape).copy()
