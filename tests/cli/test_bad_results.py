from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.process import call, complaint, contents
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
    "foreign": (replace_by_another_kind, "field 'cell_id' is missing"),
    "of another version": (raise_version, "schema version 2, this harness reads 1"),
    "of another cell": (give_to_another_cell, "its name isn't its cell's id"),
    "with a negative duration": (make_negative, "field 'sessions.0.load_ns'"),
}


@pytest.mark.parametrize(("damage", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_result_file_that_can_not_be_trusted_is_named_and_left_alone(
    damage: Damage, told: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damage(cell_file(results))
    before = contents(results)
    for verb in ("report", "models", "plan"):
        assert main([verb, "--results", str(results), "--models", str(fakes.MODELS)]) == 2
        out, err = capsys.readouterr()
        (line,) = err.splitlines()
        assert out == ""
        assert line.startswith(f"bench: {path}: ")
        assert told in line
        assert "move it away and run `python -m bench run --resume 20240501" in line
    assert contents(results) == before


def test_a_truncated_result_file_is_refused_in_a_process_too(results: Path) -> None:
    path = truncate(cell_file(results))
    assert str(path) in complaint(call("--results", results, module="bench.report"))


@pytest.mark.parametrize("name", ["run.json", "amd-epyc-2c-0123abcd.json"])
@pytest.mark.parametrize("damage", [truncate, replace_by_another_kind, raise_version])
def test_a_broken_manifest_or_system_is_named_too(
    name: str, damage: Damage, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = results.rglob(name)
    damage(path)
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {path}: ")


def test_a_result_file_that_was_moved_away_no_longer_stops_the_report(results: Path) -> None:
    truncate(cell_file(results)).unlink()
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS)]) == 0


def test_a_report_needs_a_results_folder(tmp_path: Path, refused: Callable[..., str]) -> None:
    line = refused("report", "--results", tmp_path / "results")
    assert f"there is no results folder {tmp_path / 'results'}: run `make bench` first" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "report"])
def test_a_results_path_that_is_a_file_is_refused_and_the_file_stays(
    verb: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    file = tmp_path / "results"
    file.write_text("a person's own")
    assert str(file) in refused(verb, "--results", file)
    assert contents(tmp_path) == {"results": b"a person's own"}
