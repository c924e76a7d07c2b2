"""What Paddle Lite's own benchmark_bin reports: totals in ms, no sample. Standard library only.

Its exit status tells nothing (a refused flag leaves with 0): only a "Perf Info" block with all of
its figures does, or the single line of the older tool.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

from bench.core.errors import BenchError

_TITLE = "======= Perf Info ======="
_UNIT = "Time(unit: ms):"
_NAMES = ("init", "first", "min", "max", "avg")
_FIGURE = re.compile(r"(\w+)\s*=\s*(\S+)")
_OLD = re.compile(r"min\s*=\s*(\S+)\s+max\s*=\s*(\S+)\s+average\s*=\s*(\S+)")
# The figures are floats, summed as floats and written with 3 decimals or more.
_ROUNDING = 1e-3


class NoReport(BenchError):
    """The text holds no whole report of benchmark_bin."""

    kind = "garbage-reply"

    def __init__(self, problem: str, text: str) -> None:
        last = text.strip().splitlines()[-1:] or ["nothing"]
        super().__init__(
            f"benchmark_bin {problem}; it said last: {last[0].strip()[:80]!r}",
            hint="see that it is of the model's version and knows the flags",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Its figures in ms; the older tool tells no `init_ms` and no `first_ms`.

    `first_ms` is the first warm-up run where there is one. `note` tells what was mended.
    """

    init_ms: float | None
    first_ms: float | None
    min_ms: float
    max_ms: float
    avg_ms: float
    note: str | None = None


def parse_benchmark(text: str) -> Reported:
    """Return the last report in `text`; raises NoReport where there is no whole one."""
    _, title, after = text.rpartition(_TITLE)
    if title:
        return _checked(_block(after, text), text)
    old = list(_OLD.finditer(text))
    if not old:
        raise NoReport("printed no Perf Info", text)
    return _checked(_line(old[-1], text), text)


def _block(after: str, text: str) -> Reported:
    """Read the block; a later part of it has an `init` of its own, in MB."""
    lines = [line.strip() for line in after.strip().splitlines()]
    if lines[:1] != [_UNIT]:
        raise NoReport(f"printed a Perf Info without '{_UNIT}'", text)
    figures: dict[str, float] = {}
    for line in lines[1:]:
        found = _FIGURE.fullmatch(line)
        if found is None:
            break
        figures[found[1]] = _ms(found[2], text)
    missing = [name for name in _NAMES if name not in figures]
    if missing:
        raise NoReport(f"printed a Perf Info without {', '.join(missing)}", text)
    return Reported(
        init_ms=figures["init"], first_ms=figures["first"], min_ms=figures["min"],
        max_ms=figures["max"], avg_ms=figures["avg"],
    )  # fmt: skip


def _line(found: re.Match[str], text: str) -> Reported:
    least, most, average = (_ms(found[group], text) for group in (1, 2, 3))
    note = None
    if least > most:
        # Version 2.6 writes each under the other's name.
        least, most, note = most, least, "min and max were swapped in the tool's line"
    return Reported(
        init_ms=None, first_ms=None, min_ms=least, max_ms=most, avg_ms=average, note=note
    )


def _ms(figure: str, text: str) -> float:
    try:
        value = float(figure)
    except ValueError:
        _no_duration(figure, text)
    return value if math.isfinite(value) and value >= 0 else _no_duration(figure, text)


def _no_duration(figure: str, text: str) -> NoReturn:
    raise NoReport(f"printed '{figure}' for a duration", text)


def _checked(report: Reported, text: str) -> Reported:
    slack = _ROUNDING * (1 + report.max_ms)
    if not report.min_ms - slack <= report.avg_ms <= report.max_ms + slack:
        raise NoReport(
            f"printed an average of {report.avg_ms:g} ms "
            f"outside {report.min_ms:g} to {report.max_ms:g} ms",
            text,
        )
    return report
