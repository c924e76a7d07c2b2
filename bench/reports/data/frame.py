"""Rows -> a pandas DataFrame with the columns' names and types, in their order."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.core.errors import Unavailable
from bench.core.units import NS_PER_MS
from bench.reports.csv_tables import Row
from bench.reports.data.columns import CATEGORY, LEVELS, NUMBER, TIME, Column
from bench.reports.data.rows import Samples, Stored, rows_of, samples

if TYPE_CHECKING:
    from pandas import DataFrame


def optional(module: str, extra: str) -> ModuleType:
    """Return the module of an extra; raises Unavailable that names how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"this Python has no package '{error.name}'",
            hint=f"pip install 'shufflenet-bench[{extra}]'",
        ) from error


def frame_of(level: str, stored: Iterable[Stored]) -> DataFrame:
    """Return the table of that level; raises Unavailable without pandas."""
    if level == "sample":
        return _sample_frame(list(samples(stored)))
    return frame(LEVELS[level], rows_of(level, stored))


def frame(columns: Sequence[Column], rows: Iterable[Row]) -> DataFrame:
    """Return `rows` with these columns; raises Unavailable without pandas."""
    pandas: Any = optional("pandas", "pandas")
    rows = list(rows)
    made: DataFrame = pandas.DataFrame(
        {it.name: _array(pandas, it.dtype, [row.get(it.name) for row in rows]) for it in columns}
    )
    return made


def _array(pandas: Any, dtype: str, values: Sequence[object]) -> Any:
    if dtype == TIME:  # what is no time is none that is known
        texts = pandas.Series(values, dtype="object")
        times = pandas.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
        return times.astype(dtype)
    if dtype == NUMBER:  # the rows of CSV files have some figures as text
        values = [None if value is None else float(str(value)) for value in values]
    return pandas.array(values, dtype=dtype)


def _sample_frame(sessions: Sequence[Samples]) -> DataFrame:
    """Return the table of samples; column by column, for there may be millions of them."""
    pandas: Any = optional("pandas", "pandas")
    import numpy as np

    lengths = [len(session.samples_ns) for session in sessions]
    sizes = [size for session in sessions for size in session.sizes]

    def joined(parts: Iterable[Sequence[object]], kind: str) -> Any:
        arrays = [np.asarray(part, dtype=kind) for part in parts]
        return np.concatenate(arrays) if arrays else np.empty(0, dtype=kind)

    own: Mapping[str, Callable[[], Any]] = {
        "sample": lambda: joined((range(length) for length in lengths), "int64"),
        "sample_ns": lambda: joined((session.samples_ns for session in sessions), "int64"),
        "burst": lambda: np.repeat(joined((range(len(s.sizes)) for s in sessions), "int64"), sizes),
        "counts": lambda: np.repeat(joined((s.counts for s in sessions), "bool"), sizes),
    }
    data = {}
    for column in LEVELS["sample"]:
        if column.name in own:
            values = pandas.array(own[column.name](), dtype=column.dtype)
        else:
            once = [session.shared[column.name] for session in sessions]
            kind = pandas.CategoricalDtype(_distinct(once)) if column.dtype == CATEGORY else None
            values = pandas.array(once, dtype=kind or column.dtype).repeat(lengths)
        data[column.name] = values
    unknown = np.repeat(joined(([not s.bursts_known] for s in sessions), "bool"), lengths)
    data["burst"][unknown] = pandas.NA
    made: DataFrame = pandas.DataFrame(data)
    return made


def _distinct(values: Sequence[object]) -> Any:
    """Return the categories: their type is text also where there is none."""
    pandas: Any = optional("pandas", "pandas")
    return pandas.Index(list(dict.fromkeys(v for v in values if v is not None)), dtype="str")


_SUMMARY = ("variant", "runner", "settings", "precision", "batch", "threads")


def shown_as_html(cells: DataFrame) -> str:
    """Return a table of cells as a notebook shows it: figures in ms, with why there is none."""
    table: DataFrame = cells[list(_SUMMARY)].copy()
    table["latency_ms"] = cells["latency_ns"] / NS_PER_MS
    table["half_width_95_ms"] = cells["half_width_95_ns"] / NS_PER_MS
    table[["sessions", "grade"]] = cells[["sessions", "grade"]]
    if cells["emulated"].any():
        table["emulated"] = cells["emulated"]
    if cells["reason"].notna().any():
        table["reason"] = cells["reason"]
    return str(table.to_html(index=False, na_rep="", max_rows=60, float_format="{:.4g}".format))
