"""The machine's state, from trees that look like the machines of the world."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.devices.host.state import SENSORS, read_state
from tests.fakes.machines import CGROUP, arm_board, plant, x86_guest


def test_a_guest_tells_load_memory_clock_and_steal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_CLK_TCK": 100}.get)
    assert read_state(x86_guest(tmp_path)) == {
        "load_1m": 1.25, "memory_available_mib": 8192, "frequency_mhz": 2150, "steal_ms": 580,
        "context_switches": 4711,
    }  # fmt: skip


def test_a_board_tells_governors_clock_heat_and_throttling(tmp_path: Path) -> None:
    assert read_state(arm_board(tmp_path)) == {
        "governor": "performance,schedutil", "frequency_mhz": 1400, "temperature_c": 53.75,
        "throttle_count": 18,
    }  # fmt: skip


def test_an_old_kernel_without_steal_gives_no_steal(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/stat": "cpu  10 20 30 40\nctxt 7\n"})
    assert read_state(root) == {"context_switches": 7}


def test_nothing_to_read_gives_no_key(tmp_path: Path) -> None:
    assert read_state(tmp_path) == {}


def test_no_two_sensors_tell_the_same(tmp_path: Path) -> None:
    told = [name for sensor in SENSORS.values() for name in sensor(tmp_path)]
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("files", "count", "ms"),
    [
        (
            {CGROUP: "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.stat": "usage_usec 9\nnr_throttled 4\n"},
            4,
            0,
        ),
        (
            {
                CGROUP: "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.stat": "nr_throttled 4\nthrottled_usec 8000\n",
                "sys/fs/cgroup/a/cpu.stat": "nr_periods 90\nnr_throttled 30\n",
                "sys/fs/cgroup/cpu.stat": "usage_usec 9\n",
            },
            34,
            8,
        ),
        (
            {
                CGROUP: "4:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.stat": "nr_throttled 3\nthrottled_time 12345678\n",
            },
            3,
            12,
        ),
        ({CGROUP: "0::/../x\n", "sys/fs/cgroup/cpu.stat": "nr_throttled 0\n"}, 0, 0),
        ({CGROUP: "0::/a\n", "sys/fs/cgroup/a/cpu.stat": "usage_usec 9\n"}, 0, 0),
        ({CGROUP: "0::/a\n"}, None, None),
        ({"sys/fs/cgroup/cpu.stat": "nr_throttled 5\n"}, None, None),
    ],
)
def test_what_a_quota_held_back_is_counted_in_the_groups_that_bind_us(
    tmp_path: Path, files: dict[str, str], count: int | None, ms: int | None
) -> None:
    told = read_state(plant(tmp_path, files))
    assert (told.get("cgroup_throttled"), told.get("cgroup_throttled_ms")) == (count, ms)


PRESSURE = "some avg10=12.65 avg60=28.25 avg300=60.38 total=3437464\nfull avg10=0.00 total=9\n"


def test_how_long_some_process_waited_for_a_cpu_is_told(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/pressure/cpu": PRESSURE})
    assert read_state(root) == {"cpu_pressure_ms": 3437}
