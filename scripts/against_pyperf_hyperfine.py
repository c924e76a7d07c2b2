"""How long until `bench ab`, pyperf and hyperfine find a true 5%, and how often they find nothing.

    .venv/bin/python scripts/against_pyperf_hyperfine.py [--minutes 9] [--work-ms 30] [--seed 0]
        [--pyperf PYTHON] [--no-nets]

hyperfine must be installed (`apt-get install hyperfine`); pyperf is put into a temporary
environment unless --pyperf is a Python that has it. The command counts in a loop, BASE so often
that it takes --work-ms of CPU time and HEAD so often that start and loop together take 5% more.
Trials follow each other until --minutes are over: in each the tools, in random order, compare BASE
with BASE, by their defaults, and BASE with HEAD. There hyperfine and pyperf are started with 10
runs and twice as many each time until they find it: the time that counts is of the last start
alone. `bench ab` grows by itself, and what it had after each session is judged as if it had ended.
A table for docs/measurement.md goes to stdout. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.interleaved import Measure
from bench.analysis.live_verdicts import verdicts
from bench.config.thresholds import DEFAULT
from bench.devices.host.facts import heading, read_host
from bench.reports.markdown.tables import table
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbRecord
from bench.storage.store import Store
from scripts.regression_report import Bench, arms

TRUE = 1.05
LADDER = (10, 20, 40, 80, 160)
PYPERF_VALUES = 3
NET, NET_SLOWER = "x0_25", {TRUE: 768, 1.0: 512}


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool said, after how many seconds, and how often each command had run."""

    word: str
    seconds: float
    runs: int


@dataclass(slots=True)
class Row:
    """One tool's trials: of BASE with itself, and of BASE with HEAD (None: never found)."""

    equal: list[Found] = field(default_factory=list)
    slower: list[Found | None] = field(default_factory=list)

    def cells(self, name: str) -> list[str]:
        found = [it for it in self.slower if it is not None]
        wrong = sum(it.word != "same" for it in self.equal)
        return [
            name,
            f"{len(found)} of {len(self.slower)}",
            f"{median(it.seconds for it in found):.1f}" if found else "–",
            f"{median(it.runs for it in found):.0f}" if found else "–",
            f"{wrong} of {len(self.equal)}",
            f"{median(it.seconds for it in self.equal):.1f}" if self.equal else "–",
            f"{median(it.runs for it in self.equal):.0f}" if self.equal else "–",
        ]


HEAD = (
    "Tool", "5% found", "Seconds until then", "Runs of each", "Called different, 1.00 against 1.00",
    "Seconds", "Runs of each",
)  # fmt: skip


def timed(*words: str) -> tuple[float, str]:
    """Run a tool; return the seconds that it took and what it printed."""
    began = time.monotonic()
    done = subprocess.run(words, cwd=PROJECT, check=False, text=True, capture_output=True)
    if done.returncode not in (0, 1, 3):
        sys.exit(done.stderr)
    return time.monotonic() - began, done.stdout


