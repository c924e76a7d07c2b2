from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.process import call, contents
from tests.fakes import tables as fakes
from tests.fakes.records import failed, of_sessions, put, record, session, stored, system

FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
SPREAD = [[2.0, 2.0, 2.1, 2.4], [2.0, 2.1, 2.1, 30.0]]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    cells = (
        record(samples_ms=SPREAD),
        record(samples_ms=[[4.0], [4.1]], runner="mnn", settings={}, engine="MNN 3.6"),
    )
    put(stored(*cells, run_id=FIRST), folder)
    put(stored(record("x0_5"), record("x0_5", batch=4, outcome=failed()), run_id=SECOND), folder)
    return folder


def shown(results: Path, *words: str) -> int:
    where = ["--results", str(results), "--models", str(fakes.MODELS)]
    return main(["show", *words, *where], fakes.tables())


def test_without_words_the_newest_run_is_shown_with_what_failed(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(results)
    assert shown(results) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"run {SECOND}, complete, started ")
    assert "ShuffleNetV2_x0_5   2.05 ± 0.64 (2) D" in out
    assert "x0_5-paddle-fp32-b4-t1-" in out
    assert "failed (crash): the child died of SIGSEGV" in out
    assert err == ""
    assert contents(results) == before


@pytest.mark.parametrize("name", [FIRST, FIRST[:9], "20240501T120000Z-0b"])
def test_a_run_may_be_named_by_its_beginning_and_has_its_engines_side_by_side(
    name: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(results, name) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"run {FIRST}, ")
    (row,) = [line for line in out.splitlines() if "ShuffleNetV2_x0_25" in line]
    assert row.split("  ")[-1].strip() == "4.05 ± 0.64 (2) D"
    assert "2.08 ± 0.32 (2) D" in row


@pytest.mark.parametrize(
    "words",
    [
        ["x0_25-paddle"],
        ["x0_25", "paddle", "b1", "t1"],
        ["x0_25 paddle b1 t1"],
        ["x0_25 paddle batch 1, 1 thread onednn=on"],
        ["paddle", "x0_25", "fp32"],
    ],
)
def test_a_cell_has_its_figure_samples_sessions_grade_versions_and_command(
    words: list[str], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(results, *words) == 0
    out, err = capsys.readouterr()
    lines = [line.strip() for line in out.splitlines()]
    assert err == ""
    assert lines[0] == "x0_25 paddle batch 1, 1 thread onednn=on"
    assert any(line.startswith("latency  2.08 ± 0.32 ms") for line in lines)
    assert "grade    D" in lines
    assert any(line.startswith("D interval: half-width ") for line in lines)
    assert "samples, ms: 8 in 2 sessions" in lines
    assert [line[-1] for line in lines if "█" in line] == ["3", "3", "1"]
    assert "1 more, up to 30.00 ms" in lines
    assert any(line.startswith("versions: engine paddle 3.2.0") for line in lines)
    assert f"run: {FIRST}, complete, started " in out
    assert lines[lines.index("command:") + 1].startswith("python -m bench run")
    assert "the same work, side by side" in lines
    assert any(line.startswith("x0_25 mnn b1 t1") for line in lines)


def test_several_cells_are_a_table_a_row_each_with_the_system_where_there_are_two(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record(), on=system("Another machine", system_id="another")), results)
    assert shown(results, "x0_25") == 0
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if line.startswith("  x0_25 ")]
    assert len(rows) == 3
    assert sum("Another machine" in row for row in rows) == 1
    assert sum("AMD EPYC, 2 cores" in row for row in rows) == 2
    assert "name its whole id or label" in out


def test_a_cell_of_two_systems_is_shown_on_both(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record(), on=system("Another machine", system_id="another")), results)
    assert shown(results, "x0_25", "paddle") == 0
    out = capsys.readouterr().out
    assert out.count("x0_25 paddle batch 1, 1 thread onednn=on\n") == 2
    assert out.count("side by side") == 1


def test_a_cell_that_failed_says_why_and_has_no_figure(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(results, "x0_5", "b4") == 0
    out = capsys.readouterr().out
    assert "failed (crash): the child died of SIGSEGV: see log_tail" in out
    assert "the engine's last words" in out
    assert "latency" not in out


def test_a_net_that_has_changed_since_is_still_shown_by_its_id(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record("x0_5", model_hash="f" * 16), run_id=f"{SECOND[:-1]}3"), results)
    old = record("x0_5").cell_id
    assert shown(results, old) == 0
    assert f"cell: {old}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["x0_52"], "did you mean 'x0_5'"),
        (["20240501T120001"], f"did you mean '{FIRST}'"),
        (["x0_25", "padle", "b1", "t1"], "did you mean 'x0_25 paddle b1 t1'"),
    ],
)
def test_an_unknown_word_is_one_sentence_with_the_nearest_names(
    words: list[str], near: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(results, *words) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith(f"bench: there is no run or cell '{' '.join(words)}': {near}")
    assert out == ""


def test_where_nothing_is_stored_the_command_that_measures_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(tmp_path / "nowhere") == 2
    assert "there is no results folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert shown(tmp_path / "empty") == 2
    said = capsys.readouterr().err
    assert said == "bench: there is no run yet: measure one: `python -m bench run`\n"


def test_as_json_a_run_has_its_rows_and_a_cell_what_lies_behind_it(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(results, "--json") == 0
    run = json.loads(capsys.readouterr().out)
    assert (run["run"], len(run["cells"]), run["sustained"]) == (SECOND, 2, [])
    assert shown(results, "x0_25", "--json") == 0
    both = json.loads(capsys.readouterr().out)["cells"]
    assert [row["runner"] for row in both] == ["mnn", "paddle"]
    assert "grades" not in both[0]
    assert shown(results, "x0_25", "paddle", "--json") == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert cell["latency_ns"] == 2_075_000
    assert cell["grade"] == cell["grades"][0][0] == "D"
    assert sum(cell["histogram"]["counts"]) + cell["histogram"]["beyond"] == 8
    assert cell["command"][:3] == ["python", "-m", "bench"]


def test_signs_that_an_encoding_lacks_are_plain_ones(results: Path) -> None:
    done = call(
        "show", "x0_25", "paddle", "--results", results, "--models", fakes.MODELS,
        env={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "2.08 +/- 0.32 ms" in done.stdout
    assert "####" in done.stdout
    assert "?" not in done.stdout


def test_what_was_effective_is_said_in_words_and_an_unread_count_of_threads_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {"engine": "MNN 3.6", "threads": "0", "threads_worked": "1"}
    sessions = [session((2.0, 2.1), facts={**facts, "cores_worked": it}) for it in "10"]
    put(stored(of_sessions(*sessions, runner="mnn", settings={})), tmp_path / "results")
    assert shown(tmp_path / "results", "x0_25") == 0
    (line,) = [it for it in capsys.readouterr().out.splitlines() if it.startswith("effective: ")]
    assert line.endswith("threads that worked 1 (on core 1 or 0)")
    assert "threads 0" not in line
