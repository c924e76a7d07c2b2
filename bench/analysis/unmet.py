"""Effective settings that differ from those a cell asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.storage.schema.common import CellFields


def unmet(cell: CellFields, facts: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a clause for each precision or setting of `cell` that wasn't effective in a session.

    `facts` are those of the sessions; what no session reports makes no clause.
    """
    requested = {"precision": cell.precision, **cell.settings}
    return sorted(
        {
            f"{name} {effective[name]} was in force where {value} was asked for"
            for effective in facts
            for name, value in requested.items()
            if effective.get(name, value) != value
        }
    )
