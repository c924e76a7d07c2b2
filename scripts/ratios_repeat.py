"""How well do ratios by turns agree between runs, with and without laps of a slow machine?

    .venv/bin/python scripts/ratios_repeat.py RESULTS [RESULTS ...] [--runner onnxruntime]

Each RESULTS holds one run by turns of the same cells. An engine's ratio is to --runner's latency of
the same net. Two runs agree on it where the 95% interval of the difference of their log ratios
holds 0, as wide as both intervals make it: some 97% do where the intervals are as wide as they
should be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import hypot, log
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.side_by_side import SideBySide, side_by_side
from bench.analysis.turns import Ratio, ratio
from bench.reports.build import load_runs, view_of
from bench.reports.markdown.tables import table

CLOSE = 0.015
HEAD = (
    "Laps", "Pairs of runs agree on", "Apart, median", "Half-width, median",
    f"Ratios within {CLOSE:.1%}", "Sessions of a ratio, median",
)  # fmt: skip

Ratios = Mapping[tuple[str, str], Ratio]
"""By net and runner."""


def ratios(tables: Sequence[SideBySide], base: str, *, slow_too: bool) -> Ratios:
    """Return the ratios of all others to `base`."""
    found = {}
    for one in tables:
        runners = [series.runner for series in one.engines]
        for net, row in one.rows.items():
            fixed = row[runners.index(base)] if base in runners else None
            for runner, box in zip(runners, row, strict=True):
                if box is None or fixed is None or runner == base:
                    continue
                paired = ratio(box, fixed, slow_too=slow_too)
                if paired is not None:
                    found[net, runner] = paired
    return found


def half(one: Ratio) -> float:
    """Return the half-width of its 95% interval, as a share."""
    return log(one.high / one.low) / 2


def row(name: str, runs: Sequence[Ratios]) -> list[str]:
    """Return what those runs' ratios come to."""
    pairs = [
        (abs(log(one[key].value / two[key].value)), hypot(half(one[key]), half(two[key])))
        for one, two in combinations(runs, 2)
        for key in one.keys() & two.keys()
    ]
    agree = sum(apart <= may for apart, may in pairs)
    every = [one for run in runs for one in run.values()]
    return [
        name,
        f"{agree} of {len(pairs)} ({agree / len(pairs):.1%})",
        f"{median(apart for apart, _ in pairs):.2%}",
        f"{median(map(half, every)):.2%}",
        f"{sum(half(one) <= CLOSE for one in every)} of {len(every)}",
        f"{median(one.sessions for one in every):g}",
    ]


def main() -> None:
    """Print a row with all laps and one without those of a slow machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS")
    parser.add_argument("--runner", default="onnxruntime")
    given = parser.parse_args()
    if len(given.results) < 2:
        parser.error("two runs at least are needed to see whether they agree")
    models = PROJECT / "models"
    runs = [side_by_side(view_of(load_runs(one, broken=[]), models)) for one in given.results]
    rows = []
    for name, slow_too in (("all", True), ("without those of a slow machine", False)):
        found = [ratios(tables, given.runner, slow_too=slow_too) for tables in runs]
        if not any(one.keys() & two.keys() for one, two in combinations(found, 2)):
            parser.error(f"no two of these runs have ratios of the same cells to {given.runner}")
        rows.append(row(name, found))
    print(table(list(HEAD), rows))


if __name__ == "__main__":
    main()
