"""Three rules, any of which is enough."""

from __future__ import annotations

import sys
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from bench.analysis import phone_throttling as throttling
from bench.analysis.phone_throttling import throttled

COOL = {"capped_cores": 0, "thermal_status": 0, "temperature_c": 90.0}
EVEN = [2_000_000] * 30


def slowing(share: float, count: int = 30) -> list[int]:
    third = count // 3
    return [1_000_000] * (count - third) + [round(1_000_000 * (1 + share))] * third


def test_a_cool_session_gives_no_reason() -> None:
    assert throttled(COOL, COOL, EVEN) == []


def test_each_rule_gives_its_reason_before_and_after() -> None:
    assert throttled(COOL | {"capped_cores": 3}, COOL, EVEN) == [
        "3 cores' clocks were capped before it"
    ]
    assert throttled(COOL, COOL | {"capped_cores": 1}, EVEN) == [
        "1 core's clock was capped after it"
    ]
    assert throttled(COOL | {"thermal_status": 1}, COOL, EVEN) == [
        "the thermal status was 1 before it"
    ]
    assert throttled(COOL, COOL | {"thermal_status": 3}, EVEN) == [
        "the thermal status was 3 after it"
    ]


def test_a_last_third_well_above_the_first_is_a_reason() -> None:
    assert throttled(COOL, COOL, slowing(0.14)) == ["its last third ran 14% slower than its first"]
    assert throttled(COOL, COOL, slowing(0.10)) == []


def test_getting_faster_is_no_reason() -> None:
    assert throttled(COOL, COOL, slowing(0.5)[::-1]) == []


def test_a_few_slow_samples_at_the_end_are_no_reason() -> None:
    assert throttled(COOL, COOL, [*EVEN, 9_000_000, 9_000_000]) == []


def test_too_few_samples_bear_no_thirds() -> None:
    assert throttled(COOL, COOL, slowing(0.5, count=12)) == []
    assert throttled(COOL, COOL, slowing(0.5, count=15)) != []
    assert throttled({}, {}, []) == []


def test_what_could_not_be_read_is_no_reason() -> None:
    assert throttled({}, {"thermal_status": "unknown"}, EVEN) == []


def test_samples_of_zero_do_not_stop_it() -> None:
    assert throttled({}, {}, [0] * 30) == []


@given(st.lists(st.integers(0, 10**9), min_size=15, max_size=90))
def test_the_third_rule_is_the_ratio_of_the_thirds_medians(samples: list[int]) -> None:
    third = len(samples) // 3
    slower = median(samples[-third:]) / max(median(samples[:third]), 1) > 1.1
    assert bool(throttled(COOL, COOL, samples)) == slower


def test_it_imports_the_standard_library_only() -> None:
    values = vars(throttling).values()
    modules = {getattr(value, "__module__", None) or "builtins" for value in values}
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert foreign == {"bench"}, "its own functions"
