"""A session starts when the phone is cool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from bench.core.errors import DeviceError
from bench.devices.android.cooldown import TooHot, wait_until_cool

Readings = Mapping[str, str | int | float]


COOL: Readings = {"temperature_c": 45.0, "thermal_status": 0}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0, "it would ask without a pause"
        self.slept.append(seconds)
        self.now_s += seconds


def telling(*readings: Readings) -> Callable[[], Readings]:
    """Return a reader that gives each of `readings` once, and then the last for ever."""
    left = list(readings)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def wait(
    readings: Sequence[Readings],
    time: Time | None = None,
    told: list[str] | None = None,
    **limits: float,
) -> float:
    """Return the seconds that were waited."""
    clock = time or Time()
    tell = (told if told is not None else []).append
    wait_until_cool(telling(*readings), sleep=clock.sleep, clock=clock, tell=tell, **limits)
    return sum(clock.slept)


def test_a_cool_phone_passes_at_once() -> None:
    time, told = Time(), list[str]()
    assert wait([COOL], time, told) == 0
    assert time.slept == []
    assert told == []


def test_a_hot_phone_is_asked_again_until_it_is_cool() -> None:
    time, told = Time(), list[str]()
    hot = [
        {"temperature_c": 61.24, "thermal_status": 2},
        {"temperature_c": 45.1, "thermal_status": 0},
    ]
    assert wait([*hot, {"temperature_c": 44.9}], time, told) == 10
    assert time.slept == [5, 5]
    assert told == [
        "waiting for the phone to cool down: 61.2 °C, the limit is 45 °C, thermal status 2",
        "waiting for the phone to cool down: 45.1 °C, the limit is 45 °C",
    ]


def test_a_phone_whose_status_is_raised_waits_though_it_tells_no_temperature() -> None:
    assert wait([{"thermal_status": 1}, {"thermal_status": 0}]) == 5


def test_limit_and_pause_are_the_callers() -> None:
    time = Time()
    assert (
        wait([{"temperature_c": 50.0}, {"temperature_c": 38.0}], time, limit_c=40.0, poll_s=2.0)
        == 2
    )
    assert wait([{"temperature_c": 50.0}], limit_c=50.0) == 0


def test_a_phone_that_tells_neither_passes_at_once() -> None:
    assert wait([{}]) == 0
    assert wait([{"temperature_c": "hot", "thermal_status": "unknown"}]) == 0


def test_a_phone_that_stays_hot_is_an_error_with_its_remedy_when_time_is_up() -> None:
    time = Time()
    with pytest.raises(TooHot, match=r"still hot after 12 s \(70.0 °C") as raised:
        wait([{"temperature_c": 70.0}], time, timeout_s=12.0)
    assert time.slept == [5, 5, 2]
    assert "charger" in raised.value.hint
    assert "airplane mode" in raised.value.hint
    assert isinstance(raised.value, DeviceError)
    assert raised.value.kind == "too-hot"


def test_a_phone_that_is_cool_at_the_last_look_passes() -> None:
    hot = {"temperature_c": 70.0}
    assert wait([hot, hot, hot, {"temperature_c": 30.0}], timeout_s=12.0) == 12


def test_the_readings_that_were_cool_enough_come_back() -> None:
    clock = Time()
    hot: Readings = {"temperature_c": 80.0}
    read = telling(hot, COOL)
    assert wait_until_cool(read, sleep=clock.sleep, clock=clock, tell=list[str]().append) == COOL
