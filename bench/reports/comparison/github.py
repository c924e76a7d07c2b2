"""A comparison as workflow commands of GitHub Actions: an annotation on each cell that moved.

What can't be judged is told once a reason, since a step shows ten annotations of a kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.verdicts import CellVerdict, Comparison, percent
from bench.core import escape


def commands(comparison: Comparison) -> str:
    """Return a command a line: errors for SLOWER and MISSING, notices for FASTER, warnings for what
    couldn't be judged and for what is advice.
    """
    return "".join(f"{line}\n" for line in _commands(comparison))


def command(level: str, *, title: str, lines: Sequence[str]) -> str:
    """Return one workflow command; `level` is error, warning or notice."""
    return f"::{level} title={escape.title(title)}::{escape.data(lines)}"


def _commands(comparison: Comparison) -> Iterator[str]:
    slower, title = ("warning", "Slower, advice only") if comparison.doubts else ("error", "Slower")
    for one in comparison.cells:
        if one.verdict == "SLOWER":
            yield command(slower, title=f"{title}: {one.label}", lines=[_change(one)])
    yield from _grouped(comparison, "MISSING", level="error", title="No figure any more")
    yield from _grouped(comparison, "INCOMPARABLE", level="warning", title="Not comparable")
    for one in comparison.cells:
        if one.verdict == "FASTER":
            yield command("notice", title=f"Faster: {one.label}", lines=[_change(one)])
    labels = [one.label for one in comparison.cells if one.verdict == "INCONCLUSIVE"]
    if labels:
        yield command("warning", title="Inconclusive", lines=labels)
    if comparison.doubts:
        yield command("warning", title="Advice only", lines=comparison.doubts)


def _grouped(comparison: Comparison, verdict: str, *, level: str, title: str) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for one in comparison.cells:
        if one.verdict == verdict:
            by_reason.setdefault(one.reason, []).append(one.label)
    for reason, labels in by_reason.items():
        yield command(level, title=title, lines=[reason, *labels])


def _change(one: CellVerdict) -> str:
    assert one.ratio is not None  # noqa: S101 - only a judged cell moves
    assert one.low is not None  # noqa: S101
    assert one.high is not None  # noqa: S101
    return f"{percent(one.ratio)} [{percent(one.low)}, {percent(one.high)}]: {one.reason}"
