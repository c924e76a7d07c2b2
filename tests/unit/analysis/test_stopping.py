"""When a cell takes no more sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.analysis.stopping import stopped
from bench.core.cell import Sampling

RULE = Sampling(
    preset="standard", sessions=3, samples=10, min_samples=5, budget_s=1, warmup_calls=1,
    warmup_s=0, warmup_cap_s=1, max_sessions=6, half_width=0.02, grow_for_s=100,
)  # fmt: skip
FIXED = replace(RULE, max_sessions=None, half_width=None)


def sessions(*medians: int) -> list[list[int]]:
    return [[median] * 5 for median in medians]


def test_a_preset_with_one_number_of_sessions_stops_at_it() -> None:
    assert stopped(sessions(100, 200), FIXED, elapsed_s=0) is None
    assert stopped(sessions(100, 200, 300), FIXED, elapsed_s=0) == "fixed"


def test_a_narrow_interval_stops_but_never_before_the_first_sessions() -> None:
    assert stopped(sessions(1000, 1000), RULE, elapsed_s=0) is None
    assert stopped(sessions(1000, 1001, 999), RULE, elapsed_s=0) == "narrow"


def test_a_wide_interval_takes_another_session_until_the_cap() -> None:
    wide = (1000, 1100, 900, 1050, 950, 1000)
    for count in (3, 4, 5):
        assert stopped(sessions(*wide[:count]), RULE, elapsed_s=0) is None
    assert stopped(sessions(*wide), RULE, elapsed_s=0) == "cap"


def test_a_run_that_lasts_long_grows_no_more_but_has_its_first_sessions() -> None:
    assert stopped(sessions(1000, 1100), RULE, elapsed_s=1e6) is None
    assert stopped(sessions(1000, 1100, 900), RULE, elapsed_s=99) is None
    assert stopped(sessions(1000, 1100, 900), RULE, elapsed_s=100) == "time"


@pytest.mark.parametrize(("share", "why"), [(0.30, "narrow"), (0.20, None)])
def test_the_width_is_a_share_of_the_figure(share: float, why: str | None) -> None:
    # t(2) * stdev / sqrt(3) is 248 of 1000.
    rule = replace(RULE, half_width=share)
    assert stopped(sessions(900, 1000, 1100), rule, elapsed_s=0) == why
