"""How large a change must be to count: `[gate]` of a suite's file.

[gate]
min_effect = 0.03                     # a share: 3%
cells = { "x0_25-*-t4-*" = 0.08 }     # by a cell's id or the slug before its digest; the first
                                      # pattern that holds counts

A `*` also stands for dashes, and a model's name may have some: x0_25-* holds for x0_25-lite too,
unless a pattern for x0_25-lite-* stands before it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from bench.storage.validation import Strict

Effect = Annotated[float, Field(gt=0, lt=1)]


class Gate(Strict):
    """The minimum effect of a target, as a share, and that of cells whose name fits a pattern."""

    min_effect: Effect = Field(
        default=0.03, description="the least change that counts, as a share: 0.03 is 3%"
    )
    cells: dict[str, Effect] = Field(
        default={},
        description="the same for cells whose id fits a pattern; the first pattern that fits "
        "counts",
    )

    def of(self, cell_id: str) -> float:
        """Return the minimum effect of that cell."""
        names = (cell_id, cell_id.rpartition("-")[0])
        for pattern, effect in self.cells.items():
            if any(fnmatchcase(name, pattern) for name in names):
                return effect
        return self.min_effect


DEFAULT = Gate()
