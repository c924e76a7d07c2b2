"""The flags of `recommend`: what they are called, and the values that they become."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

from bench.core.errors import InputError


def add_recommend(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `recommend`."""
    add = parser.add_argument
    add("--max-ms", metavar="X", help="the most accurate within X ms for a batch")
    add("--min-top1", metavar="Y", help="the fastest of a published top-1 from Y percent on")
    add("--batch", metavar="N", help="the batch size (default: 1)")
    add("--threads", metavar="N", help="the number of threads (default: any that was measured)")
    add("--runner", metavar="A,B", help="runners, by comma (default: all that were measured)")


def recommend_values(given: Mapping[str, Any]) -> dict[str, object]:
    """Return the flags of `recommend` in `given` as values; raises InputError."""
    values: dict[str, object] = {}
    if "max_ms" in given:
        values["max_ms"] = _number("--max-ms", given["max_ms"], unit="ms", most=math.inf)
    if "min_top1" in given:
        values["min_top1"] = _number("--min-top1", given["min_top1"], unit="percent", most=100)
    return values


def _number(flag: str, text: str, *, unit: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value <= most and math.isfinite(value)):
        upto = "" if math.isinf(most) else f", {most:g} at most"
        raise InputError(
            f"{flag} {text}: not a number of {unit} above 0{upto}", hint=f"as in {flag} 60"
        )
    if unit == "percent" and value < 1:
        raise InputError(
            f"{flag} {text}: that is less than 1 percent", hint=f"as in {flag} {100 * value:g}"
        )
    return value
