"""When a GPU's clock counts as held, and the command that would hold it."""

from __future__ import annotations

from typing import Any

from bench.analysis.gpu_clocks import Clocks, clocks

LIMIT = {"max_sm_mhz": 1530}


def found(*pairs: tuple[int, int], before: dict[str, Any] | None = None, bits: int = 0) -> Clocks:
    covariates = [
        {"sm_mhz_begin": first, "sm_mhz_end": last, "throttle_bits": bits} for first, last in pairs
    ]
    told = clocks([LIMIT | (before or {})] * len(pairs), covariates)
    assert told is not None
    return told


def test_a_session_on_no_gpu_has_no_clock_of_one() -> None:
    assert clocks([{"governor": "performance"}], [{"cpu_s": 1.0}]) is None


def test_one_clock_below_the_highest_in_every_session_is_held() -> None:
    held = found((1380, 1380), (1380, 1380))
    assert (held.held, held.reason) == (True, "SM clock 1380 MHz")


def test_a_clock_that_moves_is_not_held() -> None:
    loose = found((1380, 1380), (1380, 1395))
    assert (loose.held, loose.reason) == (False, "SM clock 1380 to 1395 MHz")
    assert loose.command == "sudo nvidia-smi -lgc 1380,1380"


def test_the_highest_clock_alone_says_nothing_of_a_lock() -> None:
    assert not found((1530, 1530)).held


def test_the_drivers_word_that_a_setting_holds_it_is_enough_where_the_clock_stands() -> None:
    assert found((1530, 1530), bits=0x2).held
    assert not found((1500, 1530), bits=0x2).held


def test_a_limit_that_is_not_known_proves_nothing() -> None:
    told = clocks([{}], [{"sm_mhz_begin": 1380, "sm_mhz_end": 1380}])
    assert told is not None
    assert not told.held


def test_a_session_without_its_readings_proves_nothing() -> None:
    told = clocks([LIMIT] * 2, [{"sm_mhz_begin": 1380, "sm_mhz_end": 1380}, {}])
    assert told is not None
    assert not told.held


def test_the_command_names_the_clock_that_the_maker_gives_applications() -> None:
    assert found((1500, 1530), before={"application_sm_mhz": 1312}).command.endswith("1312,1312")
