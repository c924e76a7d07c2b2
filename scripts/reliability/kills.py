"""Random kills over a suite of made-up engines: `python scripts/reliability/kills.py [KILLS]`.

A run is killed by SIGKILL at a random moment, itself, one of its children, or both, and resumed,
until it is complete. Counted are sessions that were in the journal and are lost, sessions that are
in twice, files that can't be read, processes that live 5 s after a kill of the parent, and what
lies in TMPDIR and in the cache after the next start has ended. All should be 0.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.core.errors import BenchError
from bench.storage.directory import RunFolder
from bench.storage.store import Store

KINDS = ("parent", "child", "both")
_ORPHANS_HAVE_S = 5.0
_RUN = (
    "import sys; from bench.cli.main import main; from tests.fakes import tables as fakes; "
    "sys.exit(main(sys.argv[1:], fakes.tables()))"
)


@dataclass
class Tally:
    """What came of the kills of one kind."""

    kills: int = 0
    found: Counter[str] = field(default_factory=Counter)


class Trial:
    """One run in folders of its own, killed and resumed until it is complete."""

    def __init__(self, root: Path, chance: random.Random, tally: Tally, kind: str) -> None:
        self.results, self.cache, self.tmp = root / "results", root / "cache", root / "tmp"
        self.tmp.mkdir(parents=True)
        self.chance, self.tally, self.kind = chance, tally, kind
        self.sessions: set[tuple[str, int]] = set()

    def go(self, kills: int) -> None:
        """Kill the run up to `kills` times, then let it end; count what was found."""
        for _ in range(kills):
            if not self._killed():
                break
        for _ in range(5):  # a killed child is tried again by the next resume
            if self._start().wait() == 0:
                break
        self._check()
        left = [*self.tmp.iterdir(), *self.cache.rglob(".making-*")]
        self.tally.found["leftovers after the next start"] += len(left)

    def _start(self) -> subprocess.Popen[bytes]:
        runs = self._runs()
        begun = ["--resume", "latest"] if runs else ["--preset", "standard"]
        suite = [] if runs else ["--suite", str(PROJECT / "tests/fakes/suite.toml")]
        where = ["--results", str(self.results), "--cache", str(self.cache)]
        models = ["--models", str(PROJECT / "tests/fakes/models")]
        argv = [sys.executable, "-c", _RUN, "run", *suite, *begun, *where, *models]
        env = {**os.environ, "TMPDIR": str(self.tmp), "XDG_RUNTIME_DIR": str(self.tmp.parent)}
        quiet = subprocess.DEVNULL
        return subprocess.Popen(argv, cwd=PROJECT, env=env, stdout=quiet, stderr=quiet)

    def _killed(self) -> bool:
        """Start or resume the run and kill it at a random moment; False: it ended before."""
        process = self._start()
        time.sleep(self.chance.uniform(0.2, 4.0))
        if process.poll() is not None:
            return False
        if self.kind != "parent":
            for pid in self._others(process.pid)[:1] if self.kind == "child" else self._others(0):
                _kill(pid)
        if self.kind != "child":
            _kill(process.pid)
        process.wait()
        self.tally.kills += 1
        self._orphans()
        self._check()
        return True

    def _others(self, parent: int) -> list[int]:
        """Return the processes of this trial, in a random order, without `parent`."""
        pids = [pid for pid in _pids_with(str(self.tmp)) if pid != parent]
        self.chance.shuffle(pids)
        return pids

    def _orphans(self) -> None:
        until = time.monotonic() + _ORPHANS_HAVE_S
        while (left := _pids_with(str(self.tmp))) and time.monotonic() < until:
            time.sleep(0.05)
        self.tally.found["orphans after 5 s"] += len(left)
        for pid in left:
            _kill(pid)

    def _runs(self) -> list[RunFolder]:
        return Store(self.results).runs()

    def _check(self) -> None:
        """Compare what is stored now with what was stored before."""
        now: Counter[tuple[str, int]] = Counter()
        for run in self._runs():
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
                print(f"unreadable: {error}")
        self.tally.found["lost sessions"] += len(self.sessions - now.keys())
        self.tally.found["sessions twice"] += sum(count > 1 for count in now.values())
        self.sessions = set(now)


def _pids_with(text: str) -> list[int]:
    """Return the processes whose environment holds `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def tallied(kills: int, *, seed: int = 0) -> dict[str, Tally]:
    """Return what came of so many kills of each kind."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secret
    tallies = {kind: Tally() for kind in KINDS}
    for kind, tally in tallies.items():
        while tally.kills < kills:
            with tempfile.TemporaryDirectory(prefix="kills-") as root:
                Trial(Path(root), chance, tally, kind).go(min(3, kills - tally.kills))
    return tallies


COUNTED = (
    "lost sessions",
    "sessions twice",
    "unreadable files",
    "orphans after 5 s",
    "leftovers after the next start",
)


def table(tallies: dict[str, Tally]) -> str:
    """Return the counts as a table in Markdown."""
    lines = [f"| killed | kills | {' | '.join(COUNTED)} |", "|---" * (len(COUNTED) + 2) + "|"]
    for kind, tally in tallies.items():
        counts = " | ".join(str(tally.found[name]) for name in COUNTED)
        lines.append(f"| {kind} | {tally.kills} | {counts} |")
    return "\n".join(lines) + "\n"


def main(kills: int) -> int:
    """Print the table; return 0 where all counts are 0."""
    tallies = tallied(kills)
    print(table(tallies), end="")
    return int(any(tally.found[name] for tally in tallies.values() for name in COUNTED))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
