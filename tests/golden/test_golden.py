from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.renew import EXPECTED
from tests.golden.sample import build, pages

FILES = ("report.md", "latency.csv", "costs.csv", "sustained.csv")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("golden")
    build(folder)
    return {name: data.decode() for name, data in pages(folder).items()}


def test_the_golden_folder_holds_each_page_that_is_written(written: dict[str, str]) -> None:
    assert {path.name for path in EXPECTED.iterdir()} == set(written) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_page_is_the_expected_one_to_the_byte(name: str, written: dict[str, str]) -> None:
    # Where a change is meant: `python -m tests.golden.renew`, and read the diff.
    assert written[name] == (EXPECTED / name).read_bytes().decode()


def test_no_heading_names_hardware_that_measured_nothing(written: dict[str, str]) -> None:
    headings = [line for line in written["report.md"].splitlines() if line.startswith("#")]
    assert len(headings) == 12
    assert not [line for line in headings if "V100" in line or "Snapdragon" in line]


def test_a_head_says_published_over_each_published_figure(written: dict[str, str]) -> None:
    heads = [line for line in written["report.md"].splitlines() if line.startswith("| Models")]
    hardware = [
        head for line in heads for head in line.split(" | ") if "V100" in head or "855" in head
    ]
    assert len(hardware) == 5
    assert all(head.startswith("published, ") for head in hardware)


def test_the_emulated_system_is_called_emulated_wherever_its_name_stands(
    written: dict[str, str],
) -> None:
    lines = [line for line in written["report.md"].splitlines() if "Cortex-A76" in line]
    assert lines
    assert all("emulated" in line for line in lines)


def test_the_page_is_the_same_wherever_the_results_lie(
    written: dict[str, str], tmp_path: Path
) -> None:
    build(tmp_path / "elsewhere")
    assert {n: d.decode() for n, d in pages(tmp_path / "elsewhere").items()} == written
