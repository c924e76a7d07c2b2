"""The energy of the processor's packages: a table of a series where its sessions could read it."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.core.escape import markdown
from bench.core.units import significant
from bench.reports.markdown.tables import table

_NOTE = """\
Energy: of the whole processor while the latency above was sampled, over the number of inferences;
what idled and what others ran there counts too.
"""


def energy_table(view: View, series: Series) -> str:
    """Return the table of `series`, nothing where no cell of it knows its energy."""
    columns = [column for column in series.columns if any(map(_text, _boxes(series, column)))]
    if not columns:
        return ""
    head = ["Models", *(f"Energy(mJ)<br>{naming.setting(series, it)}" for it in columns)]
    rows = [
        [markdown(view.models[variant].title), *(_text(row.get(column)) for column in columns)]
        for variant, row in series.boxes.items()
    ]
    return f"\n{table(head, rows)}\n{_NOTE}"


def _boxes(series: Series, column: tuple[int, int]) -> list[Box | None]:
    return [row.get(column) for row in series.boxes.values()]


def _text(box: Box | None) -> str:
    return "" if box is None or box.energy_mj is None else significant(box.energy_mj)
