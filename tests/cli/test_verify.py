from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.report import write_report
from bench.store import Store, to_text
from tests.cli.conftest import PLAIN_CATALOGUE
from tests.cli.process import contents
from tests.cli.verifying import Place, edit, edit_run, short, tables_in
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

SUITE = Path(fakes.__file__).parent / "suite.toml"
FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"


ALL = ("one b1", "one b4", "second b1", "second b4")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("measured")
    (root / "models").mkdir()
    (root / "models/catalog.toml").write_text(PLAIN_CATALOGUE)
    (root / "models/fake.py").write_text("def net(): ...\n")
    shutil.copy(fakes.MODELS / "published.csv", root / "models")
    where = Place(root, None).flags()  # type: ignore[arg-type]
    argv = ["run", "--suite", str(SUITE), "--preset", "quick", *where]
    assert main(argv, fakes.tables()) == 0
    return root


@pytest.fixture
def place(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(Path(shutil.copytree(measured, tmp_path / "here")), capsys)


def test_a_fresh_run_is_what_comes_out_and_every_cell_is_current(place: Place) -> None:
    before = contents(place.root)
    told = place.told(status=0)
    assert told["run"] == place.run.name
    assert told["report"] == [
        {"file": str(place.report / name), "state": "same"}
        for name in ("report.md", "latency.csv", "costs.csv")
    ]
    assert {short(one.pop("cell_id")) for one in told["cells"]} == set(ALL)
    assert all(one == {"state": "current", "reasons": []} for one in told["cells"])
    assert contents(place.root) == before


def test_the_text_has_a_line_a_file_and_a_sentence(place: Place) -> None:
    *files, sentence = place.verify(status=0).splitlines()
    assert [line.split() for line in files] == [
        ["same", str(place.report / name)] for name in ("report.md", "latency.csv", "costs.csv")
    ]
    assert sentence == (
        "all 3 report files are what comes out of the stored samples; of the 4 cells of run "
        f"{place.run.name}: 4 current, 0 stale, 0 unchecked"
    )


def test_a_sample_that_was_changed_makes_the_report_differ(place: Place) -> None:
    path = sorted((place.run / "cells").glob("one-*-b1-*.json"))[0]
    values = json.loads(path.read_text())
    values["sessions"][0]["samples_ns"] = [5_000_000 for _ in range(4)]
    path.write_text(json.dumps(values))
    states = {Path(one["file"]).name: one for one in place.told(status=1)["report"]}
    assert [one["state"] for one in states.values()] == ["differs", "differs", "same"]
    assert "5" in states["latency.csv"]["derived"]


def test_a_page_that_was_edited_is_named_with_the_line_and_both_texts(place: Place) -> None:
    edit(place.report / "report.md", lambda text: text.replace("# Results", "# Our results", 1))
    first = place.told(status=1)["report"][0]
    assert first == {
        "file": str(place.report / "report.md"), "state": "differs", "line": 1,
        "found": "# Our results", "derived": "# Results",
    }  # fmt: skip
    line, *_, sentence = place.verify(status=1).splitlines()
    assert line == (
        f"differs    {place.report / 'report.md'}, line 1: '# Our results' on disk, "
        "'# Results' from the samples"
    )
    assert sentence.startswith("1 of 3 report files are not what comes out")


def test_a_file_that_ends_early_is_told_as_nothing_on_disk(place: Place) -> None:
    edit(place.report / "costs.csv", lambda text: text.splitlines()[0])
    assert "costs.csv, line 2: nothing on disk, 'one," in place.verify(status=1)


def test_a_file_that_was_deleted_is_missing(place: Place) -> None:
    (place.report / "costs.csv").unlink()
    assert [one["state"] for one in place.told(status=1)["report"]] == ["same", "same", "missing"]
    shutil.rmtree(place.report)
    assert [one["state"] for one in place.told(status=1)["report"]] == ["missing"] * 3
    assert not place.report.exists()


def test_plots_are_compared_too_and_one_that_nobody_draws_is_stray(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record()), tmp_path / "results")
    shutil.copytree(fakes.MODELS, tmp_path / "models")
    files = write_report(tmp_path / "results", tmp_path / "models")
    svg, png = (next(path for path in files if path.suffix == end) for end in (".svg", ".png"))
    svg.unlink()
    png.write_bytes(png.read_bytes() + b"\xff")
    stray = svg.with_name("top1-gone.svg")
    stray.touch()
    (stray.parent / "notes.svg").touch()
    told = Place(tmp_path, capsys).told(status=1)["report"]
    states = {one["file"]: one["state"] for one in told}
    assert list(states) == [*map(str, files), str(stray)]
    unlike = {file: state for file, state in states.items() if state != "same"}
    assert unlike == {str(svg): "missing", str(png): "differs", str(stray): "stray"}
    assert not any("line" in one for one in told)


