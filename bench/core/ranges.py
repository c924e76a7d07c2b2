"""Texts that differ in numbers alone, as one with the numbers' ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"(?<![\w.])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?!\w|[.,][0-9])")


def without_numbers(text: str) -> str:
    """Return what texts that differ in numbers alone have in common."""
    return _NUMBER.sub("\0", text)


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Return the texts sorted, in groups of those that differ in numbers alone."""
    groups: dict[str, list[str]] = {}
    for text in sorted(texts):
        groups.setdefault(without_numbers(text), []).append(text)
    return list(groups.values())


def merged(texts: Sequence[str]) -> str:
    """Return such texts as one: `5.5–14.3% slower` of 5.5% slower and 14.3% slower."""
    spans = iter([_span(it) for it in zip(*map(_NUMBER.findall, texts), strict=True)])
    return _NUMBER.sub(lambda _: next(spans), texts[0])


def _span(numbers: Sequence[str]) -> str:
    ranked = sorted(numbers, key=lambda text: float(text.replace(",", "")))
    return ranked[0] if ranked[0] == ranked[-1] else f"{ranked[0]}–{ranked[-1]}"
