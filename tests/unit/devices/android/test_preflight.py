"""What rules a phone out, and what is only worth a note."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bench.core.errors import Unavailable
from bench.devices.android.identity import read_identity
from bench.devices.android.preflight import notes, preflight
from bench.devices.android.state import Reading
from tests.fakes.device import FakeDevice, said
from tests.fakes.phones import SD855, answer

FACTS = read_identity(FakeDevice(answer(), properties=SD855))
QUIET: dict[str, Reading] = {
    "temperature_c": 36.0, "battery_percent": 84, "power": "battery", "screen": "off",
    "governor": "performance",
}  # fmt: skip


def test_a_64_bit_phone_whose_folder_can_be_written_passes() -> None:
    device = FakeDevice({"test -w": said()})
    preflight(device, FACTS)
    assert device.commands == ["test -w /data/local/tmp"]


def test_a_phone_of_another_abi_is_ruled_out_with_the_abis_it_has() -> None:
    with pytest.raises(Unavailable, match="armeabi-v7a, armeabi programs and no arm64") as raised:
        preflight(FakeDevice({"test -w": said()}), replace(FACTS, abis=("armeabi-v7a", "armeabi")))
    assert "64-bit" in raised.value.hint


def test_a_phone_that_nothing_can_be_written_on_is_ruled_out() -> None:
    with pytest.raises(Unavailable, match="/data/local/tmp") as raised:
        preflight(FakeDevice({"test -w": said(status=1)}), FACTS)
    assert "USB debugging" in raised.value.hint


def test_a_quiet_phone_gives_no_note() -> None:
    assert notes(QUIET) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"screen": "on"}, "the screen is on"),
        ({"power": "usb"}, r"powered \(usb\)"),
        ({"power": "wireless"}, r"powered \(wireless\)"),
        ({"battery_percent": 19}, "the battery is at 19%"),
        ({"governor": "schedutil"}, "governor schedutil"),
    ],
)
def test_each_disturbance_gives_one_note(change: dict[str, Reading], words: str) -> None:
    (note,) = notes(QUIET | change)
    assert re.search(words, note)


def test_a_battery_that_is_just_full_enough_gives_no_note() -> None:
    assert notes(QUIET | {"battery_percent": 20}) == []


def test_what_cannot_be_read_gives_a_note_and_no_error() -> None:
    assert notes({}) == [
        "the chip's temperature can't be read: no start waits for it to cool",
        "the battery can't be read",
    ]