def test_the_runs_own_report_is_compared_where_it_has_one(place: Place) -> None:
    assert main(["report", "--run", "latest", *place.flags()[:4]]) == 0
    assert len(place.told(status=0)["report"]) == 6
    edit(place.run / "report/latency.csv", lambda text: text + "more\n")
    told = place.told(status=1)["report"]
    assert [one["file"] for one in told if one["state"] == "differs"] == [
        str(place.run / "report/latency.csv")
    ]


def test_a_factory_that_was_changed_makes_the_cells_stale(place: Place) -> None:
    edit(place.root / "models/fake.py", lambda text: text + "# changed\n")
    told = place.told(status=1)
    assert {one["state"] for one in told["report"]} == {"same"}
    assert {one["state"] for one in told["cells"]} == {"stale"}
    assert all("another net" in one["reasons"][0] for one in told["cells"])
    stale = [line for line in place.verify(status=1).splitlines() if line.startswith("stale")]
    assert len(stale) == 4


def test_a_net_that_is_gone_from_the_catalogue_is_stale_and_the_other_is_not(place: Place) -> None:
    edit(place.root / "models/catalog.toml", lambda text: text.partition("[models.second]")[0])
    states = place.cells(status=1)
    assert states == dict(zip(ALL, ["current", "current", "stale", "stale"], strict=True))
    assert place.reasons(status=1) == {"second is gone from the catalogue"}


def test_an_exported_model_whose_file_is_not_here_is_unchecked(place: Place) -> None:
    edit(
        place.root / "models/catalog.toml",
        lambda text: text.replace('factory = "fake:net"', 'exported = "mine.json"', 1),
    )
    states = place.cells(status=0)
    assert states == dict(zip(ALL, ["unchecked", "unchecked", "current", "current"], strict=True))


def test_an_artifact_of_other_bytes_in_the_cache_makes_its_cells_stale(place: Place) -> None:
    (path,) = place.root.glob("cache/artifacts/one-paddle-pir-b4-*/model.json")
    path.write_text("another net")
    states = place.cells(status=1)
    assert states == dict(zip(ALL, ["current", "stale", "current", "current"], strict=True))
    (reason,) = place.reasons(status=1)
    assert reason.startswith("paddle-pir b4: model.json has SHA-256 ")


def test_without_a_cache_the_cells_are_unchecked_and_none_is_made(place: Place) -> None:
    shutil.rmtree(place.root / "cache")
    assert set(place.cells(status=0).values()) == {"unchecked"}
    lines = place.verify(status=0).splitlines()
    assert [line for line in lines if line.startswith("unchecked")] == [
        f"unchecked  2 cells: paddle-pir b{batch} isn't in the cache as today's code and packages "
        "make it"
        for batch in (1, 4)
    ]
    assert lines[-1].endswith("0 current, 0 stale, 4 unchecked")
    assert not (place.root / "cache").exists()


def test_an_artifact_that_is_not_whole_in_the_cache_is_unchecked(place: Place) -> None:
    (path,) = place.root.glob("cache/artifacts/one-paddle-pir-b4-*/model.pdiparams")
    path.unlink()
    assert place.cells(status=0)["one b4"] == "unchecked"
    assert place.reasons(status=0) == {"paddle-pir b4: the cache lacks model.pdiparams"}


def test_other_packages_make_the_cells_stale_and_are_named(place: Place) -> None:
    edit_run(
        place, lambda run: run["provenance"]["environments"]["harness"].update(gone="1", numpy="0")
    )
    assert set(place.cells(status=1).values()) == {"stale"}
    gone, other = sorted(place.reasons(status=1))
    assert gone == "harness: gone 1 then, absent now"
    assert other.startswith("harness: numpy 0 then, ")


def test_many_reasons_are_shortened_in_the_text_only(place: Place) -> None:
    more = {f"package-{number}": "1" for number in range(5)}
    edit_run(place, lambda run: run["provenance"]["environments"]["harness"].update(more))
    assert len(place.reasons(status=1)) == 5
    line = next(text for text in place.verify(status=1).splitlines() if text.startswith("stale"))
    assert line.endswith("package-2 1 then, absent now; and 2 more (--json has them)")


def test_an_environment_that_is_not_built_is_unchecked_and_stays_so(place: Place) -> None:
    edit_run(place, lambda run: run["provenance"]["environments"].update(paddle={"numpy": "1"}))
    before = contents(place.root)
    assert set(place.cells(status=0, tables=tables_in("paddle")).values()) == {"unchecked"}
    reasons = place.reasons(status=0, tables=tables_in("paddle"))
    assert reasons == {"environment paddle isn't built here"}
    assert contents(place.root) == before


