"""What each system is, and what runs on it, from the stored systems and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.analysis.run_context import run_context
from bench.analysis.series import Series, View
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.model import Column, Entry, Table
from bench.storage.schema.common import System

_CONTEXT = ("governor", "python", "host")


def systems_tables(view: View, words: Words) -> list[Table]:
    """Return the table of systems; none where nothing was measured."""
    by_id: dict[str, list[Series]] = {}
    for series in (*view.series, *view.sustained):
        by_id.setdefault(series.system.system_id, []).append(series)
    if not by_id:
        return []
    return [_hardware(view, words, list(by_id.values()))]


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
