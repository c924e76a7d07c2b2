"""What lowers the grades of many cells: each reason once, with the cells that share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.grade import Finding, findings
from bench.reports.terminal.labels import labels, shared, which
from bench.storage.schema.latency import Measured, Record


def explanation(records: Sequence[Record]) -> Iterator[str]:
    """Yield lines on the measured `records`, the worst grade first, cells in their order.

    A reason is shared where it differs in numbers alone, which become their range.
    """
    measured = [it for it in records if isinstance(it.outcome, Measured)]
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for label, record in zip(labels([it.cell for it in measured]), measured, strict=True):
        below = [it for it in findings(record) if it.grade != "A"]
        for one in below or [Finding(rule="", grade="A", reason="nothing lowers it")]:
            text = f"{one.reason}: {one.remedy}" if one.remedy else one.reason
            said.setdefault((one.grade, one.rule), []).append((label, text))
    for (letter, rule), texts in sorted(said.items(), key=lambda it: it[0][0], reverse=True):
        what = f"{letter} {rule}".rstrip()
        for cells, text in shared(texts):
            yield f"for {which(cells, len(measured))}: {what}: {text}"
            if 1 < len(cells) < len(measured):
                yield f"    namely {', '.join(cells)}"
