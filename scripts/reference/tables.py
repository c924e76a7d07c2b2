"""The columns of the report's CSV files and of DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.reports import csv_tables
from bench.reports.csv_columns import PLOT, meaning
from bench.reports.data.columns import COMPARISON, LEVELS, Column
from bench.reports.plots.data import HEAD
from scripts.reference.markdown import code, page, table

_FILES = {
    "latency.csv": (csv_tables.LATENCY_HEAD, "A row a cell."),
    "costs.csv": (
        (*csv_tables.COSTS_HEAD, *csv_tables.DECLARED),
        "A row a model. The declared columns are there where a catalogue's entry declares them.",
    ),
    "engines.csv": (csv_tables.ENGINES_HEAD, "A row a cell of engines that stand side by side."),
    "accuracy.csv": (
        csv_tables.ACCURACY_HEAD,
        "A row a net and runner of each `bench accuracy` run.",
    ),
    "sustained.csv": (csv_tables.SUSTAINED_HEAD, "A row a long session (`bench run --sustained`)."),
    "device.csv": (csv_tables.DEVICE_HEAD, "A row a cell that was measured on a GPU."),
    "energy.csv": (
        csv_tables.ENERGY_HEAD,
        "A row a cell whose sessions could read what the processor used.",
    ),
    PLOT: (
        HEAD,
        "Beside top1-params.svg, top1-params.csv: a row a point, and a row a point of each line.",
    ),
}


_FRAMES: Mapping[str, tuple[Sequence[Column], str]] = {
    'bench.load("results", level="cell")': (LEVELS["cell"], "A row a cell of each run."),
    'bench.load("results", level="session")': (LEVELS["session"], "A row a session."),
    'bench.load("results", level="sample")': (LEVELS["sample"], "A row a sample."),
    'bench.compare("BASE", "HEAD").frame': (COMPARISON, "A row a cell."),
}


def columns() -> str:
    """Return the page of columns."""
    return page(
        "Columns of tables",
        "The report's CSV files, in results/report, and the DataFrames that `import bench` gives. "
        "latency.csv and costs.csv are always there, the other files where a stored run has such "
        "figures. Durations are nanoseconds; what isn't known is empty. New columns are added at "
        "the end.",
        *(
            f"## {file}\n\n{text}\n\n"
            + table(("column", "holds"), ((code(it), meaning(file, it)) for it in head))
            for file, (head, text) in _FILES.items()
        ),
        *(
            f"## {code(call)}\n\n{text}\n\n"
            + table(("column", "type", "holds"), ((code(it.name), it.dtype, it.text) for it in of))
            for call, (of, text) in _FRAMES.items()
        ),
    )
