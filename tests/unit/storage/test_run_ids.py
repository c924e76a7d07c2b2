"""Ids of runs sort as the runs came."""

from __future__ import annotations

import pytest

from bench.storage.files import id_after, seconds_behind

OWN = "20260102T030405Z-0badc0de-1"


@pytest.mark.parametrize(
    ("newest", "after"),
    [
        (None, OWN),
        ("20260102T030404Z-a-9", OWN),
        ("20260102T030405Z-a-9", "20260102T030406Z-0badc0de-1"),
        ("20260102T235959Z-a-9", "20260103T000000Z-0badc0de-1"),
        ("another name", OWN),
        ("99999999T999999Z-a-9", OWN),
        ("99991231T235959Z-a-9", OWN),
    ],
)
def test_an_id_sorts_behind_the_newest_unless_that_bears_no_time(
    newest: str | None, after: str
) -> None:
    assert id_after(OWN, newest) == after


@pytest.mark.parametrize(
    ("newest", "seconds"),
    [("20260102T030505Z-a", 60.0), ("20260102T030404Z-a", -1.0), ("99999999T999999Z-a", 0.0)],
)
def test_how_far_a_clock_is_behind(newest: str, seconds: float) -> None:
    assert seconds_behind(OWN, newest) == seconds