def test_an_artifact_whose_maker_is_not_built_is_unchecked(place: Place) -> None:
    kinds = {name: replace(kind, env="paddle") for name, kind in fakes.FAKE_KINDS.items()}
    reasons = place.reasons(status=0, tables=replace(fakes.tables(), kinds=kinds))
    assert "paddle-pir b1: its key in the cache needs environment paddle" in reasons


def test_an_interpreter_of_ones_own_is_asked_for_its_packages(place: Place) -> None:
    python = place.root / "python"
    python.write_text('#!/bin/sh\necho \'{"numpy": "2"}\'\n')
    python.chmod(0o755)
    edit_run(place, lambda run: run["provenance"]["environments"].update(paddle={"numpy": "1"}))
    given = ("--env", f"paddle={python}")
    reasons = place.reasons(*given, status=1, tables=tables_in("paddle"))
    assert reasons == {"paddle: numpy 1 then, 2 now"}
    python.unlink()
    (reason,) = place.reasons(*given, status=0, tables=tables_in("paddle"))
    assert "doesn't run" in reason


def test_a_runner_that_is_gone_makes_its_cells_stale(place: Place) -> None:
    reasons = place.reasons(status=1, tables=fakes.tables(another="Ok"))
    assert reasons == {"there is no runner 'paddle' any more"}


def test_a_kind_of_artifact_that_is_gone_makes_its_cells_stale(place: Place) -> None:
    reasons = place.reasons(status=1, tables=replace(fakes.tables(), kinds={}))
    assert reasons == {"there is no kind of artifact 'paddle-pir' any more"}


def test_weights_of_another_kind_than_the_runs_leave_the_cells_unchecked(place: Place) -> None:
    reasons = place.reasons("--weights", "pretrained", status=0)
    assert reasons == {
        f"{variant} had seeded weights: give seeded with --weights" for variant in ("one", "second")
    }


def test_a_record_that_is_gone_makes_a_complete_run_stale_and_no_other(place: Place) -> None:
    next((place.run / "cells").glob("one-*-b4-*.json")).unlink()
    assert place.cells(status=1)["one b4"] == "stale"
    edit_run(place, lambda run: run.update(status="interrupted"))
    write_report(place.root / "results", place.root / "models")
    assert place.cells(status=0)["one b4"] == "unchecked"


def test_a_record_that_the_run_does_not_know_is_stale(place: Place) -> None:
    def forget(run: Any) -> None:
        run["cells"] = {name: it for name, it in run["cells"].items() if "one" not in name}

    edit_run(place, forget)
    assert "run.json has no such cell" in place.reasons(status=1)


@pytest.mark.parametrize("name", ["run.json", "cells/one-paddle-fp32-b1-t1-*.json"])
def test_a_truncated_file_is_one_sentence_and_status_2(name: str, place: Place) -> None:
    (path,) = place.run.glob(name)
    path.write_bytes(path.read_bytes()[:-40])
    assert main(["verify", *place.flags()], fakes.tables()) == 2
    out, err = place.capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()[-1:]
    assert line.startswith(f"bench: {path}: not whole JSON")


def test_the_newest_run_is_meant_unless_another_is_named(place: Place) -> None:
    results = place.root / "results"
    shutil.rmtree(results)
    for run_id in (FIRST, SECOND):
        put(stored(record("mine"), run_id=run_id), results)
    for flags, meant in [((), SECOND), (("--run", "latest"), SECOND), (("--run", FIRST), FIRST)]:
        assert place.told(*flags, status=1)["run"] == meant


def test_a_run_that_is_not_there_is_an_error(place: Place) -> None:
    assert main(["verify", *place.flags(), "--run", "2024"], fakes.tables()) == 2
    assert "there is no run '2024'" in place.capsys.readouterr().err


def test_a_self_test_is_passed_over_as_the_newest_run_and_refused_by_its_name(place: Place) -> None:
    manifest = Store(place.root / "results").run("latest").manifest()
    selftest = place.run.parent / "99991231T000000Z-selftest-00000000"
    selftest.mkdir()
    later = manifest.model_copy(update={"run_id": selftest.name, "suite": "selftest", "cells": {}})
    (selftest / "run.json").write_text(to_text(later), encoding="utf-8")
    assert place.told(status=0)["run"] == manifest.run_id

    place.capsys.readouterr()
    assert main(["verify", *place.flags(), "--run", selftest.name], fakes.tables()) == 2
    assert "is a self-test" in place.capsys.readouterr().err
