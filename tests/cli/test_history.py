"""`bench history CELL`: a table, a plot, and names that are no cell's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.fakes.records import failed, put, record, stored, system

CELL = record("mine").cell_id
History = Callable[..., tuple[int, str]]


def put_run(results: Path, day: int, value_ms: float, **more: str) -> None:
    run_id = f"202405{day:02d}T120000Z-0badc0de-00000001"
    one = record("mine", samples_ms=[[value_ms], [1.001 * value_ms]])
    four = record("mine", batch=4, samples_ms=[[8.0], [8.1]])
    when = f"2024-05-{day:02d}T12:00:00+00:00"
    on = system(system_id=more.pop("on", "box-1"))
    put(stored(one, four, on=on, run_id=run_id, started=when, **more), results)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for day in range(1, 8):
        put_run(folder, day, 2.0 + 0.001 * (day % 3) if day < 5 else 2.4)
    return folder


@pytest.fixture
def history(results: Path, capsys: pytest.CaptureFixture[str]) -> History:
    def called(*argv: str) -> tuple[int, str]:
        status = main(["history", *argv, "--results", str(results)])
        said = capsys.readouterr()
        return status, said.out or said.err

    return called


def test_a_cell_is_shown_over_its_runs_with_the_change_of_level_and_a_plot(
    history: History, results: Path
) -> None:
    status, text = history(CELL)
    stem = results / f"history/history-{CELL}-box-1-standard"
    assert status == 0
    assert text.count("paddle 3.2.0, commit 0badc0de") == 7
    assert "== the level changes by +19.9%" in text
    assert text.endswith(f"wrote {stem}.svg\nwrote {stem}.png\nwrote {stem}.csv\n")
    assert Path(f"{stem}.svg").read_bytes().startswith(b"<?xml")
    assert Path(f"{stem}.png").read_bytes().startswith(b"\x89PNG")


def test_the_beginning_of_one_cells_id_will_do(history: History) -> None:
    status, text = history("mine-paddle-fp32-b1-t1", "--json")
    (found,) = json.loads(text)["histories"]
    assert status == 0
    assert found["cell_id"] == CELL
    assert found["change_points"] == [4]


def test_the_beginning_of_several_is_refused_with_the_candidates(history: History) -> None:
    status, text = history("mine-paddle")
    assert status == 2
    assert "2 cells begin with 'mine-paddle'" in text
    assert CELL in text
    assert text.count("\n") == 1


def test_a_name_that_is_no_cells_is_refused(history: History) -> None:
    status, text = history("your-paddle")
    assert status == 2
    assert "there is no cell 'your-paddle'" in text


@pytest.mark.parametrize("argv", [[], ["a", "b"]])
def test_history_takes_one_cell(history: History, argv: list[str]) -> None:
    status, text = history(*argv)
    assert status == 2
    assert f"history takes one cell, and {len(argv)} are given" in text


def test_each_system_has_a_plot_of_its_own(history: History, results: Path) -> None:
    put_run(results, 9, 3.0, on="box-2")
    assert history(CELL)[0] == 0
    names = sorted(path.name for path in (results / "history").glob("*.png"))
    assert names == [f"history-{CELL}-box-{n}-standard.png" for n in (1, 2)]


def test_a_self_test_is_left_out(history: History, results: Path) -> None:
    put_run(results, 9, 9.0, suite="selftest")
    (found,) = json.loads(history(CELL, "--json")[1])["histories"]
    assert len(found["points"]) == 7


def test_a_cell_that_always_failed_has_no_history(history: History, results: Path) -> None:
    lost = record("lost", outcome=failed())
    put(stored(lost, run_id="20240509T120000Z-0badc0de-00000001"), results)
    status, text = history("lost")
    assert status == 2
    assert f"no run has a figure of {lost.cell_id}" in text
