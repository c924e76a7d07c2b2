"""What `--sustained` asks for, and the session that follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.sustained import MAX_SAMPLES, parse_duration, sustained
from bench.core.cell import Sampling
from bench.core.errors import InputError
from bench.core.units import NS_PER_S, Nanoseconds
from bench.worker.sampling import take_samples, warm_up

GROWING = Sampling(
    preset="standard", sessions=5, max_sessions=10, half_width=0.02, grow_for_s=420.0, samples=100,
    min_samples=10, budget_s=1.0, warmup_calls=7, warmup_s=0.5, warmup_cap_s=2.0, statistic="mean",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("60", 60), ("2m", 120), ("1h", 3600), ("5", 5), ("0.5m", 30), (" 10s ", 10)],
)
def test_a_duration_is_read_in_seconds_unless_it_bears_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["4.9s", "0", "61m", "3601", "1.1h", "9" * 400])
def test_a_duration_under_5_s_or_over_1_h_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"too short or too long: give 5 s to 1 h"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "s", "-60s", "60x", "1e2", "nan", "inf", "1:00", "٦٠", "6 0"])
def test_what_is_no_duration_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_duration(text)
    assert str(refused.value).startswith(f"--sustained {text}: not a duration: give ")
    assert "\n" not in str(refused.value)


@given(seconds=st.integers(5, 3600))
def test_every_whole_second_within_bounds_is_taken(seconds: int) -> None:
    assert parse_duration(str(seconds)) == parse_duration(f"{seconds}s") == seconds


def test_a_sustained_cell_gets_one_session_that_lasts() -> None:
    rule = sustained(GROWING, 60.0)
    assert (rule.preset, rule.most_sessions, rule.half_width) == ("sustained", 1, None)
    assert (rule.budget_s, rule.timeout_s) == (60.0, 180.0)
    assert rule.statistic == "median"
    assert rule == sustained(replace(GROWING, preset="quick", sessions=2, max_sessions=None), 60.0)


class Engine:
    """Calls of 10 ms; its clock stands still except while it works."""

    now = 0

    def __init__(self, call_ms: float = 10.0) -> None:
        self.call_ns = Nanoseconds(int(call_ms * 1_000_000))

    def sample(self, count: int) -> list[Nanoseconds]:
        self.now += count * self.call_ns
        return [self.call_ns] * count

    def clock(self) -> int:
        return self.now


def test_the_warm_up_is_the_presets_calls_and_no_more() -> None:
    engine = Engine()
    warm = warm_up(engine.sample, sustained(GROWING, 60.0), engine.clock)
    assert (len(warm.samples_ns), warm.steady) == (7, False)


def test_samples_are_taken_until_the_time_is_up_however_slow_the_net() -> None:
    for call_ms, count in ((10.0, 6000), (30_000.0, 10)):
        engine = Engine(call_ms)
        taken = take_samples(engine.sample, sustained(GROWING, 60.0), engine.clock)
        assert len(taken) == count


def test_a_net_too_quick_for_its_record_stops_at_the_cap() -> None:
    engine = Engine(0.001)
    taken = take_samples(engine.sample, sustained(GROWING, 3600.0), engine.clock)
    assert len(taken) == MAX_SAMPLES
    assert engine.now < 3600 * NS_PER_S
