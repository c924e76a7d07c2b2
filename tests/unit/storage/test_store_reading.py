from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import BrokenResult
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import Record
from bench.storage.schema.layers import EngineLayers, Layer
from bench.storage.store import Store
from tests.fakes.values import CELL, record


def write_cell(run: RunFolder, change: Callable[[dict[str, Any]], object]) -> Path:
    """Store a record, then change its JSON behind the store's back."""
    run.write_record(record())
    path = run.path / "cells" / f"{CELL.id}.json"
    value = json.loads(path.read_text())
    value.pop("digest", None)
    change(value)
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not whole JSON"),
        ('{"schema_version": 1, "cel', "not whole JSON"),
        ("<html>", "not whole JSON"),
        ("[1, 2]", "object"),
        ('{"schema_version": 1}', "is missing"),
        ('{"name": "package.json"}', "unknown field 'name'"),
        ('{"schema_version": 2}', "schema version 2, this harness reads 1"),
        ('{"schema_version": "1.0", "cell_id": ""}', "schema version '1.0'"),
    ],
)
def test_a_file_that_is_no_record_is_named_with_what_is_wrong_and_the_remedy(
    text: str, problem: str, run: RunFolder
) -> None:
    path = run.path / "cells" / f"{CELL.id}.json"
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(BrokenResult) as raised:
        list(run.records())

    assert raised.value.path == path
    assert raised.value.problem.startswith(f"{path}: ")
    assert problem in raised.value.problem
    assert f"--resume {run.path.name}" in raised.value.hint


def test_a_file_with_bytes_that_are_no_text_is_broken(run: RunFolder) -> None:
    path = run.path / "cells" / f"{CELL.id}.json"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BrokenResult, match="not whole JSON"):
        list(run.records())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda it: it.update(median_ns=3), "unknown field 'median_ns'"),
        (lambda it: it["sessions"][0].pop("pid"), "field 'sessions.0.pid' is missing"),
        (lambda it: it["sessions"][0].update(samples_ns=[-1]), "field 'sessions.0.samples_ns.0'"),
        (lambda it: it["sessions"][0].update(samples_ns=[2, 0]), "field 'sessions.0.samples_ns.1'"),
        (lambda it: it.update(sessions=[]), "a measured cell has no session"),
        (lambda it: it.update(unit="ms"), "field 'unit'"),
        (lambda it: it["outcome"].update(kind="fine"), "field 'outcome'"),
        (lambda it: it.update(cell_id="another"), "its name isn't its cell's id"),
        (lambda it: it["cell"].update(batch=9), "its name isn't its cell's id"),
    ],
)
def test_a_record_that_was_meddled_with_is_named_with_what_is_wrong(
    change: Callable[[dict[str, Any]], object], problem: str, run: RunFolder
) -> None:
    path = write_cell(run, change)
    with pytest.raises(BrokenResult) as raised:
        list(run.records())
    assert raised.value.path == path
    assert problem in raised.value.problem


def test_a_record_under_another_name_is_broken(run: RunFolder) -> None:
    run.write_record(record())
    path = run.path / "cells" / f"{CELL.id}.json"
    copy = path.rename(path.with_name("copy.json"))
    with pytest.raises(BrokenResult, match="its name isn't its cell's id") as raised:
        list(run.records())
    assert raised.value.path == copy


def test_a_broken_manifest_is_named(run: RunFolder) -> None:
    run.manifest_path.write_text("{}")
    with pytest.raises(BrokenResult, match=r"run\.json: .*is missing") as raised:
        run.manifest()
    assert raised.value.path == run.manifest_path
    assert "restore it" in raised.value.hint


def test_a_system_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BrokenResult, match=r"box-2\.json: No such file") as raised:
        Store(tmp_path).system("box-2")
    assert raised.value.hint == "run the benchmark again"


DEEP = b"[" * 100_000
HOSTILE_NUMBERS = [2**53 + 1, 2**63, 2**70, 10**4000]


