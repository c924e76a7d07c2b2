"""The interactive plots of the report page: Vega-Lite as data, from what a report shows. Pure."""

from __future__ import annotations

from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.page.charts.accuracy import accuracy_charts
from bench.reports.page.charts.cell_samples import samples
from bench.reports.page.charts.engines import engine_charts
from bench.reports.page.charts.machine import machine_charts
from bench.reports.page.charts.parts import Chart, pack
from bench.reports.page.charts.points import figures
from bench.reports.page.charts.sample_charts import sample_charts
from bench.reports.page.charts.theme import THEME

__all__ = ["THEME", "Chart", "charts", "pack", "sample_charts", "samples"]


def charts(view: View, words: Words) -> list[Chart]:
    """Return the charts that `view` has points for, in the report's order."""
    measured = figures(view, words)
    return [
        *accuracy_charts(view, words, measured),
        *engine_charts(view, words, measured),
        *machine_charts(view, words),
    ]
