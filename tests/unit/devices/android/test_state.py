"""A phone's state, from what phones print."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.devices.android.state import Reading, read_state
from tests.fakes.device import FakeDevice, ShellDevice, said
from tests.fakes.phones import (
    BATTERY,
    DF,
    MEMINFO,
    POWER,
    SD855_KHZ,
    THERMAL,
    ZONES,
    answer,
    cpufreq,
    grepped,
    zones,
)


def read(**parts: str) -> dict[str, Reading]:
    return read_state(FakeDevice(answer(**parts)))


def test_a_phone_tells_everything_in_one_round_trip() -> None:
    device = FakeDevice(
        answer(
            load="WARNING: 1 foreign line\n0.52 0.4 0.3 1/2345 9999",
            memory=MEMINFO,
            cores=grepped(cpufreq(SD855_KHZ, now_khz=1_804_800)),
            heat=grepped(zones(ZONES)) + THERMAL,
            battery=BATTERY,
            screen=POWER,
            data=DF,
        )
    )
    assert read_state(device) == {
        "load_1m": 0.52, "memory_available_mib": 3456, "governor": "schedutil",
        "frequency_mhz": 1805, "capped_cores": 0, "offline_cores": 0, "temperature_c": 43.4,
        "thermal_status": 0, "battery_percent": 84, "battery_temperature_c": 32.6, "power": "usb",
        "screen": "off", "free_mib": 58368,
    }  # fmt: skip
    assert len(device.commands) == 1


def test_carriage_returns_of_old_shells_change_nothing() -> None:
    parts = {"battery": BATTERY, "screen": POWER, "data": DF, "heat": THERMAL}
    assert read(**{name: text.replace("\n", "\r\n") for name, text in parts.items()}) == read(
        **parts
    )


def test_a_phone_that_tells_nothing_gives_no_key() -> None:
    assert read() == {}
    names = ("load", "memory", "cores", "heat", "battery", "screen", "data")
    assert read(**dict.fromkeys(names, "")) == {}


@given(junk=st.text(max_size=60) | st.text(st.sampled_from("1-.: \n"), max_size=20))
@example(junk="1-99999999999")
def test_junk_in_the_place_of_anything_gives_no_key_but_the_load(junk: str) -> None:
    files = {**cpufreq((1_800_000,)), **zones({"cpu-0-0-usr": "36100"})}
    line = " ".join(junk.split())
    texts = {
        "memory": f"MemAvailable: {junk}", "data": junk, "screen": junk, "load": junk,
        "battery": f"level: {junk}\ntemperature: {junk}", "heat": f"Thermal Status: {junk}x",
        "cores": grepped(dict.fromkeys(files, f"{line}?")),
    }  # fmt: skip
    assert set(read(**texts)) <= {
        "load_1m", "governor", "offline_cores", "battery_percent", "battery_temperature_c",
        "thermal_status",
    }  # fmt: skip


def test_cores_below_their_limit_are_counted() -> None:
    files = cpufreq(SD855_KHZ, capped={4: 1_612_800, 7: 2_841_599})
    assert read(cores=grepped(files))["capped_cores"] == 2


def test_cores_that_are_switched_off_are_counted_and_the_clock_is_of_those_that_are_on() -> None:
    files = cpufreq(SD855_KHZ, now_khz=1_000_000) | {"online": "0-5"}
    on = {path: text for path, text in files.items() if path[:4] not in {"cpu6", "cpu7"}}
    on["cpu5/cpufreq/scaling_cur_freq"] = "1600000"
    readings = read(cores=grepped(on))
    assert readings["offline_cores"] == 2
    assert readings["frequency_mhz"] == 1100


def test_governors_are_each_named_once() -> None:
    files = cpufreq(SD855_KHZ) | {"cpu7/cpufreq/scaling_governor": "performance"}
    assert read(cores=grepped(files))["governor"] == "performance,schedutil"


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"tsens_tz_sensor4": "38", "battery": "60"}, 38.0),
        ({"mtktscpu": "47300", "mtktspmic": "61000"}, 47.3),
        ({"BIG": "51000", "LITTLE": "40000", "G3D": "70000"}, 51.0),
        ({"soc_thermal": "44000", "soc": "97"}, 44.0),
        ({"cpu-0-0-usr": "-274000", "cpu-0-1-usr": "0", "cpu-0-2-usr": "39000"}, 39.0),
        ({"cpu-0-0-usr": "39000", "cpu-0-0-step": "80000", "cpu-0-0-lowf": "80000"}, 39.0),
        ({"cpu-0-0-usr": "1000000"}, None),
        ({"cpu-0-0-usr": "0"}, None),
        ({"cpu-0-0-usr": "-40000"}, None),
        ({"battery": "31000", "gpuss-0-usr": "42000", "soc": "97"}, None),
    ],
)
def test_the_temperature_is_the_hottest_plausible_zone_of_the_cpu(
    kinds: dict[str, str], expected: float | None
) -> None:
    assert read(heat=grepped(zones(kinds))).get("temperature_c") == expected


def test_where_no_zone_may_be_read_the_thermal_service_tells_the_cpus_temperature_of_now() -> None:
    assert read(heat=THERMAL)["temperature_c"] == 41.25


def test_a_thermal_service_without_a_hal_tells_what_it_was_told_last() -> None:
    told = "Temperature{mValue=40.0, mType=0, mName=AP, mStatus=0}"
    text = f"Thermal Status: 2\nCached temperatures:\n\t{told}"
    assert read(heat=text) == {"temperature_c": 40.0, "thermal_status": 2}


@pytest.mark.parametrize(
    ("source", "power"),
    [("AC", "ac"), ("USB", "usb"), ("Wireless", "wireless"), ("Dock", "dock"), ("", "battery")],
)
def test_what_feeds_the_phone_is_named(source: str, power: str) -> None:
    text = BATTERY.replace("USB powered: true", "USB powered: false")
    text = text.replace(f"{source} powered: false", f"{source} powered: true") if source else text
    assert read(battery=text)["power"] == power


def test_a_battery_on_another_scale_is_told_in_percent() -> None:
    text = BATTERY.replace("scale: 100", "scale: 200")
    assert read(battery=text)["battery_percent"] == 42


def test_a_battery_that_was_made_up_by_hand_tells_nothing() -> None:
    text = BATTERY.replace("state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n")
    assert read(battery=text) == {}


def test_a_box_without_a_battery_tells_its_power_only() -> None:
    assert read(battery=BATTERY.replace("present: true", "present: false")) == {"power": "usb"}


@pytest.mark.parametrize(
    ("text", "screen"),
    [
        ("Display Power: state=ON", "on"),
        ("  mWakefulness=Asleep\nDisplay Power: state=ON", "on"),
        ("  mWakefulness=Awake\nDisplay Power: state=DOZE", "off"),
        ("  mWakefulness=Awake\n  mWakefulnessChanging=false", "on"),
        ("  mWakefulness=Dreaming", "on"),
        ("  mWakefulness=Dozing", "off"),
        ("  mWakefulness=Asleep", "off"),
        ("  mWakefulness=1", None),
    ],
)
def test_the_screen_is_on_or_off(text: str, screen: str | None) -> None:
    assert read(screen=text).get("screen") == screen


def test_a_shell_that_prints_something_first_changes_nothing() -> None:
    text = "WARNING: linker: unused\n@@bench load\n0.25 0.1 0.1 1/99 7\n"
    assert read_state(FakeDevice({"@@bench": said(text)})) == {"load_1m": 0.25}


def test_a_dump_of_blank_lines_is_read_line_by_line() -> None:
    # Were a blank line's end searched for from each of them, this would take hours.
    assert read(battery="\n" * 400_000 + "  level: 84\n") == {"battery_percent": 84}


def test_digits_without_end_are_no_reading() -> None:
    endless = "1" * 5000
    assert read(battery=f"level: {endless}", heat=f"Thermal Status: {endless}", data=endless) == {}


def test_the_script_runs_in_a_real_shell_that_lacks_most_of_a_phone(tmp_path: Path) -> None:
    readings = read_state(ShellDevice(tmp_path))
    assert {"load_1m", "memory_available_mib"} <= set(readings)
    assert not {"battery_percent", "thermal_status", "screen"} & set(readings)
