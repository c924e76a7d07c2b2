"""What scripts/against_pyperf_hyperfine.py counts, on records and answers that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from bench.storage.schema.ab import AbRecord
from scripts.against_pyperf_hyperfine import LADDER, Found, Row, first_slower, grown, runs_of, said

S = 1_000_000_000


def record(ratios: Sequence[float]) -> AbRecord:
    """Return sessions of 2 s, one pair of bursts each, whose CPU time is the same."""
    arm = {"kind": "command", "pid": 1, "warmup_ns": [1]}
    return AbRecord.model_validate({
        "pair_id": "a", "label": "a", "outcome": {"kind": "unfinished"},
        "base": {"words": ["a"], "digest": "1"}, "head": {"words": ["b"], "digest": "2"},
        "rule": {"pairs": 1, "burst_s": 0.05, "least_calls": 1, "most_calls": 9, "dropped": 0},
        "sessions": [{
            "started": "2024-05-01T12:00:00+00:00", "order": 0, "round": 0,
            "opened": ["base", "head"], "cores": [], "wall_ns": 2 * S, "before": {}, "after": {},
            "arms": {"base": arm, "head": arm},
            "bursts": [
                {"arm": "base", "ns": [S, S], "cpu_ns": S},
                {"arm": "head", "ns": [round(ratio * S)] * 2, "cpu_ns": S},
            ],
        } for ratio in ratios],
    })  # fmt: skip


def test_what_ab_had_after_each_session_is_judged_as_if_it_had_ended() -> None:
    """Three sessions that differ widely tell nothing; with the ones after them they do."""
    grew = record([0.9, 1.2, 1.05, *[1.1] * 9])
    found = first_slower(30.0, grew, "wall", least=3)
    assert found is not None
    sessions = found.runs // 2
    assert 3 < sessions < 12
    assert found == Found("slower", 30.0 - 24 + 2 * sessions, 2 * sessions)
    assert first_slower(30.0, grew, "cpu", least=3) is None
    assert (said(grew, "wall"), said(grew, "cpu"), runs_of(grew)) == ("slower", "same", 24)


@pytest.mark.parametrize(("needs", "tries"), [(10, 1), (40, 3), (math.inf, len(LADDER))])
def test_other_tools_start_again_until_they_find_it(needs: float, tries: int) -> None:
    started: list[int | None] = []

    def compare(runs: int | None) -> Found:
        started.append(runs)
        return Found("slower" if runs and runs >= needs else "same", 1.0, runs or 0)

    equal, found = grown(compare, slower=True)
    assert (equal, started) == ([], list(LADDER[:tries]))
    assert found == [None if needs == math.inf else Found("slower", 1.0, int(needs))]
    assert grown(compare, slower=False) == ([Found("same", 1.0, 0)], [])


def test_a_row_counts_what_was_found_and_what_was_called_different() -> None:
    row = Row(
        equal=[Found("same", 4.0, 8), Found("faster", 6.0, 8)],
        slower=[None, Found("slower", 2.0, 10), Found("slower", 3.0, 20)],
    )
    assert row.cells("x") == ["x", "2 of 3", "2.5", "15", "1 of 2", "5.0", "8"]
    assert Row(equal=[Found("same", 1.0, 2)]).cells("y")[1:4] == ["0 of 0", "–", "–"]
