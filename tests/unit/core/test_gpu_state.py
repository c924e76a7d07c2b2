"""NVML's bits in words, and when a session counts as throttled."""

from __future__ import annotations

import pytest

from bench.core.gpu_state import BITS, KEY, THROTTLED, reasons, words


@pytest.mark.parametrize(("bit", "word"), BITS.items())
def test_every_bit_has_its_word(bit: int, word: str) -> None:
    assert words(bit) == [word]


def test_several_bits_are_told_one_by_one_and_an_unknown_one_by_its_number() -> None:
    assert words(0x1 | 0x40 | 0x2000) == ["idle", "hardware thermal slowdown", "bit 0x2000"]
    assert words(0) == []


@pytest.mark.parametrize("bit", [0x4, 0x8, 0x20, 0x40, 0x80])
@pytest.mark.parametrize("where", ["before", "after", "covariates"])
def test_heat_and_power_throttle_wherever_they_were_seen(bit: int, where: str) -> None:
    readings: dict[str, dict[str, int]] = {"before": {}, "after": {}, "covariates": {}}
    readings[where] = {KEY: bit | 0x1}
    assert reasons(**readings) == [BITS[bit]]


@pytest.mark.parametrize("bit", [0x1, 0x2, 0x10, 0x100, 0x400])
def test_idleness_and_settings_do_not_throttle(bit: int) -> None:
    assert not bit & THROTTLED
    assert reasons({KEY: bit}, {KEY: bit}, {KEY: bit}) == []


def test_the_same_reason_in_two_readings_is_told_once() -> None:
    assert reasons({KEY: 0x4}, {KEY: 0x4}, {}) == ["software power cap"]


def test_a_limit_that_held_the_clock_between_two_readings_throttles() -> None:
    assert reasons({}, {}, {"power_violation_ms": 12.5}) == ["power limit for 12.5 ms"]
    assert reasons({}, {}, {"thermal_violation_ms": 0.0, "power_violation_ms": 0}) == []


def test_a_reading_that_is_no_number_counts_for_nothing() -> None:
    assert reasons({KEY: "4"}, {KEY: 4.0}, {"power_violation_ms": "9"}) == []
