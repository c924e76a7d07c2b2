"""The second table of a GPU's series: on the device, enqueue, energy, builds."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.gpu_figures import OnDevice, build_text
from bench.analysis.series import Column, Series, View
from bench.core.escape import markdown
from bench.core.units import significant, to_ms, with_interval
from bench.reports.markdown.tables import table

_NOTE = """\
Runs without copies, apart from those above. On device: by CUDA events, or until the device is done
where an engine gives none. Enqueue: until the call returns; launch-bound where it takes more than
0.8 of the time on the device. Energy: of the whole card while the latency above was sampled.
"""


def device_table(view: View, series: Series) -> str:
    """Return the table of `series`, nothing where no cell of it has such figures."""
    columns = [
        column
        for column in series.columns
        if any(column in row and row[column].device for row in series.boxes.values())
    ]
    if not columns:
        return ""
    head = ["Models", *(text for column in columns for text in _heads(series, column))]
    rows = [
        [
            markdown(view.models[variant].title),
            *(text for column in columns for text in _texts(row.get(column))),
        ]
        for variant, row in series.boxes.items()
    ]
    return f"\n{table(head, rows)}\n{_NOTE}"


def _heads(series: Series, column: Column) -> list[str]:
    setting = naming.setting(series, column)
    names = ("On device(ms)", "Enqueue(ms)", "Energy(mJ)", "Builds")
    return [f"{name}<br>{setting}" for name in names]


def _texts(box: Box | None) -> list[str]:
    it: OnDevice | None = box.device if box else None
    if it is None:
        return ["", "", "", ""]
    half = it.on_device.half_width_ns
    inside = with_interval(to_ms(it.on_device.value_ns), None if half is None else to_ms(half))
    bound = " launch-bound" if it.launch_bound else ""
    energy = "" if it.energy_mj is None else significant(it.energy_mj)
    return [inside, f"{significant(to_ms(it.enqueue.value_ns))}{bound}", energy, build_text(it)]
