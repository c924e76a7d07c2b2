from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.process import call, contents
from tests.fakes import tables as fakes


def cell_file(results: Path) -> Path:
    return sorted(results.glob("runs/*/*/cells/*.json"))[0]


def truncate(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-40])
    return path


def replace_by_another_kind(path: Path) -> Path:
    path.write_text('{"name": "something", "version": "1.0.0"}')
    return path


def raise_version(path: Path) -> Path:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    return path


def give_to_another_cell(path: Path) -> Path:
    return path.rename(path.with_name("x" + path.name))


def make_negative(path: Path) -> Path:
    path.write_text(path.read_text().replace('"load_ns": 90000000', '"load_ns": -1'))
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


Damage = Callable[[Path], Path]
BROKEN: dict[str, tuple[Damage, str]] = {
    "truncated": (truncate, "not whole JSON"),
    "empty": (empty, "not whole JSON"),
    "foreign": (replace_by_another_kind, "unknown field 'name'"),
    "of another version": (raise_version, "schema version 2, this harness reads 1"),
    "of another cell": (give_to_another_cell, "its name isn't its cell's id"),
    "with a negative duration": (make_negative, "field 'sessions.0.load_ns'"),
}


VERBS = ("report", "models", "plan", "audit", "verify")


def left_out(verb: str, results: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """The verb's status, and the lines that name what it left out."""
    status = main([verb, "--results", str(results), "--models", str(fakes.MODELS)])
    err = capsys.readouterr().err.splitlines()
    return status, [line for line in err if line.startswith("bench: left out: ")]


@pytest.mark.parametrize(("damage", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_cell_that_can_not_be_read_is_left_out_by_name_and_the_others_are_shown(
    damage: Damage, problem: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damage(cell_file(results))
    before = path.read_bytes()
    for verb in VERBS:
        status, (line,) = left_out(verb, results, capsys)
        assert status == 1
        assert line.startswith(f"bench: left out: {path}: ")
        assert problem in line
        assert "measure the cell again: `python -m bench run --resume 20240501" in line
    assert path.read_bytes() == before
    assert ",mine," in (results / "report/latency.csv").read_text()


def test_a_truncated_cell_is_named_in_a_process_too(results: Path) -> None:
    path = truncate(cell_file(results))
    done = call("--results", results, module="bench.report")
    assert (done.returncode, str(path) in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["run.json", "amd-epyc-2c-0123abcd.json"])
@pytest.mark.parametrize("damage", [truncate, replace_by_another_kind, raise_version])
def test_a_run_without_its_manifest_or_system_is_left_out_by_name(
    name: str, damage: Damage, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = results.rglob(name)
    damage(path)
    status, (line,) = left_out("report", results, capsys)
    assert (status, line.startswith(f"bench: left out: {path}: ")) == (1, True)


def test_a_run_s_folder_without_a_manifest_is_named(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = results.rglob("run.json")
    path.unlink()
    status, (line,) = left_out("report", results, capsys)
    assert status == 1
    assert line.startswith(f"bench: left out: {path.parent}: it has no run.json: ")


def test_cells_that_can_not_be_listed_are_named(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (cells,) = results.rglob("cells")
    real = Path.iterdir

    def refuse(path: Path) -> object:
        if path == cells:  # as for one whose mode is 0; root may read that all the same
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    status, (line,) = left_out("report", results, capsys)
    assert status == 1
    assert line.startswith(f"bench: left out: {cells}: Permission denied: ")


def test_a_result_file_that_was_moved_away_no_longer_stops_the_report(results: Path) -> None:
    truncate(cell_file(results)).unlink()
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS)]) == 0


def test_a_report_needs_a_results_folder(tmp_path: Path, refused: Callable[..., str]) -> None:
    line = refused("report", "--results", tmp_path / "results")
    assert f"there is no results folder {tmp_path / 'results'}: run `make bench` first" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "run", "run --resume latest", "report", "plan", "models", "audit", "verify", "history x",
        "compare a b", "baseline show", "baseline set latest", "recommend --max-ms 5",
        "ab --resume latest", "selftest --from latest", "accuracy --resume latest --data .",
    ],
)  # fmt: skip
def test_a_results_path_that_is_a_file_is_refused_and_the_file_stays(
    words: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    file = tmp_path / "results"
    file.write_text("a person's own")
    line = refused(*words.split(), "--results", file)
    assert line == f"bench: {file} is a file: name a folder with --results DIR"
    assert contents(tmp_path) == {"results": b"a person's own"}
