"""Profiles by operator: which kinds of work and which operator take the time of each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.operators import by_family, cost, latency_ns, profiles_of, together_ns
from bench.analysis.series import Series, View
from bench.core.units import significant, to_ms
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import ABSENT, head
from bench.reports.tables.model import Column, Entry, Origin, Section, Table
from bench.storage.schema.profile import Profiled

_FIRST: tuple[tuple[str, Origin], ...] = (
    ("batch", "name"), ("threads", "name"), ("latency", "measured"), ("cost", "measured"),
    ("outside", "measured"),
)  # fmt: skip
_LEAST = 0.01
"""The share of its operators' time that a kind of work has in some cell to get a column."""


def section(view: View, words: Words) -> Section | None:
    """Return a table a series, None where nothing was profiled."""
    tables = [table for series in view.series if (table := _table(view, series, words)) is not None]
    if not tables:
        return None
    return Section(
        key="operators",
        title=words("operators.title"),
        introduction=[words("operators.introduction")],
        tables=tables,
    )


def _table(view: View, series: Series, words: Words) -> Table | None:
    known = list(profiles_of(view, series))
    if not known:
        return None
    kinds = _kinds([profiled for _, _, profiled in known])
    return Table(
        key=f"operators-{titles.slug(series)}",
        title=titles.heading(series, words),
        columns=_columns(kinds, words),
        rows=[
            [
                Entry(text=view.models[box_of[0]].title),
                *(Entry(text=str(it), value=it) for it in box_of[1:]),
                *_figures(profiled, kinds, cell),
            ]
            for box_of, cell, profiled in known
        ],
    )


def _kinds(profiles: Sequence[Profiled]) -> list[str]:
    """Return the kinds of work that take a share worth a column somewhere, the most first."""
    shares: dict[str, float] = {}
    for one in profiles:
        for name, ns in by_family(one.operators).items():
            shares[name] = max(shares.get(name, 0.0), ns / (together_ns(one) or 1.0))
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return [name for name, share in ordered if share >= _LEAST]


def _columns(kinds: Sequence[str], words: Words) -> list[Column]:
    return [
        head(words, "models", "name", key="models"),
        *(head(words, f"operators.{name}", origin, key=name) for name, origin in _FIRST),
        *(
            Column(key=name, title=(words.of("operators.kind", name),), origin="measured")
            for name in kinds
        ),
        head(words, "operators.slowest", "measured", key="slowest"),
    ]


def _figures(profiled: Profiled, kinds: Sequence[str], cell: tuple[str, str]) -> Iterator[Entry]:
    latency, total = latency_ns(profiled), together_ns(profiled)
    spent = by_family(profiled.operators)
    yield Entry(text=significant(to_ms(latency)), value=to_ms(latency), cell=cell)
    yield Entry(text=f"{cost(profiled):.2f}", value=cost(profiled), cell=cell)
    yield _share(latency - total, latency, cell)
    for name in kinds:
        yield _share(spent.get(name, 0.0), total, cell) if name in spent else Entry(text=ABSENT)
    slowest = max(profiled.operators, key=lambda it: it.ns)
    share = _share(slowest.ns, total, cell)
    yield Entry(text=f"{slowest.name} ({slowest.type}) {share.text}", value=share.value, cell=cell)


def _share(ns: float, of: float, cell: tuple[str, str]) -> Entry:
    return Entry(text=f"{ns / of:.1%}", value=ns / of, cell=cell) if of else Entry(text=ABSENT)
