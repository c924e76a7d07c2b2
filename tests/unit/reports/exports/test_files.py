from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.reports.exports import EXPORTS
from tests.fakes.records import failed, put, record, stored
from tests.unit.reports.exports.conftest import BASE, HEAD, Export

FILES = [name for name, form in EXPORTS.items() if form.is_file]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_whole_or_absent_and_never_replaced_unasked(
    name: str, export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert export("--to", name, "--run", BASE, out) == 0
    first = out.read_bytes()
    assert len(first) > 100
    assert export("--to", name, "--run", HEAD, out) == 2
    assert "is there already: name another, or replace it with --force" in capsys.readouterr().err
    assert out.read_bytes() == first
    assert export("--to", name, "--run", HEAD, "--force", out) == 0
    assert out.read_bytes() != first
    assert {path.name for path in tmp_path.iterdir()} == {"out", "results"}


@pytest.mark.parametrize("name", FILES)
def test_what_fails_in_the_middle_leaves_nothing(
    name: str, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.reports.exports.os.fsync", full)
    assert export("--to", name, tmp_path / "out") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_a_link_is_replaced_and_not_followed(export: Export, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "out").symlink_to(tmp_path / "mine")
    assert export("--to", "csv", tmp_path / "out") == 2
    assert export("--to", "csv", "--force", tmp_path / "out") == 0
    assert (tmp_path / "mine").read_text() == "precious"
    assert not (tmp_path / "out").is_symlink()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/full")


@pytest.mark.parametrize("make", [pipe, link_to_a_device])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_never_replaced(
    make: Callable[[Path], None], name: str, export: Export, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    make(tmp_path / "out")
    before = (tmp_path / "out").lstat()
    assert export("--to", name, "--force", tmp_path / "out") == 2
    assert "is no regular file: name a file" in capsys.readouterr().err
    assert (tmp_path / "out").lstat() == before


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["out"], "export needs a format"),
        (["--to", "cvs", "out"], "there is no --to 'cvs': did you mean 'csv'?"),
        (
            ["--to", "csv"],
            "--to csv writes a file, and none is named: as in `python -m bench export",
        ),
        (["--to", "pyperf"], "`python -m bench export --to pyperf results.json`"),
        (["--to", "csv", "a", "b"], "export writes one OUT, and 2 are named: as in"),
        (["--to", "mlflow", "a", "b"], "2 are named: name one, or none for MLFLOW_TRACKING_URI"),
        (["--to", "csv", "--level", "cells", "out"], "there is no --level 'cells'"),
        (["--to", "pyperf", "--level", "cell", "out"], "--level is for csv and parquet"),
        (["--to", "csv", "--run", "nine", "out"], "there is no run 'nine'"),
        (["--to", "csv", "."], "is a folder: name a file"),
        (["--to", "csv", "no/folder/out"], "can't be written: No such file or directory"),
    ],
)
def test_a_mistake_gets_one_sentence(
    argv: list[str], says: str, export: Export, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert export(*argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize("name", [name for name, form in EXPORTS.items() if form.figures])
def test_a_format_of_figures_has_those_of_one_run_and_names_what_it_leaves_out(
    name: str, export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("--to", name, "--json", "--run", BASE, tmp_path / "out") == 0
    out, err = capsys.readouterr()
    about = json.loads(out)
    assert about["cells"] == 2
    assert {cell.split("-")[0] for cell in about["left_out"]} == {"x1_0", "swish", "x0_5"}
    assert "failed (crash)" in err
    assert "is of a long session, which has no latency" in err
    text = (tmp_path / "out").read_text()
    assert "x1_0" not in text
    assert "swish" not in text
    assert "NaN" not in text
    assert "emulated" in text
    assert export("--to", name, tmp_path / "newest") == 0
    assert HEAD in (tmp_path / "newest").read_text()
    said = f"newest: 1 cell of run {HEAD}, the newest; --run names another\n"
    assert capsys.readouterr().out.endswith(said)
    assert export("--to", name, "--run", HEAD, tmp_path / "named") == 0
    assert capsys.readouterr().out.endswith(f"named: 1 cell of run {HEAD}\n")


def test_a_run_without_a_figure_makes_no_file_of_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record(outcome=failed())), tmp_path / "results")
    where = ["--results", str(tmp_path / "results")]
    assert main(["export", "--to", "pyperf", str(tmp_path / "out"), *where]) == 2
    assert "no cell has a figure to export" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_a_run_there_is_nothing_to_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--to", "csv", str(tmp_path / "out"), "--results", str(tmp_path)]) == 2
    assert "there is no run yet" in capsys.readouterr().err


def test_a_record_that_cannot_be_read_is_named_and_the_rest_exported(
    export: Export, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = results.glob(f"runs/*/{HEAD}/cells/*.json")
    cell.write_text("{")
    assert export("--to", "csv", tmp_path / "out") == 1
    assert cell.name in capsys.readouterr().err
    assert (tmp_path / "out").read_text().count("\n") == 6
