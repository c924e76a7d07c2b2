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
from bench.launcher.engine_process import garbage, interpreted, open_engine_process
from bench.runners.base import Capability, require_precision
from bench.runners.feeds import one_image
from bench.runners.remote import ANSWERS_WITHIN_S, INFERS_WITHIN_S, EngineSession

_PROGRAM = Path(__file__).with_name("x86_child.py")
_OPENS_WITHIN_S = 120.0


class PaddleLiteX86Runner:
    """Opens `model.nb`, made for x86 and one batch."""

    capabilities: frozenset[Capability] = frozenset({"remote"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[PaddleLiteX86Session]:
        require_precision(cell, "fp32")
        program, words = interpreted(_PROGRAM), (str(artifact), str(cell.threads))
        with open_engine_process(program, *words, timeout_s=_OPENS_WITHIN_S) as process:
            yield PaddleLiteX86Session(process)


class PaddleLiteX86Session(EngineSession):
    """A predictor in its process, which takes commands as lines and arrays as files."""

    @property
    def facts(self) -> Mapping[str, str]:
        ready = self.process.ready
        return {
            "engine": f"paddlelite {ready['paddlelite']}",
            "python": ready["python"],
            "threads": str(ready["threads"]),
            # Paddle Lite has no lower precision on x86, and the output is held to FP32's distance.
            "precision": "fp32",
        }

    def infer(self, feeds: Tensors) -> Tensors:
        import numpy as np

        given, made = (self.process.folder / name for name in ("x.npy", "y.npy"))
        np.save(given, one_image(feeds, "Paddle Lite"))
        command = {"infer": str(given), "into": str(made)}
        answer = self.process.ask(command, ANSWERS_WITHIN_S + INFERS_WITHIN_S)
        if "shape" not in answer:
            raise garbage(answer)
        return {"output": np.load(made)}
