"""Run both GPU runners on whatever NVIDIA GPU is here, check their outputs, print a table.

    .venv/bin/python scripts/gpu_check.py [--preset quick] [--results DIR] [more flags of `run`]

It is `python -m bench run --suite gpu` with a table behind it that has every figure in one row a
cell. Leaves with status 2 and one sentence where there is no GPU, 1 where a cell has no figure.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.contention import counted_ns
from bench.analysis.gpu_figures import on_device
from bench.cli.main import main as bench
from bench.core.units import significant, to_ms
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured, Record
from bench.storage.store import Store

HEAD = (
    "variant", "runner", "batch", "end to end, ms", "on device, ms", "enqueue, ms", "rel. L2",
    "builds", "engine",
)  # fmt: skip


def row(record: Record) -> tuple[str, ...]:
    """Return a cell as a row of the table; what went wrong stands in the place of its figures."""
    cell, settings = record.cell, " ".join(f"{n}={v}" for n, v in record.cell.settings.items())
    named = (cell.variant, f"{cell.runner} {settings}".strip(), str(cell.batch))
    if not isinstance(record.outcome, Measured):
        outcome = record.outcome
        why = outcome.message if isinstance(outcome, Failed) else outcome.reason
        return (*named, f"{outcome.kind}: {why}", "", "", "", "", "")
    worst = max(one.relative_l2 or 0.0 for one in record.sessions)
    end_to_end = fmean(median(counted_ns(one)) for one in record.sessions)
    inside, engine = on_device(record), record.sessions[0].facts.get("engine", "")
    parts = ("", "", "") if inside is None else (
        significant(to_ms(inside.on_device.value_ns)),
        significant(to_ms(inside.enqueue.value_ns))
        + (" launch-bound" if inside.launch_bound else ""),
        str(inside.builds),
    )  # fmt: skip
    return (
        *named, significant(to_ms(end_to_end)), *parts[:2], f"{worst:.1g}", parts[2], engine,
    )  # fmt: skip


def table(records: Sequence[Record]) -> str:
    """Return the table as text, its columns aligned."""
    lines = [HEAD, *(row(record) for record in records)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(HEAD))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def main(argv: Sequence[str]) -> int:
    """Run the suite and print the table; return the run's status."""
    flags = list(argv)
    if "--preset" not in flags:
        flags += ["--preset", "quick"]
    status = bench(["run", "--suite", "gpu", *flags])
    if status not in (0, 1):
        return status
    results = flags[flags.index("--results") + 1] if "--results" in flags else "results"
    run = Store(Path(results)).runs()[-1]
    print(f"\n{run.manifest().system_id}, run {run.manifest().run_id}\n")
    print(table(list(run.records())))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
