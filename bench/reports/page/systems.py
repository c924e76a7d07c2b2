"""Systems side by side: what each is, and what runs on it, from the stored systems and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.analysis import naming
from bench.analysis.run_context import run_context
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.core.escape import file_name
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import Figures, by_model, latency
from bench.reports.tables.model import Column, Entry, Table
from bench.storage.schema.common import System

_CONTEXT = ("governor", "python", "host")


def systems_tables(view: View, words: Words) -> list[Table]:
    """Return the tables of systems; none where nothing was measured."""
    by_id: dict[str, list[Series]] = {}
    for series in (*view.series, *view.sustained):
        by_id.setdefault(series.system.system_id, []).append(series)
    if not by_id:
        return []
    return [_hardware(view, words, list(by_id.values())), *_latencies(view, words)]


def _latencies(view: View, words: Words) -> Iterator[Table]:
    """Yield a table for each work that several systems did, a column a system and setting."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for series in view.series:
        if not series.system.emulated:
            groups.setdefault(_work(series), []).append(series)
    for work, group in groups.items():
        if len({series.system.system_id for series in group}) > 1:
            yield _side_by_side(view, words, work, group)


def _work(series: Series) -> tuple[str, ...]:
    """Return what has to agree for systems to stand side by side; an engine's version need not."""
    parts = (series.runner, naming.settings(series), series.precision, series.weights)
    return (*parts, series.suite, series.preset, series.statistic)


def _side_by_side(
    view: View, words: Words, work: tuple[str, ...], group: Sequence[Series]
) -> Table:
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
        title=words("heading.comma").join([naming.runner_title(work[0]), *filter(None, work[1:])]),
        caption=words("page.system.latencies"),
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


def _hardware(view: View, words: Words, groups: Sequence[Sequence[Series]]) -> Table:
    """Return the properties as rows and the systems as columns."""
    systems = [group[0].system for group in groups]
    names = dict.fromkeys(name for system in systems for name in system.facts)
    rows = [
        [
            Entry(text=words.of("page.fact", name).replace("_", " ")),
            *(Entry(text=_fact(it, name)) for it in systems),
        ]
        for name in names
    ]
    more: dict[str, Callable[[Sequence[Series]], str]] = {"engines": _engines}
    more |= {name: _context(view, name) for name in _CONTEXT}
    more["runs"] = lambda group: ", ".join(_runs(group))
    rows += [
        [Entry(text=words(f"page.system.{name}")), *(Entry(text=text(it)) for it in groups)]
        for name, text in more.items()
    ]
    heads = (words("page.system.property"), *(titles.system(group[0], words) for group in groups))
    return Table(
        key="hardware",
        title=words("page.part.systems"),
        caption=words("page.system.caption"),
        columns=[Column(title=(title,), origin="name") for title in heads],
        rows=rows,
    )


def _fact(system: System, name: str) -> str:
    value = system.facts.get(name, "")
    return ", ".join(value) if isinstance(value, list) else str(value)


def _engines(group: Sequence[Series]) -> str:
    return ", ".join(sorted({series.engine for series in group if series.engine}))


def _runs(group: Sequence[Series]) -> list[str]:
    return sorted({run_id for series in group for run_id in series.runs})


def _context(view: View, name: str) -> Callable[[Sequence[Series]], str]:
    def text(group: Sequence[Series]) -> str:
        values = {
            run_context(
                view.sources[run_id], [it for (of, _), it in view.records.items() if of == run_id]
            )[name]
            for run_id in _runs(group)
        }
        return ", ".join(sorted(values))

    return text
