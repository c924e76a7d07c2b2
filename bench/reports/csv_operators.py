"""operators.csv: a row for each operator of each profiled cell, in the order of its graph."""

from __future__ import annotations

from collections.abc import Iterator

from bench.analysis import naming
from bench.analysis.operators import family, profiles_of, together_ns
from bench.analysis.series import View

Row = dict[str, object]

OPERATORS_HEAD = (
    "system_id", "runner", "settings", "precision", "engine", "variant", "batch", "threads",
    "position", "operator", "operator_type", "kind_of_work", "kernel", "calls", "operator_ns",
    "operator_share", "run_id", "cell_id",
)  # fmt: skip


def operators_rows(view: View) -> list[Row]:
    """Return the rows of operators.csv."""
    return list(_rows(view))


def _rows(view: View) -> Iterator[Row]:
    for series in view.series:
        about = {
            "system_id": series.system.system_id, "runner": series.runner,
            "settings": naming.settings(series), "precision": series.precision,
            "engine": series.engine,
        }  # fmt: skip
        for (variant, batch, threads), (run_id, cell_id), profiled in profiles_of(view, series):
            total = together_ns(profiled)
            for position, it in enumerate(profiled.operators):
                yield about | {
                    "variant": variant, "batch": batch, "threads": threads, "position": position,
                    "operator": it.name, "operator_type": it.type,
                    "kind_of_work": family(it.type), "kernel": it.kernel, "calls": f"{it.calls:g}",
                    "operator_ns": round(it.ns),
                    "operator_share": f"{it.ns / total:.6f}" if total else None,
                    "run_id": run_id, "cell_id": cell_id,
                }  # fmt: skip
