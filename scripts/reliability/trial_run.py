"""Runs of made-up engines for the trials of this folder: whole ones, and ones that are cut off."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
os.fsync = lambda fd: None  # the power stays on

from bench.cli.main import main
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store
from tests.cli.launches import Counted
from tests.conftest import PLAIN_CATALOGUE
from tests.fakes import tables as fakes


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command left, and what it wrote."""

    status: int
    out: str
    err: str


def bench(root: Path, verb: str, *flags: str, launch: Counted | None = None) -> Said:
    """Call the command line in this process, with results, cache and locks below `root`."""
    os.environ["XDG_RUNTIME_DIR"] = str(root)  # another run on this machine is none of its matter
    where = ["--results", str(root / "results"), "--models", str(root / "models")]
    where += ["--cache", str(root / "cache")] if verb == "run" else []
    tables = fakes.tables() if launch is None else replace(fakes.tables(), launch=launch)
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main([verb, *where, *flags], tables)
    return Said(status=status, out=out.getvalue(), err=err.getvalue())


def measure(root: Path, *, after: int = -1, event: Callable[[], None] = lambda: None) -> Said:
    """Begin a run of four cells, 12 sessions; `event` happens once `after` are in."""
    (root / "models").mkdir()
    (root / "models" / "catalog.toml").write_text(PLAIN_CATALOGUE)
    (root / "models" / "fake.py").write_text("def net(): ...\n")
    suite = ("--suite", str(PROJECT / "tests/fakes/suite.toml"), "--preset", "standard")
    return bench(root, "run", *suite, launch=Counted(after=after, event=event))


def only_run(root: Path) -> RunFolder:
    """Return the run below `root`."""
    (run,) = Store(root / "results").runs()
    return run