def cpu_s(command: str) -> float:
    """Return the least CPU time of 10 runs of `command`."""
    took = []
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(shlex.split(command), check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def counting(times: int) -> str:
    """Return a command that counts so far."""
    code = f"for _ in range({times}): pass"
    return shlex.join([sys.executable, "-I", "-S", "-c", code])


def two_commands(work_s: float) -> dict[float, str]:
    """Return the commands of 1.00 and of 1.05 times the CPU time, the start included."""
    start, many = cpu_s(counting(0)), 2_000_000
    each = (cpu_s(counting(many)) - start) / many
    return {share: counting(round((share * work_s - start) / each)) for share in (1.0, TRUE)}


def by_hyperfine(base: str, head: str, runs: int | None, folder: Path) -> Found:
    """Return what hyperfine's welch_ttest.py says of its runs; None: as many as by default."""
    path = folder / "hyperfine.json"
    often = [] if runs is None else ["--runs", str(runs)]
    seconds, _ = timed(
        "hyperfine", "-N", "--warmup", "1", *often, "--export-json", str(path), base, head
    )
    a, b = (one["times"] for one in json.loads(path.read_text())["results"])
    from scipy.stats import ttest_ind

    differs = ttest_ind(a, b, equal_var=False).pvalue < 0.05
    word = "same" if not differs else "slower" if fmean(b) > fmean(a) else "faster"
    return Found(word, seconds, len(a))


def by_pyperf(python: str, base: str, head: str, runs: int | None, folder: Path) -> Found:
    """Return what `pyperf compare_to` says: a t test of all values."""
    often = [] if runs is None else ["-p", str(-(-runs // PYPERF_VALUES)), "-l", "1"]
    paths, seconds = [folder / "base.json", folder / "head.json"], 0.0
    for path, command in zip(paths, (base, head), strict=True):
        path.unlink(missing_ok=True)
        words = ["command", "-q", *often, "-n", str(PYPERF_VALUES), "-o", str(path)]
        seconds += timed(python, "-m", "pyperf", *words, "--", *shlex.split(command))[0]
    took, said = timed(python, "-m", "pyperf", "compare_to", *map(str, paths))
    word = next((it for it in ("slower", "faster") if it in said), "same")
    count = "import pyperf, sys; print(pyperf.Benchmark.load(sys.argv[1]).get_nvalue())"
    return Found(word, seconds + took, int(timed(python, "-c", count, str(paths[0]))[1]))


def grown(
    compare: Callable[[int | None], Found], *, slower: bool
) -> tuple[list[Found], list[Found | None]]:
    """Return the comparison by default of equals, or the first of the ladder that finds it."""
    if not slower:
        return [compare(None)], []
    tries = (compare(runs) for runs in LADDER)
    return [], [next((it for it in tries if it.word == "slower"), None)]


@dataclass(frozen=True, slots=True)
class Ab:
    """`bench ab`: one comparison in a fresh process, in a results folder of its own."""

    results: Path

    def record(self, *flags: str) -> tuple[float, AbRecord]:
        where = ["--results", str(self.results), "--format", "json"]
        seconds, _ = timed(sys.executable, "-m", "bench", "ab", *where, *flags)
        (record,) = AbFolder.find(Store(self.results), "latest").records()
        return seconds, record


def said(record: AbRecord, measure: Measure) -> str:
    """Return the record's verdict in a word."""
    (cell,) = verdicts([record], base="", head="", gate=DEFAULT, measure=measure).cells
    return {"SLOWER": "slower", "FASTER": "faster"}.get(cell.verdict, "same")


def first_slower(seconds: float, record: AbRecord, measure: Measure, least: int) -> Found | None:
    """Return the first session from `least` on after which the verdict is SLOWER."""
    ns = [session.wall_ns for session in record.sessions]
    besides = seconds - sum(ns) / 1e9
    for count in range(least, len(ns) + 1):
        part = record.model_copy(update={"sessions": record.sessions[:count]})
        if said(part, measure) == "slower":
            return Found("slower", besides + sum(ns[:count]) / 1e9, runs_of(part))
    return None


def runs_of(record: AbRecord) -> int:
    """Return how often BASE ran in bursts."""
    bursts = (it for session in record.sessions for it in session.bursts if it.arm == "base")
    return sum(len(burst.ns) for burst in bursts)


def add_ab(rows: Mapping[Measure, Row], ab: Ab, flags: Sequence[str], *, slower: bool) -> None:
    """Add a comparison's trial to the row of each measure: both are in the same bursts."""
    seconds, record = ab.record(*flags)
    least = 5 if "--cmd" in flags else 3
    for measure, row in rows.items():
        if slower:
            row.slower.append(first_slower(seconds, record, measure, least))
        else:
            row.equal.append(Found(said(record, measure), seconds, runs_of(record)))


def pyperf_python(given: str | None, folder: Path) -> str:
    """Return a Python that has pyperf."""
    if given is not None:
        return given
    venv.create(folder / "pyperf", with_pip=True)
    python = str(folder / "pyperf/bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "pyperf"], check=True)
    return python


Trial = Callable[[bool], None]


def tools(
    arguments: argparse.Namespace, folder: Path, rows: dict[str, Row]
) -> tuple[list[Trial], str]:
    """Return each tool's trial, of equals or of BASE and HEAD, and what was compared."""
    python = pyperf_python(arguments.pyperf, folder)
    commands = two_commands(arguments.work_ms / 1000)
    ab = Ab(folder / "results")

    def other(name: str, compare: Callable[..., Found], *first: Any) -> Trial:
        def trial(slower: bool) -> None:  # noqa: FBT001 - the two kinds of trial
            pair = (*first, commands[1.0], commands[TRUE if slower else 1.0])
            equal, found = grown(lambda runs: compare(*pair, runs, folder), slower=slower)
            rows[name].equal += equal
            rows[name].slower += found

        return trial

    def own(name: str, flags: Callable[[float], Sequence[str]]) -> Trial:
        of: dict[Measure, Row] = {
            "wall": rows[name], "cpu": rows[f"{name}, --measure cpu"],
        }  # fmt: skip
        return lambda slower: add_ab(of, ab, flags(TRUE if slower else 1.0), slower=slower)

    trials = [
        other("hyperfine", by_hyperfine),
        other("pyperf", by_pyperf, python),
        own("bench ab --cmd", lambda share: ["--cmd", commands[1.0], "--cmd", commands[share]]),
    ]
    if not arguments.no_nets:
        bench = Bench(state=folder, runner="onnxruntime", repeats=0, seven=0, older="", page=Path())
        trials.append(own("bench ab, nets", lambda share: arms(bench, NET, NET_SLOWER[share])))
    return trials, f"{arguments.work_ms:g} ms of CPU time a run; nets: {NET}, ONNX Runtime"


NAMES = ("hyperfine", "pyperf", "bench ab --cmd", "bench ab, nets")


def main() -> None:
    """Repeat trials until the time is over; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--work-ms", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pyperf", metavar="PYTHON")
    parser.add_argument("--no-nets", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("hyperfine") is None:
        print("hyperfine isn't installed (`apt-get install hyperfine`): nothing was compared.")
        return
    end = time.monotonic() + 60 * arguments.minutes
    chance = random.Random(arguments.seed)  # noqa: S311 - an order, no secret
    rows = {f"{name}{of}": Row() for name in NAMES for of in ("", ", --measure cpu")}
    with tempfile.TemporaryDirectory() as name:
        trials, what = tools(arguments, Path(name), rows)
        longest = 0.0
        while time.monotonic() + longest < end or not longest:
            began = time.monotonic()
            for trial, slower in chance.sample(
                [(it, kind) for it in trials for kind in (False, True)], 2 * len(trials)
            ):
                trial(slower)
            longest = max(longest, time.monotonic() - began)
            print(f"a round of trials took {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(f"{heading(read_host())}; {what}; rounds of trials: {len(rows['hyperfine'].equal)}.\n")
    print(table(HEAD, [row.cells(of) for of, row in rows.items() if row.equal]))


if __name__ == "__main__":
    main()
