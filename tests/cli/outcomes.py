"""What `bench run` left in tmp_path/results."""

from __future__ import annotations

import csv
from pathlib import Path

from bench.storage.run_folders import RunFolder
from bench.storage.store import Store

QUICK = ("--preset", "quick")


def only_run(tmp_path: Path) -> RunFolder:
    (run,) = Store(tmp_path / "results").runs()
    return run


def latency(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "results/report/latency.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def figures(tmp_path: Path) -> list[dict[str, str]]:
    """The rows of latency.csv without what names the run or hangs on the machine's state."""
    state = {"grade", "warnings", "contended", "cpu_share", "latency_ns", "half_width_95_ns"} | {
        "slow_share", "floor_ns", "floor_half_width_95_ns",
    }  # fmt: skip
    other = {"run_id", *state}
    return [{k: v for k, v in row.items() if k not in other} for row in latency(tmp_path)]
