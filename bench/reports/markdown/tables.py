"""Pieces of a page in Markdown: tables, boxes, and notes for what stands in a figure's place."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.turns import Race, Ratio
from bench.core.escape import markdown
from bench.core.units import significant, to_ms, with_interval
from bench.storage.schema.common import Failed, Skipped


class Footnotes:
    """Numbered notes in the order of their first mention; the same text is the same note."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[int, dict[str, None]]] = {}

    def mark(self, text: str, *, of: str = "") -> str:
        """Return the mark that leads to `text`, put into one line: an engine may say several.

        Said `of` several, it names the first and how many more.
        """
        text = " ".join(text.split())
        number, said_of = self._notes.setdefault(text, (len(self._notes) + 1, {}))
        if of:
            said_of[of] = None
        return f"[^{number}]"

    def lines(self) -> list[str]:
        return [
            f"[^{number}]: {_first(list(said_of))}{markdown(text)}"
            for text, (number, said_of) in self._notes.items()
        ]


def _first(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{markdown(names[0])}{more}: "


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is centred as the page has it.

    Its cells are Markdown: what others wrote in them is escaped.
    """
    align = ":--:" + "|----" * (len(head) - 1)
    lines = [_row(head), f"|{align}|", *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def outcome_text(cell_id: str, outcome: Failed | Skipped, notes: Footnotes) -> str:
    """Return what stands in the place of a figure."""
    if isinstance(outcome, Failed):
        return f"failed{notes.mark(f'{outcome.failure}: {outcome.message}.', of=cell_id)}"
    return f"skipped{notes.mark(f'{outcome.reason}: {outcome.hint}.', of=cell_id)}"


def latency_text(box: Box | None, notes: Footnotes) -> str:
    """Return a box as text: never a number where the outcome isn't Measured."""
    if box is None:
        return ""
    if box.outcome is not None:
        return outcome_text(box.cell_id, box.outcome, notes)
    estimate = box.estimate
    if estimate is None:
        return ""
    half = estimate.half_width_ns
    text = with_interval(to_ms(estimate.value_ns), None if half is None else to_ms(half))
    remarks = [f"{warning}." for warning in box.warnings]
    if box.unsettled:
        remarks.append(
            f"the warm-up had not settled in {box.unsettled} of {estimate.sessions} sessions "
            "when its time was up."
        )
    marks = "".join(notes.mark(remark, of=box.cell_id) for remark in remarks)
    return f"{text}{naming.evidence(box)}{marks}"


APART = "apart"
APART_NOTE = "apart: not measured by turns with its fastest, so that the two have no ratio"


def ratio_texts(run: Race | None, boxes: Sequence[Box | None]) -> list[str]:
    """Return each box's ratio to the fastest of those that took turns, with its 95% interval.

    A figure without one is `APART`: a cell that was measured again, or in a run of its own.
    """
    texts = [APART if box is not None and box.estimate is not None else "" for box in boxes]
    if run is None:
        return texts
    return [
        "1" if index == run.first else text if ratio is None else ratio_text(ratio)
        for index, (ratio, text) in enumerate(zip(run.ratios, texts, strict=True))
    ]


def ratio_text(ratio: Ratio) -> str:
    """Return a ratio and its interval, to three decimals."""
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def alone_text(box: Box | None) -> str:
    """Return the engine's part of a latency, in ms."""
    return "" if box is None or box.run_ns is None else significant(to_ms(box.run_ns))


def distance_text(box: Box | None) -> str:
    """Return how far an output was from the reference (relative L2), to two figures."""
    return "" if box is None or box.relative_l2 is None else f"{box.relative_l2:.1e}"
