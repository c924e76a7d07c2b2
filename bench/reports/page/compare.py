"""Published against measured at a glance: the same quantity of both, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.naming import PUBLISHED_COLUMNS
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.core.units import significant, to_ms
from bench.reports.language import Words
from bench.reports.page.names import short_names
from bench.reports.tables.entries import Figures, by_model, figure
from bench.reports.tables.latency import beside
from bench.reports.tables.model import Column, Entry, Table
from bench.reports.tables.titles import slug

_COSTS = (
    ("costs", "flops", "published flops_m"),
    ("costs", "params", "published params_m"),
    ("storage", "storage", "published storage_mb"),
)


def compared_tables(view: View, tables: Iterable[Table], words: Words) -> list[Table]:
    """Return a table of costs, and one for each published latency whose setting was measured here.

    That of costs is made of the report's own `tables`.
    """
    by_key = {table.key: table for table in tables}
    found = [
        _costs(by_key, words),
        *(_latencies(view, name, words) for name in PUBLISHED_COLUMNS),
    ]
    return [table for table in found if table is not None]


def _costs(by_key: Mapping[str, Table], words: Words) -> Table | None:
    """Return what was counted beside what was published, and by which share they are apart."""
    apart = tuple(words("page.compare.apart").splitlines())
    names: Sequence[Entry] = ()
    columns: list[tuple[Column, Sequence[Entry]]] = []
    for key, *both in _COSTS:
        rows = by_key[key].rows if key in by_key else ()
        keys = [column.key for column in by_key[key].columns] if rows else []
        if all(name in keys for name in both):
            names = [row[0] for row in rows]
            own, published = ([row[keys.index(name)] for row in rows] for name in both)
            heads = [by_key[key].columns[keys.index(name)] for name in both]
            columns += [(heads[0], own), (heads[1], published)]
            shares = [_share(*pair) for pair in zip(own, published, strict=True)]
            columns.append((replace(heads[0], title=apart, key=f"apart {both[0]}"), shares))
    if not columns:
        return None
    return Table(
        key="compared-costs",
        title=words("page.compare.costs"),
        caption=words("page.compare.costs_caption"),
        columns=[Column(title=(words("models"),), origin="name"), *(head for head, _ in columns)],
        rows=[
            [name, *(replace(entries[index], notes=()) for _, entries in columns)]
            for index, name in enumerate(names)
        ],
    )


def _share(own: Entry, published: Entry) -> Entry:
    """Return by which share of the published figure the own one is apart, where both are known."""
    if own.value is None or not published.value:
        return Entry()
    share = own.value / published.value - 1
    text = f"{share:+.1%}"
    return Entry(text="0.0%" if text[1:] == "0.0%" else text.replace("-", "−"), value=share)


def _latencies(view: View, name: str, words: Words) -> Table | None:
    """Return a published latency, and each engine's over it where its setting was measured."""
    known = [
        (series, setting)
        for series in view.series
        for setting in series.columns
        if name in series.beside
        and not series.system.emulated
        and naming.setting(series, setting) == PUBLISHED_COLUMNS[name].setting
    ]
    if not known:
        return None
    shorts, hardware = short_names(view, words), PUBLISHED_COLUMNS[name].hardware
    return by_model(
        view,
        words,
        [it for it in view.models if any(it in series.boxes for series, _ in known)],
        [beside(view, words, name), *(_ratio(view, name, it, shorts[slug(it[0])]) for it in known)],
        key=f"compared-{name}",
        title=words(
            "page.compare.latency", hardware=hardware, setting=PUBLISHED_COLUMNS[name].setting
        ),
        caption=words("page.compare.latency_caption"),
        remarks=[words("page.compare.note", systems="; ".join(_systems(known)))],
    )


def _systems(known: Sequence[tuple[Series, Setting]]) -> Iterable[str]:
    return dict.fromkeys(series.name for series, _ in known)


def _ratio(view: View, name: str, of: tuple[Series, Setting], short: str) -> Figures:
    series, setting = of
    column = Column(
        title=tuple(short.split(", ", 1)), origin="measured", key=f"ratio {slug(series)}"
    )

    def entry(variant: str) -> Entry:
        box: Box | None = series.boxes.get(variant, {}).get(setting)
        row = view.published_of(variant)
        published = row.figures.get(name) if row is not None else None
        if box is None or box.estimate is None or not published:
            return Entry()
        ratio = to_ms(box.estimate.value_ns) / published
        return figure(box, ratio, lambda value: f"{significant(value)} ×")

    return column, entry
