"""Runs of made-up engines as processes of their own, hurt and resumed until they are complete.

Counted are sessions that were stored and are lost, sessions that are stored twice, files that can't
be read, processes that live 5 s after the run has ended, what lies in TMPDIR, cache and results
after the next start has ended, and runs that neither `run --resume` nor `report` completes.
All should be 0.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.core.errors import BenchError
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store

COUNTED = (
    "lost sessions",
    "sessions twice",
    "unreadable files",
    "orphans after 5 s",
    "leftovers after the next start",
    "never complete",
)
_ORPHANS_HAVE_S = 5.0
_RESUMES = 5  # a session whose child was killed is retried by the next resume
# Without plots: they take longer than all the rest.
_RUN = """
import sys
from bench import reports
from bench.cli.main import main
from tests.fakes import tables as fakes
reports.FORMATS = {name: it for name, it in reports.FORMATS.items() if name != "plots"}
sys.exit(main(sys.argv[1:], fakes.tables()))
"""


@dataclass
class Tally:
    """How often a run was hurt, and what came of it, by the names in COUNTED."""

    tried: int = 0
    found: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.tried += other.tried
        self.found += other.found

    def row(self, *more: str) -> str:
        """Return the counts, those of `more` names too, as the cells of a table."""
        return " | ".join(map(str, (self.tried, *(self.found[it] for it in (*COUNTED, *more)))))


def heading(first: str, *more: str) -> str:
    """Return the first lines of a table of tallies, below the columns of `first`."""
    line = f"| {' | '.join((first, *COUNTED, *more))} |"
    return f"{line}\n{'|---' * first.count('|')}|---|" + "--:|" * (
        line.count("|") - first.count("|") - 2
    )


@dataclass
class Trial:
    """One run in folders of its own, below `root`. `flags` are what a new run is asked for."""

    root: Path
    tally: Tally
    flags: tuple[str, ...] = ("--preset", "standard")
    sessions: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.results, self.cache, self.tmp = (self.root / it for it in ("results", "cache", "tmp"))
        self.tmp.mkdir(parents=True)

    def start(
        self, env: Mapping[str, str] | None = None, stderr: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Begin the run, or resume it, with `env` beside the environment of all trials."""
        argv = [sys.executable, "-c", _RUN, *self._verb(), "--results", str(self.results)]
        argv += ["--models", str(PROJECT / "tests/fakes/models")]
        own = {"TMPDIR": str(self.tmp), "XDG_RUNTIME_DIR": str(self.root)}
        every = {**os.environ, **own, **(env or {})}
        return subprocess.Popen(
            argv, cwd=PROJECT, env=every, stdout=subprocess.DEVNULL, stderr=stderr
        )

    def _verb(self) -> list[str]:
        """Return the words that begin the run, resume it, or report it where that alone is left."""
        with suppress(BenchError):
            if any(run.manifest().status == "complete" for run in self.runs()):
                return ["report"]
        suite = ["--suite", str(PROJECT / "tests/fakes/suite.toml"), *self.flags]
        begun = ["--resume", "latest"] if self.runs() else suite
        return ["run", *begun, "--cache", str(self.cache)]

    def ended(self) -> None:
        """Count what is there of a run that has just been hurt."""
        self.tally.tried += 1
        self._orphans()
        self.check()

    def complete(self) -> None:
        """Resume the run until it is complete; count what is there then."""
        done = any(self.start().wait() == 0 for _ in range(_RESUMES))
        self.tally.found["never complete"] += not done
        self.check()
        left = [*self.tmp.iterdir(), *self.cache.rglob(".making-*"), *self.root.rglob("*.part")]
        for path in left:
            print(f"left: {path.relative_to(self.root)}", file=sys.stderr)
        self.tally.found["leftovers after the next start"] += len(left)

    def _orphans(self) -> None:
        until = time.monotonic() + _ORPHANS_HAVE_S
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        self.tally.found["orphans after 5 s"] += len(left)
        for pid in left:
            kill(pid)

    def processes(self) -> list[int]:
        """Return the living processes of this trial: their environment names its folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if str(self.tmp).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def runs(self) -> list[RunFolder]:
        return Store(self.results).runs()

    def check(self) -> None:
        """Compare what is stored now with what was stored before."""
        now: Counter[tuple[str, int]] = Counter()
        for run in self.runs():
            try:
                run.manifest()
                records = {one.cell_id: one for one in run.records()}
                for line in run.journal():
                    if line.session is not None and line.cell_id not in records:
                        now[line.cell_id, line.session.order] += 1
                for record in records.values():
                    now.update((record.cell_id, one.order) for one in record.sessions)
            except BenchError as error:
                self.tally.found["unreadable files"] += 1
                print(f"unreadable: {error}", file=sys.stderr)
        self.tally.found["lost sessions"] += len(self.sessions - now.keys())
        self.tally.found["sessions twice"] += sum(count > 1 for count in now.values())
        self.sessions = set(now)


def kill(pid: int) -> None:
    """Kill a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
