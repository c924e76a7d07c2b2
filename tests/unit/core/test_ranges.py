"""Texts that differ in numbers alone."""

from __future__ import annotations

import pytest

from bench.core.ranges import merged, without_numbers


@pytest.mark.parametrize(
    ("texts", "one"),
    [
        (["9.1% slower (2% for A)", "14% slower (2% for A)"], "9.1–14% slower (2% for A)"),
        (["ended at 1,200, late", "ended at 900, late"], "ended at 900–1,200, late"),
        (["in 2 of 2.", "in 1 of 2."], "in 1–2 of 2."),
        (["the same"], "the same"),
    ],
)
def test_numbers_become_their_range(texts: list[str], one: str) -> None:
    assert len({without_numbers(text) for text in texts}) == 1
    assert merged(texts) == one


@pytest.mark.parametrize(
    ("text", "other"),
    [("x0_25 fell", "x0_5 fell"), ("version 1.2.3", "version 1.2.4"), ("2 of 3", "2 of none")],
)
def test_names_and_versions_tell_texts_apart(text: str, other: str) -> None:
    assert without_numbers(text) != without_numbers(other)
