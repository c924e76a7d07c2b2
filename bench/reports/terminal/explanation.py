"""What lowers the grades of many cells: each reason once, with the cells that share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.grade import Finding, findings
from bench.core.ranges import merged, without_numbers
from bench.core.units import number_of
from bench.reports.terminal.cells import labels
from bench.storage.schema.latency import Measured, Record


def explanation(records: Sequence[Record]) -> Iterator[str]:
    """Yield lines on the measured `records`, the worst grade first, cells in their order.

    A reason is shared where it differs in numbers alone, which become their range.
    """
    measured = [it for it in records if isinstance(it.outcome, Measured)]
    shared: dict[tuple[str, str, str], dict[str, str]] = {}
    for label, record in zip(labels([it.cell for it in measured]), measured, strict=True):
        below = [it for it in findings(record) if it.grade != "A"]
        for one in below or [Finding(rule="", grade="A", reason="nothing lowers it")]:
            text = f"{one.reason}: {one.remedy}" if one.remedy else one.reason
            key = one.grade, one.rule, without_numbers(text)
            shared.setdefault(key, {})[label] = text
    for (letter, rule, _), texts in sorted(shared.items(), key=lambda it: it[0][0], reverse=True):
        what = f"{letter} {rule}".rstrip()
        yield f"for {_which(list(texts), len(measured))}: {what}: {merged(list(texts.values()))}"
        if 1 < len(texts) < len(measured):
            yield f"    namely {', '.join(texts)}"


def _which(cells: Sequence[str], of: int) -> str:
    if len(cells) == 1:
        return cells[0]
    return f"all {of} cells" if len(cells) == of else f"{len(cells)} of {number_of(of, 'cell')}"
