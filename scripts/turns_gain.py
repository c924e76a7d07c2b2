"""What turns bring: how wide latencies and ratios are in stored runs, and where their time went.

    .venv/bin/python scripts/turns_gain.py [--results DIR]

A lap's ratio is of two engines' bursts of one net; its SD says how much of what the machine does
is not common to both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import log
from pathlib import Path
from statistics import median, stdev

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.boxes import Box
from bench.analysis.contention import waited_share
from bench.analysis.series import StoredRun, View
from bench.analysis.side_by_side import side_by_side
from bench.analysis.time_use import time_use
from bench.analysis.turns import Race, lap_ratios
from bench.reports.build import load_runs, view_of
from bench.reports.markdown.tables import table

HEAD = (
    "Run", "Cells", "By turns", "Measured for", "Timed inference", "Latency's half-width",
    "Ratio's half-width", "Ratios within 1.5%", "within 2.5%", "SD of a lap's ratio",
)  # fmt: skip


def row(run: StoredRun) -> list[str]:
    """Return what a run comes to; medians over its cells."""
    view = view_of([run], PROJECT / "models")
    sessions = [session for record in run.records for session in record.sessions]
    spent = time_use(sessions)
    halves = [
        box.estimate.half_width_ns / box.estimate.value_ns
        for series in view.series
        for one in series.boxes.values()
        for box in one.values()
        if box.estimate is not None and box.estimate.half_width_ns is not None
    ]
    races = [race for one in side_by_side(view) for race in one.races.values() if race is not None]
    races = races or list(_columns(view))
    widths = [width for race in races for width in _widths(race)]
    laps = [stdev(ratios) for ratios in _laps(view)]
    within = [
        f"{sum(w <= bound for w in widths) + len(races)} of {len(widths) + len(races)}"
        for bound in (0.015, 0.025)
    ]
    return [
        f"{run.manifest.suite}, {run.manifest.run_id}",
        str(len(run.records)),
        "yes" if widths else "no",
        "" if spent is None else f"{spent.wall_ns / 1e9:.0f} s",
        "" if spent is None else f"{spent.timed_ns / spent.wall_ns:.0%}",
        f"{median(halves):.1%}" if halves else "",
        f"{median(widths):.1%}" if widths else "",
        *(within if widths else ["", ""]),
        f"{median(laps):.1%}" if laps else "",
    ]


def _columns(view: View) -> Iterator[Race]:
    """Yield how the nets of each column compare."""
    for series in view.series:
        for column in series.columns:
            race = series.race(column)
            if race is not None:
                yield race


def _widths(race: Race) -> Iterator[float]:
    for ratio in race.ratios:
        if ratio is not None:
            yield (ratio.high - ratio.low) / 2 / ratio.value


def _laps(view: View) -> Iterator[Sequence[float]]:
    """Yield the logarithms of the ratios of each session of two engines of one net."""
    for one in side_by_side(view):
        for boxes in one.rows.values():
            known: list[Box] = [box for box in boxes if box is not None]
            for own, other in combinations(known, 2):
                for ratios in lap_ratios(own, other):
                    yield [log(ratio) for ratio in ratios]


def waits(runs: Sequence[StoredRun]) -> str:
    """Return how long threads waited for a CPU, by their number: over the time of the bursts."""
    by_threads: dict[int, list[float]] = {}
    for run in runs:
        for record in run.records:
            shares = [waited_share(session) for session in record.sessions]
            known = [share for share in shares if share is not None]
            by_threads.setdefault(record.cell.threads, []).extend(known)
    rows = [
        [
            str(threads), str(len(shares)), f"{median(shares):.1%}",
            f"{sorted(shares)[int(0.9 * len(shares))]:.1%}", f"{max(shares):.1%}",
        ]
        for threads, shares in sorted(by_threads.items())
        if shares
    ]  # fmt: skip
    return table(["Threads", "Sessions", "Waited, median", "of nine in ten", "at most"], rows)


def main() -> None:
    """Print a row a run, and what sessions waited."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=PROJECT / "results")
    runs = load_runs(parser.parse_args().results, broken=[])
    print(table(HEAD, [row(run) for run in runs]))
    print(waits(runs))


if __name__ == "__main__":
    main()
