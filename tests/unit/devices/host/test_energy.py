"""The energy of packages, from folders that look like those of a machine with RAPL."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.commands.doctor import energy_findings
from bench.devices.host.energy import Counter, packages, read_energy, used_j
from tests.fakes.machines import plant

ZONES = "sys/class/powercap"


def zone(name: str, energy: str, folder: str, most: str = "262143328850") -> dict[str, str]:
    return {
        f"{ZONES}/{folder}/name": f"{name}\n",
        f"{ZONES}/{folder}/energy_uj": energy,
        f"{ZONES}/{folder}/max_energy_range_uj": most,
    }


def test_packages_count_and_their_cores_memory_and_platform_do_not(tmp_path: Path) -> None:
    root = plant(tmp_path, {
        **zone("package-0", "1000\n", "intel-rapl:0"), **zone("core", "9", "intel-rapl:0:0"),
        **zone("dram", "9", "intel-rapl:0:1"), **zone("package-1", "2000\n", "intel-rapl:1"),
        **zone("psys", "9", "intel-rapl:2"), **zone("package-0", "9", "intel-rapl-mmio:0"),
    })  # fmt: skip
    assert {name: it.energy_uj for name, it in read_energy(root).items()} == {
        "intel-rapl:0": 1000, "intel-rapl:1": 2000,
    }  # fmt: skip


@pytest.mark.parametrize("energy", ["", "-1", "much"])
def test_a_counter_that_may_not_be_read_makes_the_sum_unknown(tmp_path: Path, energy: str) -> None:
    root = plant(tmp_path, {
        **zone("package-0", "1000\n", "intel-rapl:0"), **zone("package-1", energy, "intel-rapl:1"),
    })  # fmt: skip
    assert (len(packages(root)), read_energy(root)) == (2, {})


def test_no_counter_is_no_energy(tmp_path: Path) -> None:
    assert (packages(tmp_path), read_energy(tmp_path), used_j({}, {}, 1.0)) == ([], {}, None)


RANGE = 10_000_000_000


@pytest.mark.parametrize(
    ("before", "after", "seconds", "used"),
    [
        ((1_000_000, 0), (3_500_000, 500_000), 1.0, 3.0),
        ((RANGE - 1_000_000, 5), (2_000_000, 5), 1.0, 3.0),
        ((1, 1), (1_000_001, 1), 10.1, None),
    ],
    ids=["grown", "began anew once", "may have begun anew twice"],
)
def test_energy_is_the_sum_of_what_the_packages_counters_grew(
    before: tuple[int, int], after: tuple[int, int], seconds: float, used: float | None
) -> None:
    first, last = (
        {str(n): Counter(energy, RANGE) for n, energy in enumerate(it)} for it in (before, after)
    )
    assert used_j(first, last, seconds) == used
    assert used_j(first, {"0": last["0"]}, seconds) is None


@pytest.mark.parametrize(
    ("energy", "state", "words"),
    [
        ("1000", "ok", "sessions store what the processor's packages used"),
        ("", "note", "1 package counter of RAPL can't be read: sessions store no energy"),
    ],
)
def test_doctor_says_in_one_sentence_whether_energy_is_read(
    energy: str, state: str, words: str, tmp_path: Path
) -> None:
    (one,) = energy_findings(plant(tmp_path, zone("package-0", energy, "intel-rapl:0")))
    assert (one.state, one.detail) == (state, words)
    assert energy_findings(tmp_path / "none") == []
