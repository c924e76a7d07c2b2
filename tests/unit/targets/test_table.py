"""What each entry of the table of targets keeps."""

from __future__ import annotations

import pytest

from bench.config.suite import load_suite
from bench.devices.android.adb.find import TRANSPORTS
from bench.runners import RUNNERS
from bench.targets import TARGETS


@pytest.mark.parametrize("kind", TARGETS)
def test_a_targets_suite_is_for_it_and_so_is_a_runner(kind: str) -> None:
    assert load_suite(TARGETS[kind].suite).file.target == kind
    assert kind in {runner.target for runner in RUNNERS.values()}


def test_no_two_targets_have_an_option_of_one_name() -> None:
    names = [option.name for entry in TARGETS.values() for option in entry.options]
    assert len(set(names)) == len(names)


def test_the_ways_to_a_phone_are_those_that_there_are() -> None:
    [transport] = [it for it in TARGETS["android"].options if it.name == "transport"]
    assert transport.choices == TRANSPORTS
