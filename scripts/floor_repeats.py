"""Which repeats better over runs of the same cells: the latency, or the floor?

    .venv/bin/python scripts/floor_repeats.py RESULTS [RESULTS ...] [--json]

RESULTS are results folders, or folders of single runs in them; each cell that two of their runs or
more have measured counts, on one system with one preset. Over a cell's runs, both statistics have
a standard deviation of their logarithms, which is close to that in percent of the figure. A floor
that not every run has is of the runs that have it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, stdev

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.analysis.boxes import box_of
from bench.analysis.series import StoredRun
from bench.core.units import to_ms
from bench.reports.build import load_runs
from bench.storage.schema.latency import Measured

Key = tuple[str, str, str]
"""System, preset and cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """A cell's latencies and floors in ms, one of each run that has it, oldest first."""

    cell: str
    latencies_ms: Sequence[float]
    floors_ms: Sequence[float]

    @property
    def latency_sd(self) -> float:
        return log_sd(self.latencies_ms)

    @property
    def floor_sd(self) -> float | None:
        return log_sd(self.floors_ms) if len(self.floors_ms) > 1 else None

    @property
    def ratio(self) -> float | None:
        """How much the floor varies over how much the latency does."""
        if self.floor_sd is None or self.latency_sd == 0:
            return None
        return self.floor_sd / self.latency_sd

    @property
    def row(self) -> str:
        floor_sd = "–" if self.floor_sd is None else f"{self.floor_sd:.2%}"
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        return (
            f"| {self.cell} | {spread(self.latencies_ms)} | {self.latency_sd:.2%} "
            f"| {spread(self.floors_ms)} | {floor_sd} | {ratio} |"
        )


def log_sd(values: Sequence[float]) -> float:
    """Return the standard deviation of the logarithms."""
    return stdev(map(math.log, values))


def spread(values: Sequence[float]) -> str:
    """Return the least, the largest and how many."""
    return f"{min(values):.4g} to {max(values):.4g} ({len(values)})" if values else "none"


def load(path: Path) -> list[StoredRun]:
    """Return the runs of a results folder, or the one of a run's own folder."""
    if (path / "run.json").is_file():
        return load_runs(path.parent.parent.parent, path.name, broken=[])
    return load_runs(path, broken=[])


def repeats(runs: Sequence[StoredRun]) -> list[Repeats]:
    """Return the cells that two of `runs` or more have measured."""
    latencies: dict[Key, list[float]] = {}
    floors: dict[Key, list[float]] = {}
    for run in sorted(runs, key=lambda one: one.manifest.started):
        for record in run.records:
            key = (run.system.system_id, record.sampling.preset, record.cell_id)
            box = box_of(record, run.manifest.run_id)
            if not isinstance(record.outcome, Measured) or box.estimate is None:
                continue
            latencies.setdefault(key, []).append(to_ms(box.estimate.value_ns))
            if box.floor is not None:
                floors.setdefault(key, []).append(to_ms(box.floor.value_ns))
    return [
        Repeats(cell=key[-1], latencies_ms=found, floors_ms=floors.get(key, []))
        for key, found in latencies.items()
        if len(found) > 1
    ]


def summary(found: Sequence[Repeats]) -> str:
    """Return which of the two repeats better, by the cells that have both."""
    ratios = [one.ratio for one in found if one.ratio is not None]
    if not ratios:
        return "No cell has a floor in two runs: nothing to compare."
    better = sum(ratio < 1 for ratio in ratios)
    return (
        f"The floor repeats better in {better} of {len(ratios)} cells: its SD over runs is "
        f"{median(ratios):.2f} of the latency's in the median."
    )


def main() -> None:
    """Print a row a cell, and which repeats better."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = repeats([run for path in given.results for run in load(path)])
    if not found:
        sys.exit("no cell was measured in two of these runs")
    if given.json:
        rows = [
            asdict(one)
            | {"latency_sd": one.latency_sd, "floor_sd": one.floor_sd, "ratio": one.ratio}
            for one in found
        ]
        print(json.dumps({"cells": rows, "summary": summary(found)}, indent=1))
        return
    print("| Cell | Latency, ms (runs) | SD | Floor, ms (runs) | SD | Floor's SD over latency's |")
    print("|:--:|----|----|----|----|----|")
    print(*(one.row for one in found), "", summary(found), sep="\n")


if __name__ == "__main__":
    main()
