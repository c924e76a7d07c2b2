"""Published against measured at a glance: the same quantity of both, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.naming import PUBLISHED_COLUMNS
from bench.reports.language import Words
from bench.reports.tables.model import Column, Entry, Table

_COSTS = (
    ("costs", "flops", "published flops_m"),
    ("costs", "params", "published params_m"),
    ("storage", "storage", "published storage_mb"),
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A measured or counted column and the published one of the same quantity, in a table's rows;
    `apart` is by which share of the published figure the own one is apart, None: one is unknown.
    """

    names: Sequence[Entry]
    own: tuple[Column, Sequence[Entry]]
    published: tuple[Column, Sequence[Entry]]

    @property
    def apart(self) -> list[float | None]:
        return [
            own.value / published.value - 1 if own.value is not None and published.value else None
            for own, published in zip(self.own[1], self.published[1], strict=True)
        ]


def compared_tables(tables: Iterable[Table], words: Words) -> list[Table]:
    """Return one table of costs and one for each table of latencies beside published ones.

    They are made of the report's own `tables`; none where nothing published is known.
    """
    by_key = {table.key: table for table in tables}
    costs = [_pair(by_key[key], own, published) for key, own, published in _COSTS if key in by_key]
    found = [_table("costs", words("page.compare.costs"), costs, words)]
    found += [
        _table(table.key, table.title, _latencies(table), words)
        for table in by_key.values()
        if table.key.startswith("latency-")
    ]
    return [table for table in found if table is not None]


def _latencies(table: Table) -> list[_Pair | None]:
    """Return a pair for each published column that has a measured one at its batch and threads."""
    pairs = []
    for column in table.columns:
        known = PUBLISHED_COLUMNS.get(column.key.removeprefix("published "))
        if column.origin == "published" and known is not None:
            pairs.append(_pair(table, f"latency {_key(known.setting)}", column.key))
    return pairs


def _key(setting: str) -> str:
    """Return a setting as keys of columns have it: `bs=1, thread=2` is `b1 t2`, `bs=4` `b4 t1`."""
    batch, _, threads = setting.partition(", ")
    return f"b{batch.removeprefix('bs=')} t{threads.removeprefix('thread=') or 1}"


def _pair(table: Table, own: str, published: str) -> _Pair | None:
    keys = [column.key for column in table.columns]
    if own not in keys or published not in keys:
        return None
    columns = [[row[at] for row in table.rows] for at in range(len(keys))]
    one, other = keys.index(own), keys.index(published)
    pair = _Pair(
        columns[0], (table.columns[one], columns[one]), (table.columns[other], columns[other])
    )
    return pair if any(share is not None for share in pair.apart) else None


def _table(key: str, title: str, pairs: Sequence[_Pair | None], words: Words) -> Table | None:
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return None
    apart = tuple(words("page.compare.apart").splitlines())
    columns = [
        column
        for pair in known
        for column in (
            pair.own[0], pair.published[0], replace(pair.own[0], title=apart, key="apart")
        )
    ]  # fmt: skip
    return Table(
        key=f"compared-{key}",
        title=title,
        caption=words("page.compare.caption"),
        columns=[Column(title=(words("models"),), origin="name", key="models"), *columns],
        rows=[list(row) for row in zip(known[0].names, *_columns(known), strict=True)],
    )


def _columns(pairs: Sequence[_Pair]) -> Iterable[Iterable[Entry]]:
    for pair in pairs:
        yield (replace(entry, notes=()) for entry in pair.own[1])
        yield (replace(entry, notes=()) for entry in pair.published[1])
        yield (
            Entry() if share is None else Entry(text=_signed(share), value=share)
            for share in pair.apart
        )


def _signed(share: float) -> str:
    text = f"{share:+.1%}" if abs(share) < 1 else f"{share:+.0%}"
    return text.replace("-", "−")