@pytest.mark.parametrize("number", HOSTILE_NUMBERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda it, n: it["sessions"][0].update(samples_ns=[n]),
        lambda it, n: it["sessions"][0].update(load_ns=n),
        lambda it, n: it["sessions"][0].update(wall_ns=n),
    ],
)
def test_a_duration_of_more_than_104_days_is_none(
    change: Callable[[dict[str, Any], int], None], number: int, run: RunFolder
) -> None:
    write_cell(run, lambda it: change(it, number))
    with pytest.raises(
        BrokenResult, match=r"less than or equal to 9007199254740992|not whole JSON"
    ):
        list(run.records())


@pytest.mark.parametrize("number", [1e101, -1e308, 10**400])
def test_a_number_whose_square_is_infinite_is_none(number: float, run: RunFolder) -> None:
    write_cell(run, lambda it: it["sessions"][0]["before"].update(load_1m=number))
    with pytest.raises(BrokenResult, match=r"field 'sessions\.0\.before\.load_1m"):
        list(run.records())


def test_a_file_that_is_too_large_or_no_file_is_refused(run: RunFolder) -> None:
    with run.manifest_path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(BrokenResult, match="it has more than 64 MiB"):
        run.manifest()
    run.manifest_path.unlink()
    os.mkfifo(run.manifest_path)
    with pytest.raises(BrokenResult, match="it is no regular file"):
        run.manifest()


def test_what_is_too_long_for_a_message_is_cut(run: RunFolder) -> None:
    run.manifest_path.write_text(json.dumps({"schema_version": list(range(100_000))}))
    with pytest.raises(BrokenResult, match="schema version") as raised:
        run.manifest()
    assert len(raised.value.problem) < 1000


def test_a_sealed_record_is_read_once_so_that_what_is_checked_is_what_is_shown(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_record(record())
    opened: list[str] = []
    whole = Path.open

    def watched(path: Path, *how: Any, **more: Any) -> Any:
        opened.append(path.name)
        return whole(path, *how, **more)

    seals = run.seals()
    monkeypatch.setattr(Path, "open", watched)
    assert list(run.records(sealed=seals)) == [record()]
    assert opened == [f"{CELL.id}.json"]
    (broken,) = run_broken(run, {CELL.id: "0" * 64})
    assert "it isn't the file that the run was completed with" in broken.problem


def run_broken(run: RunFolder, seals: dict[str, str]) -> list[BrokenResult]:
    broken: list[BrokenResult] = []
    assert list(run.records(broken, sealed=seals)) == []
    return broken


def layered(run: RunFolder) -> tuple[Path, Record]:
    """Store an engine's layers; return their file and a record that names it."""
    layer = Layer(name="conv1", type="Convolution", kernel="k", tactic="0x1", precision="fp32")
    name = run.keep_layers(EngineLayers(layers=[layer]))
    session = record().sessions[0].model_copy(update={"layers": name})
    path = run.path / "layers" / f"{name}.json"
    return path, record().model_copy(update={"sessions": [session]})


@pytest.mark.parametrize("text", [None, "<html>", '{"schema_version": 1, "layers": []}'])
def test_layers_that_cannot_be_read_are_named_and_left_out(
    text: str | None, run: RunFolder
) -> None:
    path, of = layered(run)
    path.unlink() if text is None else path.write_text(text)
    broken: list[BrokenResult] = []
    assert run.layers([of], broken) == {}
    assert [error.path for error in broken] == [path]


def test_layers_under_another_engines_name_are_broken(run: RunFolder) -> None:
    path, of = layered(run)
    path.write_text(path.read_text().replace('"k"', '"other"'))
    value = json.loads(path.read_text())
    value.pop("digest")
    path.write_text(json.dumps(value))
    broken: list[BrokenResult] = []
    assert run.layers([of], broken) == {}
    assert "its name isn't its layers' digest" in str(broken[0])
