"""`bench accuracy` cut off and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.commands import accuracy
from bench.cli.main import parse
from bench.core.errors import BenchError
from tests.cli.accuracies import NAMES, Bench, Counted, run
from tests.fakes.seeing import paint, paint_folders, seeing_tables


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A picture of each of ten classes."""
    return paint_folders(tmp_path / "data", NAMES, each=1)


def test_an_interrupted_run_goes_on_where_it_was_and_ends_alike(
    bench: Bench, tmp_path: Path
) -> None:
    data = paint_folders(tmp_path / "many", NAMES, each=15)
    whole = bench.values("--data", str(data))
    first, rest = Counted(after=1), Counted()
    assert run(bench, first, "--data", str(data)) == 130
    said = bench.capsys.readouterr().err
    (folder,) = [it for it in bench.folders() if it.manifest().status == "interrupted"]
    again = f"python -m bench accuracy --resume {folder.path.name} --data {data}"
    assert f"resume with:\n  {again}" in said
    assert len([it for it in folder.journal() if it.chunk]) == 1
    assert run(bench, rest, "--data", str(data), "--resume", folder.path.name, "--json") == 0
    assert (first.files, rest.files) == ([64], [64, 22])
    out, said = bench.capsys.readouterr()
    assert "[2/2] x0_25: images 129 to 150 of 150; 0 s left" in said
    assert json.loads(out) == {**whole, "run": folder.path.name}
    assert folder.manifest().status == "complete"
    chunks = [it.chunk for it in folder.journal() if it.chunk]
    assert [at for chunk in chunks for at in chunk.images] == list(range(150))


def test_files_hold_whole_batches(bench: Bench, tmp_path: Path) -> None:
    data, opener = paint_folders(tmp_path / "many", NAMES, each=10), Counted()
    assert run(bench, opener, "--data", str(data), "--batch", "40") == 0
    assert opener.files == [80, 20]


def interrupted(bench: Bench, data: Path) -> str:
    assert run(bench, Counted(after=0), "--data", str(data)) == 130
    bench.capsys.readouterr()
    return bench.folders()[-1].path.name


def test_a_run_is_not_gone_on_with_over_other_images_or_another_net(
    bench: Bench, data: Path, tmp_path: Path
) -> None:
    name = interrupted(bench, data)
    flags = ("--data", str(data), "--resume", name)
    weights = bench.refusal(*flags, "--weights", "pretrained")
    assert f"the net x0_25 isn't what accuracy run {name} began with" in weights
    paint(data / NAMES[3] / "more.png", seed=99)
    assert "the data set isn't what accuracy run" in bench.refusal(*flags)


def test_a_complete_run_is_not_gone_on_with(bench: Bench, data: Path) -> None:
    run_id = bench.values("--data", str(data))["run"]
    assert f"accuracy run {run_id} is complete" in bench.refusal(
        "--data", str(data), "--resume", "latest"
    )


def test_a_failure_stands_when_its_run_goes_on(bench: Bench, tmp_path: Path) -> None:
    data = paint_folders(tmp_path / "many", NAMES, each=7)
    tables = seeing_tables(paddle="Sees", dies="Dies")
    argv = bench.argv("--data", str(data), "--runner", "paddle,dies")
    options = parse(argv)[1]
    assert accuracy.run(options, tables, opener=Counted(after=2)) == 130
    bench.capsys.readouterr()
    status, out, _ = bench.call("--data", str(data), "--resume", "latest", "--json", tables=tables)
    assert status == 1
    first, second = json.loads(out)["results"]
    assert (first["top1"]["of"], second["outcome"]) == (70, "failed")
    opened = [it.runner for it in bench.folders()[-1].journal() if it.opened]
    assert opened == ["paddle", "dies", "paddle"]


@pytest.mark.parametrize(
    "event", [RuntimeError("a fault"), BenchError("the place is gone", hint="bring it back")]
)
def test_whatever_ends_a_run_leaves_one_that_is_interrupted(
    event: Exception, bench: Bench, data: Path
) -> None:
    with pytest.raises(type(event)) as raised:
        run(bench, Counted(after=0, event=event), "--data", str(data))
    (folder,) = bench.folders()
    assert folder.manifest().status == "interrupted"
    command = f"python -m bench accuracy --resume {folder.path.name} --data {data}"
    assert command in f"{bench.capsys.readouterr().err}{raised.value}"
    assert run(bench, Counted(), "--data", str(data), "--resume", "latest") == 0
    assert folder.manifest().status == "complete"
