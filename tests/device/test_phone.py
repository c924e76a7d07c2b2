"""What the stand-in tells of itself, asked as a phone is asked."""

from __future__ import annotations

import os

import pytest

from tests.device.daemon import Device
from tests.device.peer import greeted, say, unframed
from tests.device.tools import REFUSED

CPU = "/sys/devices/system/cpu"


def told(device: Device, command: str) -> str:
    said = say(device.serial, command)
    assert said.stderr == b""
    return said.stdout.decode()


def test_getprop_tells_all_or_one_and_calls_itself_a_stand_in(device: Device) -> None:
    lines = told(device, "getprop").splitlines()
    assert "[ro.product.model]: [stand-in]" in lines
    assert "[ro.bench.standin]: [1]" in lines
    assert "[ro.product.cpu.abilist]: [arm64-v8a,armeabi-v7a,armeabi]" in lines
    assert told(device, "getprop ro.build.version.sdk") == "31\n"
    assert told(device, "getprop ro.none; getprop ro.none other") == "\nother\n"
    device.set_state(properties={"ro.product.model": "other", "ro.more": "a=b"})
    assert told(device, "getprop ro.product.model; getprop ro.more") == "other\na=b\n"


def test_clocks_are_those_of_three_clusters_and_can_be_capped_and_put_offline(
    device: Device,
) -> None:
    assert told(device, f"cat {CPU}/cpu[0-9]*/cpufreq/cpuinfo_max_freq").split() == [
        *["1785600"] * 4, *["2419200"] * 3, "2841600",
    ]  # fmt: skip
    device.set_state(max_khz={7: 1_800_000}, offline=frozenset({6}), governor="powersave")
    assert told(device, f"cat {CPU}/cpu7/cpufreq/cpuinfo_max_freq") == "2841600\n"
    assert told(device, f"cat {CPU}/cpu7/cpufreq/scaling_max_freq") == "1800000\n"
    assert told(device, f"cat {CPU}/cpu0/cpufreq/scaling_governor") == "powersave\n"
    assert told(device, f"cat {CPU}/online {CPU}/cpu6/online") == "0,1,2,3,4,5,7\n0\n"
    assert told(device, f"ls {CPU}/cpu6") == "online\n"
    device.set_state(offline=frozenset())
    assert told(device, f"cat {CPU}/cpu6/cpufreq/cpuinfo_max_freq") == "2419200\n"


def test_heat_shows_in_every_place_that_tells_it(device: Device) -> None:
    device.set_state(temperature_c=61.5, thermal_status=3, battery_temperature_c=41.2)
    zones = told(
        device, "cd /sys/class/thermal; for z in thermal_zone*; do cat $z/type $z/temp; done"
    )
    assert zones.startswith("cpu-0-0-usr\n61500\ncpu-1-0-usr\n62500\n")
    assert zones.endswith("battery\n41200\npm8150b_tz\n-273000\n")
    thermal = told(device, "dumpsys thermalservice")
    assert "\nThermal Status: 3\n" in thermal
    assert "mValue=61.5, mType=0, mName=CPU0" in thermal
    assert "\n  temperature: 412\n" in told(device, "dumpsys battery")


@pytest.mark.parametrize("power", ["usb", "ac", "wireless", "battery"])
def test_the_battery_tells_its_level_and_where_power_comes_from(device: Device, power: str) -> None:
    device.set_state(power=power, battery_percent=12)
    battery = told(device, "dumpsys battery").lower()
    assert "\n  level: 12\n" in battery
    sources = [line.split()[0] for line in battery.splitlines() if "powered: true" in line]
    assert sources == ([] if power == "battery" else [power])


def test_screen_load_memory_and_space_are_told(device: Device) -> None:
    device.set_state(screen="on", load_1m=3.25, memory_available_mib=100, free_mib=7)
    assert "mWakefulness=Awake" in told(device, "dumpsys power")
    assert "mScreenState=ON" in told(device, "dumpsys display")
    assert told(device, "cat /proc/loadavg").startswith("3.25 ")
    assert "MemAvailable:    102400 kB" in told(device, "cat /proc/meminfo")
    assert told(device, "df -k /data").splitlines()[1].split()[3] == "7168"
    device.set_state(screen="off")
    assert "mWakefulness=Asleep" in told(device, "dumpsys power")


def test_settings_toybox_and_unknown_services_answer_as_a_phone_does(device: Device) -> None:
    assert told(device, "settings get global airplane_mode_on") == "0\n"
    assert told(device, "settings get global none") == "null\n"
    assert told(device, "toybox printf '%s' 'a  b'") == "a  b"
    assert say(device.serial, "dumpsys none").stderr == b"Can't find service: none\n"


@pytest.mark.parametrize("tool", REFUSED)
def test_no_tool_reaches_this_machines_own_processes(device: Device, tool: str) -> None:
    said = say(device.serial, f"{tool} -f no-such-process")
    assert (said.status, said.stderr) == (127, f"{tool}: not on the stand-in\n".encode())


def test_places_are_mapped_as_whole_paths_only(device: Device) -> None:
    root = str(device.folder)
    line = "echo /data/local/tmp '/data/local/tmp/a b' A=/data/local/tmp:/proc/loadavg"
    assert told(device, line) == (
        f"{root}/data/local/tmp {root}/data/local/tmp/a b "
        f"A={root}/data/local/tmp:{root}/proc/loadavg\n"
    )
    kept = f"{root}/data/local/tmp/x /data/local/tmp2 /x/data/local/tmp /proc/loadavg.d"
    assert told(device, f"echo {kept}") == f"{kept}\n"


def test_a_command_starts_in_the_root_and_inherits_nothing_but_the_path(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_PERSONS_OWN", "secret")
    names = {line.split("=")[0] for line in told(device, "pwd; env").splitlines()[1:]}
    assert names == {"HOME", "PATH", "PWD", "STANDIN", "TMPDIR"}
    assert told(device, "pwd") == f"{device.folder}\n"
    assert os.environ["A_PERSONS_OWN"] == "secret"


def test_a_shell_without_a_command_reads_its_commands(device: Device) -> None:
    with greeted(device.serial) as peer:
        stream = peer.open("shell,v2,raw:")
        stream.write(b"\x00\x08\x00\x00\x00echo on\n\x00\x07\x00\x00\x00exit 4\n")
        said = unframed(stream.all())
    assert (said.stdout, said.status) == (b"on\n", 4)
