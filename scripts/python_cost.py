"""What Python costs per inference: each engine's Python runner beside its C++ program, by turns.

    .venv/bin/python scripts/python_cost.py --write       about 10 minutes, on an idle machine

Measures the suite cpp, its preset standard and four nets, into a folder of its own, and prints a
row for each net and engine; --write puts the table into docs/engines.md too. --stored DIR measures
nothing and takes the newest run of the suite in that results folder.

The ratio is of bursts that took turns, C++ over Python, with its 95% interval over sessions
(`bench.analysis.turns`). What Python costs is what the ratio lacks to 1 of the Python runner's
latency, its interval likewise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.boxes import Box
from bench.analysis.series import StoredRun
from bench.analysis.side_by_side import side_by_side
from bench.analysis.statistics import Estimate
from bench.analysis.turns import ratio
from bench.core.units import NS_PER_MS, NS_PER_US, number_of, with_interval
from bench.reports.build import load_runs, view_of
from bench.reports.markdown.tables import table
from bench.runners import RUNNERS
from scripts.marked_text import write_between

SUITE, SUFFIX = "cpp", "-cpp"
VARIANTS = "x0_25,x0_5,x1_0,x2_0"
PAGE = PROJECT / "docs" / "engines.md"
BEGIN, END = "<!-- python cost: begin -->", "<!-- python cost: end -->"
HEAD = ("Net", "Engine", "Python, ms", "C++, ms", "C++ / Python, 95% interval", "Python costs, µs")


def measured(variants: str, preset: str, results: Path) -> None:
    """Measure the suite into `results`; what it prints goes to this terminal.

    Leaves with its status where it couldn't begin or was interrupted.
    """
    words = ["run", "--suite", SUITE, "--variant", variants, "--preset", preset]
    command = [sys.executable, "-m", "bench", *words, "--results", str(results)]
    done = subprocess.run(command, cwd=PROJECT, check=False)
    if done.returncode not in (0, 1):  # 1: some cells have no figure, and the table says which
        sys.exit(done.returncode)


def newest(results: Path) -> StoredRun:
    """Return the newest run of the suite; leaves with a sentence where there is none."""
    runs = [run for run in load_runs(results, broken=[]) if run.manifest.suite == SUITE]
    if not runs:
        sys.exit(f"python_cost.py: {results} has no run of suite {SUITE}: name another folder")
    return runs[-1]


def rows(run: StoredRun) -> Iterator[list[str]]:
    """Yield a row for each net and each engine that `run` has both ways."""
    for one in side_by_side(view_of([run], PROJECT / "models")):
        index = {series.runner: at for at, series in enumerate(one.engines)}
        for variant, boxes in one.rows.items():
            for python, at in index.items():
                in_cpp = index.get(f"{python}{SUFFIX}")
                if in_cpp is not None:
                    yield [variant, RUNNERS[python].title, *figures(boxes[at], boxes[in_cpp])]


def figures(python: Box | None, in_cpp: Box | None) -> list[str]:
    """Return what stands behind net and engine in a row; what has no figure is empty."""
    if python is None or in_cpp is None or not (python.estimate and in_cpp.estimate):
        return [""] * 4
    latencies = [_ms(python.estimate), _ms(in_cpp.estimate)]
    found = ratio(in_cpp, python)
    if found is None:
        return [*latencies, "", ""]
    least, cost, most = (
        (1 - it) * python.estimate.value_ns / NS_PER_US
        for it in (found.high, found.value, found.low)
    )
    interval = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return [*latencies, interval, f"{cost:.0f} [{least:.0f}, {most:.0f}]"]


def _ms(estimate: Estimate) -> str:
    half = None if estimate.half_width_ns is None else estimate.half_width_ns / NS_PER_MS
    return with_interval(estimate.value_ns / NS_PER_MS, half)


def caption(run: StoredRun) -> str:
    """Return what was measured, by which code on which machine, and how much was disturbed."""
    boxes = [
        box
        for series in view_of([run], PROJECT / "models").series
        for row in series.boxes.values()
        for box in row.values()
        if box.estimate is not None
    ]
    counts = sorted({len(box.sessions) for box in boxes})
    sessions = (
        " to ".join(str(it) for it in dict.fromkeys([counts[0], counts[-1]])) if counts else "0"
    )
    contended = sum(box.contended for box in boxes)
    disturbed = (
        f"; contended: {contended} of {number_of(len(boxes), 'figure')}" if contended else ""
    )
    code = run.manifest.provenance
    code = run.manifest.provenance
    state = f"{code.code}{' (changed)' if code.dirty else ''}"
    return (
        f"{run.system.heading}; commit {state}; {run.manifest.started[:10]}; preset "
        f"{run.manifest.sampling.preset}, {sessions} sessions{disturbed}."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, or take what is stored, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--variants", default=VARIANTS, metavar="A,B", help=f"nets (default: {VARIANTS})")
    add("--preset", default="standard", help="of the suite cpp (default: standard)")
    add("--stored", type=Path, metavar="DIR", help="a results folder to take the newest run of")
    add("--write", action="store_true", help="put the table into docs/engines.md")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.stored is None:
            measured(chosen.variants, chosen.preset, Path(folder))
        run = newest(chosen.stored or Path(folder))
    text = f"{caption(run)}\n\n{table(HEAD, list(rows(run)))}"
    print(text)
    if chosen.write:
        write_between(PAGE, BEGIN, END, text)


if __name__ == "__main__":
    main()
