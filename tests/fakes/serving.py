"""A server over a fake net that a request can drive: it crashes, hangs or works for a while.

`python -m tests.fakes.serving ARGS` is `python -m bench serve ARGS` with it, as runner `paddle`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.cell import Cell
from bench.core.tensors import Tensors, only
from bench.experiments.context import Tables
from tests.fakes import tables as fakes
from tests.fakes.net import answers
from tests.fakes.runner import FakeSession
from tests.fakes.unwatched import unwatched

ROOT = Path(__file__).resolve().parents[2]
CRASH, HANG, WORK, NAN, ONCE, LONG = 1001.0, 1002.0, 1003.0, 1004.0, 1005.0, 1006.0
"""The first value of a row: what the engine does with it, once with `ONCE`."""
WORK_S, LONG_S = 0.2, 4.0
SHAPE = (3, 8, 8)


class Driven:
    """A runner whose sessions do what the first value of a row says."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        session = FakeSession()
        crashed = Path(artifact).parents[1] / "crashed"

        def infer(feeds: Tensors) -> Tensors:
            asked = set(only(feeds).reshape(len(only(feeds)), -1)[:, 0].tolist())
            once = ONCE in asked and not crashed.exists()
            if once:
                crashed.touch()
            if CRASH in asked or once:
                os.kill(os.getpid(), signal.SIGSEGV)
            if HANG in asked:
                time.sleep(600)
            if WORK in asked or LONG in asked:
                time.sleep(LONG_S if LONG in asked else WORK_S)
            return answers(feeds, float("nan") if NAN in asked else 1.0)

        session.infer = infer  # type: ignore[method-assign]
        yield session


class Mixes:
    """A runner of a net whose rows aren't independent: each loses the mean of all."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        session = FakeSession()
        session.infer = lambda feeds: {"y": mixed(only(feeds))}  # type: ignore[method-assign]
        yield session


def mixed(x: Any) -> Any:
    """Return what `Mixes` makes of the rows `x`."""
    return 2 * x - x.mean(axis=0)


def driven() -> Tables:
    """Return tables whose runner `paddle` is Driven."""
    entry = replace(fakes.fake_runner("Ok"), path="tests.fakes.serving:Driven")
    return replace(fakes.tables(), runners={"paddle": entry})


def row(first: float = 0.0, value: float = 0.5) -> Any:
    """Return an image of `value`, whose first value is another."""
    x = np.full((1, *SHAPE), value, np.float32)
    x[0, 0, 0, 0] = first
    return x


@dataclass(frozen=True, slots=True)
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    engine_pid: int
    log: Path

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    def end(self, number: int = signal.SIGTERM, within_s: float = 30.0) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(within_s)


@contextmanager
def served(models: Path, *flags: str) -> Iterator[Served]:
    """Serve the net `one` of the catalogue in `models`; the cache and the log are beside it."""
    here = models.parent
    words = (
        "one", "--runner", "paddle", "--models", str(models), "--cache", str(here / "cache"), *flags
    )  # fmt: skip
    with started("tests.fakes.serving", words, here / "server.log") as one:
        yield one


@contextmanager
def started(module: str, words: Sequence[str], log: Path) -> Iterator[Served]:
    """Start `python -m module serve WORDS` on a free port; end it where that hasn't been done."""
    argv = [sys.executable, "-m", module, "serve", *words, "--port", "0", "--json"]
    with (
        log.open("w") as err,
        subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            said = json.loads(line)
            yield Served(process, said["url"], said["engine_pid"], log)
        finally:
            if process.poll() is None:
                process.kill()


if __name__ == "__main__":
    from bench.cli.main import main

    sys.exit(main(sys.argv[1:], driven()))
