"""Short names of series, for the contents and for columns: the engine, and what tells it apart."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.series import Series, View
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.titles import slug


def short_names(view: View, words: Words) -> dict[str, str]:
    """Return a name for each series by its `slug`: its engine, and only what others differ in."""
    parts = {slug(series): _parts(series, words) for series in view.series}
    differs = [len(set(values)) > 1 for values in zip(*parts.values(), strict=True)]
    return {
        key: ", ".join(
            name
            for index, name in enumerate(names)
            if name and (index == 0 or differs[index])
        )
        for key, names in parts.items()
    }  # fmt: skip


def _parts(series: Series, words: Words) -> tuple[str, ...]:
    return (
        naming.runner_title(series.runner), series.suite, titles.system(series, words),
        series.precision.upper(), series.preset, series.weights, series.statistic,
        series.target,
    )  # fmt: skip
