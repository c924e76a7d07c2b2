"""Units and how numbers are written: never more figures than the interval bears out."""

from __future__ import annotations

import math
from typing import NewType

Nanoseconds = NewType("Nanoseconds", int)

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
BYTES_PER_MIB = 1 << 20


def to_ms(nanoseconds: float) -> float:
    """Return `nanoseconds` in milliseconds."""
    return nanoseconds / NS_PER_MS


def significant(value: float, figures: int = 3) -> str:
    """Write `value` with `figures` significant figures, without an exponent."""
    if value == 0:
        return "0"
    return _to_place(value, _place(value, figures))


def two_decimals(value: float) -> str:
    """Write a count in its unit with two decimals, a small one with two significant figures."""
    return significant(value, 2) if 0 < abs(value) < 0.1 else f"{value:.2f}"


def with_interval(value: float, half_width: float | None) -> str:
    """Write `value ± half_width`, the half-width to two figures and the value to the same place.

    Without a half-width three significant figures are written: nothing says how many hold.
    """
    if half_width is None:
        return significant(value)
    if half_width <= 0:
        return f"{significant(value)} ± 0"
    place = _place(half_width, 2)
    return f"{_to_place(value, place)} ± {_to_place(half_width, place)}"


def _place(value: float, figures: int) -> int:
    """Return the decimals that leave `figures` figures of `value`, below 0 left of the point."""
    place = figures - 1 - math.floor(math.log10(abs(value)))
    # Rounding can carry: three figures of 9.996 are 10.0, not 10.00.
    return figures - 1 - math.floor(math.log10(abs(round(value, place))))


def _to_place(value: float, place: int) -> str:
    return f"{round(value, place):.{max(place, 0)}f}"


def number_of(count: int, noun: str) -> str:
    """Return `1 core` or `2 cores`, of a noun whose plural ends in s."""
    return f"{count} {noun}{'s' * (count != 1)}"


def duration(seconds: float) -> str:
    """Write a duration for a person: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
