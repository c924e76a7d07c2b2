"""Paddle Lite on x86, in a process of its own: its wheel is for Python 3.7, which no worker is.

That process holds the predictor and times its own inferences (`x86_child.py`). A sample
is end to end: the input copied in, the net run, the output copied out. Neither the way between the
two processes nor the worker's own work counts, but in the load and the first inference it does: the
other interpreter's start is part of the load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.core.cell import Cell
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.launcher.foreign_interpreter import EngineProcess, garbage, open_engine_process
from bench.runners.base import Capability, Usage, require_precision
from bench.runners.feeds import one_image

_PROGRAM = Path(__file__).with_name("x86_child.py")
_OPENS_WITHIN_S = 120.0
_INFERS_WITHIN_S = 20.0
_ANSWERS_WITHIN_S = 30.0


class PaddleLiteX86Runner:
    """Opens `model.nb`, made for x86 and one batch."""

    capabilities: frozenset[Capability] = frozenset({"remote"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[PaddleLiteX86Session]:
        require_precision(cell, "fp32")
        words = (str(artifact), str(cell.threads))
        with open_engine_process(_PROGRAM, *words, timeout_s=_OPENS_WITHIN_S) as process:
            yield PaddleLiteX86Session(process)


class PaddleLiteX86Session:
    """A predictor in its process, which takes commands as lines and arrays as files."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process

    @property
    def facts(self) -> Mapping[str, str]:
        ready = self._process.ready
        return {
            "engine": f"paddlelite {ready['paddlelite']}",
            "python": ready["python"],
            "threads": str(ready["threads"]),
            # Paddle Lite has no lower precision on x86, and the output is held to FP32's distance.
            "precision": "fp32",
        }

    @property
    def pid(self) -> int:
        return self._process.pid

    def usage(self) -> Usage:
        answer = self._process.ask({"usage": True}, _ANSWERS_WITHIN_S)
        try:
            return Usage(**answer)
        except TypeError:
            raise garbage(answer) from None

    def infer(self, feeds: Tensors) -> Tensors:
        import numpy as np

        given, made = (self._process.folder / name for name in ("x.npy", "y.npy"))
        np.save(given, one_image(feeds, "Paddle Lite"))
        command = {"infer": str(given), "into": str(made)}
        answer = self._process.ask(command, _ANSWERS_WITHIN_S + _INFERS_WITHIN_S)
        if "shape" not in answer:
            raise garbage(answer)
        return {"output": np.load(made)}

    def sample(self, count: int) -> list[Nanoseconds]:
        within_s = _ANSWERS_WITHIN_S + count * _INFERS_WITHIN_S
        answer = self._process.ask({"sample": count}, within_s)
        samples = answer.get("ns")
        if not isinstance(samples, list) or len(samples) != count:
            raise garbage(answer)
        return [Nanoseconds(sample) for sample in samples]
