"""Engines driven by a C++ program, `<engine>.cpp` beside this: an inference without Python.

The program is compiled in preparation (`bench.environments.native_programs`), holds the net and
times its own inferences by the clock and in the steps of the Python runner of its engine: inputs
copied in, net run, outputs copied out. `serve.hpp` has its commands. Neither the way between the
two processes nor the worker's own work counts, but in the load and the first inference it does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.core.cell import Cell
from bench.core.tensors import DTYPES, Tensors
from bench.launcher.engine_process import compiled, garbage, open_engine_process
from bench.runners import RUNNERS
from bench.runners.base import Capability, require_precision
from bench.runners.feeds import cast, feeds_by
from bench.runners.remote import ANSWERS_WITHIN_S, INFERS_WITHIN_S, EngineSession

INPUTS, OUTPUTS = "inputs.bin", "outputs.bin"
_OPENS_WITHIN_S = 120.0


class CppRunner:
    """Opens the artifact of any engine that has a program here."""

    capabilities: frozenset[Capability] = frozenset({"remote"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[CppSession]:
        require_precision(cell, *RUNNERS[cell.runner].precisions)
        settings = ",".join(f"{name}={value}" for name, value in cell.settings)
        words = (str(artifact), str(cell.threads), cell.precision, settings)
        with open_engine_process(compiled(), *words, timeout_s=_OPENS_WITHIN_S) as process:
            yield CppSession(process)


class CppSession(EngineSession):
    """A net in its program, which takes tensors as files."""

    @property
    def facts(self) -> Mapping[str, str]:
        facts = self.process.ready.get("facts")
        if not isinstance(facts, dict):
            raise garbage(self.process.ready)
        return facts

    def infer(self, feeds: Tensors) -> Tensors:
        dtypes = {str(name): str(dtype) for name, dtype in self.process.ready["inputs"]}
        named = feeds_by(list(dtypes), feeds)
        types = {name: dtype or str(named[name].dtype) for name, dtype in dtypes.items()}
        named = cast(named, types, self.facts["engine"])
        write_tensors(self.process.folder / INPUTS, named)
        answer = self.process.ask({"infer": True}, ANSWERS_WITHIN_S + INFERS_WITHIN_S)
        outputs = read_tensors(self.process.folder / OUTPUTS)
        if answer != {"outputs": len(outputs)}:
            raise garbage(answer)
        return outputs


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write `tensors` as `serve.hpp` reads them."""
    import numpy as np

    with path.open("wb") as file:
        for name, array in tensors.items():
            line = [str(array.dtype), str(array.ndim), *map(str, array.shape), name]
            file.write((" ".join(line) + "\n").encode())
            file.write(np.ascontiguousarray(array).tobytes())


def read_tensors(path: Path) -> Tensors:
    """Return what `serve.hpp` wrote; raises EngineLost where it isn't whole."""
    import numpy as np

    tensors = {}
    with path.open("rb") as file:
        while line := file.readline().decode(errors="replace"):
            try:
                dtype, rank, *words = line.rstrip("\n").split(" ")
                shape = [int(word) for word in words[: int(rank)]]
                kind = np.dtype(DTYPES[DTYPES.index(dtype)])
                data = file.read(math.prod(shape) * kind.itemsize)
                tensors[" ".join(words[int(rank) :])] = np.frombuffer(data, kind).reshape(shape)
            except ValueError:
                raise garbage(line[:80]) from None
    return tensors
