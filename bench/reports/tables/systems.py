"""Systems side by side: the same work on several machines or devices, and how steady each is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis import naming
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.analysis.stability import MUCH, Stability, Work, by_work, stability
from bench.core.escape import file_name
from bench.core.units import significant
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import Figures, by_model, head, latency
from bench.reports.tables.model import Column, Entry, Section, Table

_STABILITY = ("cells", "spread", "worst", "runs", "ratio")


def section(view: View, words: Words) -> Section | None:
    """Return the section, None where no two systems did the same work."""
    tables = list(_latencies(view, words))
    if not tables:
        return None
    found = stability(view)
    tables += [_stability(view, found, words)] if found else []
    return Section(key="systems", title=words("systems.title"), tables=tables)


def _latencies(view: View, words: Words) -> Iterator[Table]:
    """Yield a table for each work that several systems did, a column a system and setting."""
    for work, group in by_work(view).items():
        if len({series.system.system_id for series in group}) > 1:
            yield _side_by_side(view, words, work, group)


def _side_by_side(view: View, words: Words, work: Work, group: Sequence[Series]) -> Table:
    settings = sorted({setting for series in group for setting in series.columns})
    figures = [
        _column(words, series, setting)
        for setting in settings
        for series in group
        if setting in series.columns
    ]
    return by_model(
        view,
        words,
        [it for it in view.models if any(it in series.boxes for series in group)],
        figures,
        key=file_name(f"systems-{'-'.join(filter(None, work))}"),
        title=titles.work(group[0], words),
        caption=words("systems.latencies"),
    )


def _column(words: Words, series: Series, setting: Setting) -> Figures:
    at = naming.setting(series, setting)
    lines = (series.name, series.engine or "", at)
    column = Column(
        title=tuple(line for line in lines if line),
        origin="measured",
        key=f"{series.system.system_id} {at}",
    )
    return column, lambda variant: latency(words, series.boxes.get(variant, {}).get(setting))


def _stability(view: View, found: Sequence[Stability], words: Words) -> Table:
    """Return how far each system's sessions spread, the least steady first."""
    rows = sorted(found, key=lambda it: -(it.ratio or it.spread))
    title = words("systems.stability")
    names = {series.system.system_id: series.name for series in view.series}
    return Table(
        key="systems-stability",
        title=title,
        caption=words("systems.stability_caption"),
        columns=[
            head(words, "systems.system", "name", key="system"),
            *(head(words, f"systems.{it}", "measured", key=it) for it in _STABILITY),
            head(words, "systems.verdict", "name", key="verdict"),
        ],
        rows=[_row(view, names[it.system.system_id], it, words) for it in rows],
        remarks=[words("systems.stability_note", much=significant(MUCH, 2))],
    )


def _row(view: View, name: str, it: Stability, words: Words) -> list[Entry]:
    verdict = {True: "unsteady", False: "steady", None: "too_few"}[it.unsteady]
    model = view.models[it.worst].title
    return [
        Entry(text=name),
        Entry(text=str(it.cells), value=it.cells),
        _share(it.spread),
        Entry(text=f"{it.worst_spread:.1%} ({model})", value=it.worst_spread),
        Entry(text=f"{it.runs:.1%} ({it.repeated})", value=it.runs) if it.runs else Entry(),
        Entry(text=f"{it.ratio:.2f} ({it.shared})", value=it.ratio) if it.ratio else Entry(),
        Entry(text=words(f"systems.{verdict}")),
    ]


def _share(value: float) -> Entry:
    return Entry(text=f"{value:.1%}", value=value)
