"""MNN on the CPU, through the sessions of its Python API.

A sample is end to end: inputs copied in, the session run, outputs copied out.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, require_precision, time_calls
from bench.runners.feeds import cast, feeds_by
from bench.runners.mnn_module import MnnModule
from bench.runners.mnn_profile import Watch
from bench.runners.profiling import Profile

# Codes of getSessionInfo (MNN's Interpreter.hpp): the backend in use, the number of threads.
_BACKENDS, _THREADS = 2, 4
_CPU = {0: "cpu", 13: "cpu, with the chip's extensions"}
_MODES = {"fp32": "high", "fp16": "low"}
_CPU_FACTS = Path("/proc/cpuinfo")
_FP16_FLAG = "asimdhp"
_HALIDE = {"float32": "Float", "int32": "Int", "int64": "Int64", "uint8": "Uint8"}
# A hint of createSession (WINOGRAD_MEMORY_LEVEL in Interpreter.hpp) and its values: how large the
# blocks of Winograd's algorithm may be. MNN's default, 3, is 2.8e-4 from the reference on ResNet18,
# where FP32 may be 1e-4; with 1 it is 1.4e-6, and slower by a fifth or more.
_WINOGRAD = 3
_BLOCKS = {"small": 1, "large": 3}


class MnnRunner:
    """Opens `model.mnn`, converted for one batch."""

    imports = ("MNN",)
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[MnnSession]:
        require_precision(cell, *_MODES)
        if cell.precision == "fp16" and not has_fp16(
            platform.system(), platform.machine(), _CPU_FACTS
        ):
            raise Unavailable("MNN has no fp16 on this chip", hint="use precision fp32")
        engine = import_engine("MNN", env="engines")
        interpreter = engine.Interpreter(str(artifact))
        winograd = dict(cell.settings).get("winograd", "small")
        hint = (_WINOGRAD, _BLOCKS[winograd])
        interpreter.setSessionHint(*hint)
        config = {
            "numThread": cell.threads,
            "precision": _MODES[cell.precision],
            "backend": "CPU",
        }
        session = interpreter.createSession(config)
        as_module = partial(MnnModule, artifact, config=config, hints=[hint])
        yield MnnSession(engine, interpreter, session, cell.precision, winograd, as_module)


def has_fp16(system: str, machine: str, cpu_facts: Path) -> bool:
    """Tell whether MNN has FP16 kernels for this chip: an Arm one that computes in FP16.

    Elsewhere it takes "low" for "high": on x86, with AVX-512 and BF16 instructions, the output was
    the same to the bit.
    """
    if machine.lower() not in ("aarch64", "arm64"):
        return False
    if system == "Darwin":  # every Arm chip of theirs
        return True
    try:
        return _FP16_FLAG in cpu_facts.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False


def _dtype(engine: Any, tensor: Any) -> str:
    """Return the type of a session's tensor: MNN makes 64-bit whole numbers 32-bit ones.

    Raises Unavailable for one that its Python side can't hand over.
    """
    kind = tensor.getDataType()
    for dtype, name in _HALIDE.items():
        if kind == getattr(engine, f"Halide_Type_{name}"):
            return dtype
    raise Unavailable(
        "MNN's Python side can't hand over a tensor of this net",
        hint="measure it with another runner; 32-bit numbers and uint8 are what MNN takes",
    )


class MnnSession:
    """A session of an interpreter, and the host's tensors for its inputs and outputs."""

    def __init__(
        self,
        engine: Any,
        interpreter: Any,
        session: Any,
        precision: str = "fp32",
        winograd: str = "small",
        as_module: Callable[[list[str], list[str]], MnnModule] | None = None,
    ) -> None:
        self._as_module = as_module
        self._module: MnnModule | None = None
        self._winograd = winograd
        self._engine = engine
        self._precision = precision
        self._interpreter = interpreter
        self._session = session
        self._inputs = interpreter.getSessionInputAll(session)
        self._outputs = interpreter.getSessionOutputAll(session)
        self._copies: list[tuple[Any, Any]] = []
        self._hosts: dict[str, Any] = {}

    @property
    def facts(self) -> Mapping[str, str]:
        backend = self._interpreter.getSessionInfo(self._session, _BACKENDS)
        return {
            "engine": f"MNN {self._engine.version()}",
            **({"threads": str(threads)} if (threads := self._threads()) else {}),
            # MNN reports no precision. "high" is FP32 by its documentation, and the parent's check
            # of the output agrees: with FP16 weights ncnn is 4e-4 from the reference on x1_0,
            # with BF16 7e-2, where 1e-4 is allowed; MNN comes within 7e-6. For FP16 only the chip
            # shows that there are such kernels.
            "precision": self._precision,
            "backend": _CPU.get(backend, f"number {backend}"),
            "winograd": self._winograd,  # as it was set: MNN reports no hint
            **({} if self._module is None else {"api": "module"}),
        }

    def _threads(self) -> int:
        """Return the threads in use, 0 where they can't be read.

        The binding hands the bits of that integer out as a float, which is a subnormal number: in a
        process that flushes those it is 0.
        """
        encoded = self._interpreter.getSessionInfo(self._session, _THREADS)
        threads: int = struct.unpack("=i", struct.pack("=f", encoded))[0]
        return threads

    def infer(self, feeds: Tensors) -> Tensors:
        import numpy as np

        dtypes = {name: _dtype(self._engine, it) for name, it in self._inputs.items()}
        named = cast(feeds_by(list(self._inputs), feeds), dtypes, "MNN")
        self._resize(named)
        if self._as_module and any(0 in it.getShape() for it in self._outputs.values()):
            # Its shapes aren't known before it runs: it has loops or branches.
            self._module = self._as_module(list(self._inputs), list(self._outputs))
            self._module.feed(named)
            return dict(zip(self._outputs, self._end_to_end(), strict=True))
        self._copies = [(self._inputs[name], self._host(array)) for name, array in named.items()]
        self._hosts = {
            name: self._host(np.zeros(tensor.getShape(), _dtype(self._engine, tensor)))
            for name, tensor in self._outputs.items()
        }
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def _resize(self, named: Tensors) -> None:
        """Give inputs that the file leaves open the shapes of `named`."""
        other = [
            name for name, it in named.items() if tuple(self._inputs[name].getShape()) != it.shape
        ]
        for name in other:
            self._interpreter.resizeTensor(self._inputs[name], named[name].shape)
        if other:
            self._interpreter.resizeSession(self._session)
            self._outputs = self._interpreter.getSessionOutputAll(self._session)

    def _host(self, array: Any) -> Any:
        """Return a tensor of the host's over `array`."""
        import numpy as np

        kind = _HALIDE.get(array.dtype.name)
        if kind is None:
            raise Unavailable(
                f"MNN's Python side takes no {array.dtype} tensors",
                hint="measure this net with another runner",
            )
        layout = self._engine.Tensor_DimensionType_Caffe
        halide = getattr(self._engine, f"Halide_Type_{kind}")
        return self._engine.Tensor(array.shape, halide, np.ascontiguousarray(array), layout)

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def profile(self, count: int) -> Profile:
        """Time each operator between the two callbacks that MNN calls around it."""
        if self._module is not None:
            raise Unavailable(
                "MNN's modules, which this net with loops or branches runs in, tell no operators",
                hint="profile it with another runner",
            )
        self._end_to_end(Watch().run)
        watch = Watch()
        samples = time_calls(partial(self._end_to_end, watch.run), count)
        return Profile(samples_ns=samples, operators=watch.operators())

    def _end_to_end(self, run: Callable[[Any, Any], object] | None = None) -> list[Any]:
        if self._module is not None:
            return self._module.run()
        for tensor, host in self._copies:
            tensor.copyFrom(host)
        if run is None:
            self._interpreter.runSession(self._session)
        else:
            run(self._interpreter, self._session)
        return [self._copied_out(name, tensor) for name, tensor in self._outputs.items()]

    def _copied_out(self, name: str, tensor: Any) -> Any:
        host = self._hosts[name]
        tensor.copyToHostTensor(host)
        return host.getNumpyData().reshape(tensor.getShape()).copy()
