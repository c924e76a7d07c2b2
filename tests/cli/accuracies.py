"""What the tests of `bench accuracy` share: the verb in a folder of its own, and Ctrl-C in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.cli.commands import accuracy
from bench.cli.main import main, parse
from bench.experiments.accuracy.engine import Engine, open_engine
from bench.experiments.context import Tables
from bench.storage.run_folders import AccuracyFolder
from tests.fakes import tables as fakes
from tests.fakes.seeing import seeing_tables

NAMES = [f"class {letter}" for letter in "abcdefghij"]


@dataclass
class Bench:
    """Calls the verb in a folder of its own."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def argv(self, *flags: str) -> list[str]:
        return [
            "accuracy", "--models", str(fakes.MODELS), "--results", str(self.root / "results"),
            "--cache", str(self.root / "cache"), "--variant", "x0_25", *flags,
        ]  # fmt: skip

    def call(self, *flags: str, tables: Tables | None = None) -> tuple[int, str, str]:
        argv = self.argv(*flags)
        if "--resume" in flags:
            argv = [word for word in argv if word not in ("--variant", "x0_25")]
        status = main(argv, tables or seeing_tables())
        out, err = self.capsys.readouterr()
        return status, out, err

    def values(self, *flags: str, tables: Tables | None = None) -> Any:
        status, out, err = self.call("--json", *flags, tables=tables)
        assert status == 0, err
        return json.loads(out)

    def refusal(self, *flags: str, tables: Tables | None = None) -> str:
        status, out, err = self.call(*flags, tables=tables)
        assert (status, out) == (2, "")
        (line,) = [line for line in err.splitlines() if line.startswith("bench: ")]
        return line

    def folders(self) -> list[AccuracyFolder]:
        """Return the runs' folders by their last writing: ids of one second have no order."""
        found = (self.root / "results/accuracy").glob("*/*")
        by_time = sorted(found, key=lambda path: path.stat().st_mtime_ns)
        return [AccuracyFolder(path) for path in by_time]


@dataclass
class Counted:
    """Opens real engines and counts their files; `event` is raised once `after` are in."""

    after: int = -1
    event: BaseException = field(default_factory=KeyboardInterrupt)
    files: list[int] = field(default_factory=list)

    @contextmanager
    def __call__(self, request: Any, **how: Any) -> Iterator[Any]:
        with open_engine(request, **how) as engine:
            yield _Counting(engine, self)


@dataclass
class _Counting(Engine):
    def __init__(self, engine: Engine, counted: Counted) -> None:
        super().__init__(worker=engine.worker, opened=engine.opened)
        self.counted = counted

    def infer(self, images: Path, count: int, *, output: str | None = None) -> NDArray[np.float32]:
        if len(self.counted.files) == self.counted.after:
            raise self.counted.event
        self.counted.files.append(count)
        return super().infer(images, count, output=output)


def run(bench: Bench, opener: Counted, *flags: str) -> int:
    argv = bench.argv(*flags)
    if "--resume" in flags:
        argv = [word for word in argv if word not in ("--variant", "x0_25")]
    options = parse(argv)[1]
    return accuracy.run(options, seeing_tables(), opener=opener)
