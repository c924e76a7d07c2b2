"""Tables for the audit, in few words, and what it finds in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.analysis.audit import Column, Cost, Row, Table, audit
from bench.analysis.audit.table import Source

THREADS = tuple(
    Column(name=f"t{n}", kind="latency", unit="ms", threads=n, batch=1) for n in (1, 2, 4)
)
BATCHES = tuple(Column(name=f"b{n}", kind="latency", unit="ms", batch=n) for n in (1, 4, 8))
PAGE = Column(name="page", kind="flops", unit="G")
LIST = Column(name="list", kind="flops", unit="M")


def row(
    name: str,
    texts: Mapping[str, str],
    *,
    flops: float | None = None,
    params: float = 1.0,
    family: str = "F",
    intervals: Mapping[str, float] | None = None,
) -> Row:
    """Return a row of printed figures; `flops` and `params` in millions, no cost without them."""
    return Row(
        name=name,
        family=family,
        figures={column: float(text) for column, text in texts.items()},
        texts=texts,
        intervals=intervals or {},
        cost=None if flops is None else Cost(flops * 1e6, params * 1e6),
    )


def found(
    columns: Sequence[Column],
    *rows: Row,
    source: Source = "published",
    ascending: Sequence[tuple[str, ...]] = (),
    repeatability: Mapping[str, float] | None = None,
    cores: int | None = None,
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return rule, row and columns of what the audit finds in one table."""
    table = Table(
        source=source, title="a table", columns=columns, rows=rows, ascending=ascending,
        repeatability=repeatability or {}, cores=cores,
    )  # fmt: skip
    return [(one.rule, one.row, one.columns) for one in audit([table])]


def threads(name: str, *texts: str, **fields: float) -> Row:
    return row(name, dict(zip(("t1", "t2", "t4"), texts, strict=False)), **fields)  # type: ignore[arg-type]


def batches(name: str, *texts: str, **fields: float) -> Row:
    return row(name, dict(zip(("b1", "b4", "b8"), texts, strict=False)), **fields)  # type: ignore[arg-type]


def single(name: str, text: str, flops: float, params: float = 1.0) -> Row:
    return row(name, {"b1": text}, flops=flops, params=params)


def odd_sizes(*rows: Row, allowed: float | None = None) -> list[str]:
    """Return whose figures `larger-net-faster` names."""
    repeatability = {} if allowed is None else {"b1": allowed}
    kept = found(BATCHES[:1], *rows, repeatability=repeatability)
    return [name for rule, name, _ in kept if rule == "larger-net-faster"]
