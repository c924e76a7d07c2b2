from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.reports.build import load_runs, report_folder, view_of, write_report
from bench.storage.files import to_text
from bench.storage.run_folders import ServingFolder
from bench.storage.store import Store
from tests.cli.process import contents
from tests.cli.verifying import ALL, Place, edit, edit_run, short
from tests.fakes import servings
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored, system

FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"


def test_a_fresh_run_is_what_comes_out_and_every_cell_is_current(place: Place) -> None:
    before = contents(place.root)
    told = place.told(status=0)
    assert told["run"] == place.run.name
    assert told["report"] == [
        {"file": str(place.report / name), "state": "same"}
        for name in ("report.md", "latency.csv", "costs.csv", "index.html")
    ]
    assert {short(one.pop("cell_id")) for one in told["cells"]} == set(ALL)
    assert all(one == {"state": "current", "reasons": []} for one in told["cells"])
    assert contents(place.root) == before


def test_the_text_has_a_line_a_file_and_a_sentence(place: Place) -> None:
    *files, sentence = place.verify(status=0).splitlines()
    assert [line.split() for line in files] == [
        ["same", str(place.report / name)]
        for name in ("report.md", "latency.csv", "costs.csv", "index.html")
    ]
    assert sentence == (
        "all 4 report files are what comes out of the stored samples; of the 4 cells of run "
        f"{place.run.name}: 4 current, 0 stale, 0 unchecked; 4 sealed as the run was "
        "completed, which shows no origin"
    )


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("interrupted", 1, "its files get digests as it is completed, which it isn't yet"),
        ("complete", 0, "its files bear no digest, as those of earlier versions"),
    ],
)
def test_a_run_without_digests_says_why(state: str, status: int, words: str, place: Place) -> None:
    edit_run(place, lambda run: run.update(sealed={}, status=state))
    assert place.verify(status=status).splitlines()[-1].endswith(words)


def change_a_sample(place: Place) -> Path:
    """Change a sample of a record, and take its digest away."""
    path = sorted((place.run / "cells").glob("one-*-b1-*.json"))[0]
    values = json.loads(path.read_text())
    del values["digest"]
    values["sessions"][0]["samples_ns"] = [5_000_000 for _ in range(4)]
    path.write_text(json.dumps(values))
    return path


def test_a_sample_that_was_changed_makes_the_report_differ(place: Place) -> None:
    change_a_sample(place)
    edit_run(place, lambda run: run.update(sealed={}))  # as in a run of before
    states = {Path(one["file"]).name: one for one in place.told(status=1)["report"]}
    assert {name for name, one in states.items() if one["state"] == "differs"} == {
        "report.md", "latency.csv", "index.html",  # which has the samples themselves
    }  # fmt: skip
    assert "5" in states["latency.csv"]["derived"]


@pytest.mark.parametrize("unseal", [False, True])
def test_a_changed_digit_is_refused_whether_or_not_its_digest_stands(
    unseal: bool, place: Place
) -> None:
    if unseal:
        path, problem = change_a_sample(place), "isn't the file that the run was completed with"
    else:
        path = sorted((place.run / "cells").glob("one-*-b1-*.json"))[0]
        path.write_text(re.sub(r'"wall_ns": \d', '"wall_ns": 9', path.read_text(), count=1))
        problem = "it was changed after it was written"
    assert main(["verify", *place.flags()], fakes.tables()) == 1
    assert f"left out: {path}: {problem}" in place.capsys.readouterr().err.replace("it isn", "isn")


def test_layers_of_an_engine_that_a_session_names_and_that_are_gone_are_told(place: Place) -> None:
    name = "0" * 32
    path = sorted((place.run / "cells").glob("one-*-b1-*.json"))[0]
    values = json.loads(path.read_text())
    del values["digest"]
    values["sessions"][0]["layers"] = name
    path.write_text(json.dumps(values))
    edit_run(place, lambda run: run.update(sealed={}))
    assert main(["verify", *place.flags()], fakes.tables()) == 1
    err = place.capsys.readouterr().err
    assert f"{place.run / 'layers' / name}.json: No such file" in err


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
    assert sentence.startswith("1 of 4 report files are not what comes out")


def test_the_page_is_no_part_of_git_and_is_checked_where_it_is(place: Place) -> None:
    page = place.report / "index.html"
    edit(page, lambda text: text + "more")
    states = {Path(one["file"]).name: one["state"] for one in place.told(status=1)["report"]}
    assert [name for name, state in states.items() if state != "same"] == ["index.html"]
    page.unlink()
    assert len(place.told(status=0)["report"]) == 3


def test_a_file_that_ends_early_is_told_as_nothing_on_disk(place: Place) -> None:
    edit(place.report / "costs.csv", lambda text: text.splitlines()[0])
    assert "costs.csv, line 2: nothing on disk, 'one," in place.verify(status=1)


def test_a_file_that_was_deleted_is_missing(place: Place) -> None:
    (place.report / "costs.csv").unlink()
    states = [one["state"] for one in place.told(status=1)["report"]]
    assert states == ["same", "same", "missing", "same"]
    shutil.rmtree(place.report)
    assert [one["state"] for one in place.told(status=1)["report"]] == ["missing"] * 3
    assert not place.report.exists()


@pytest.mark.slow
def test_plots_are_compared_too_and_one_that_nobody_draws_is_stray(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record()), tmp_path / "results")
    shutil.copytree(fakes.MODELS, tmp_path / "models")
    results = tmp_path / "results"
    view = view_of(load_runs(results, broken=[]), tmp_path / "models")
    files = write_report(view, report_folder(results))
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
    assert len(place.told(status=0)["report"]) == 8
    edit(place.run / "report/latency.csv", lambda text: text + "more\n")
    told = place.told(status=1)["report"]
    assert [one["file"] for one in told if one["state"] == "differs"] == [
        str(place.run / "report/latency.csv")
    ]


def test_a_truncated_manifest_is_one_sentence_and_status_2(place: Place) -> None:
    path = place.run / "run.json"
    path.write_bytes(path.read_bytes()[:-40])
    assert main(["verify", *place.flags()], fakes.tables()) == 2
    out, err = place.capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()[-1:]
    assert line.startswith(f"bench: {path}: not whole JSON")


def test_a_truncated_cell_is_named_and_the_report_without_it_differs(place: Place) -> None:
    (path,) = place.run.glob("cells/one-paddle-fp32-b1-t1-*.json")
    path.write_bytes(path.read_bytes()[:-40])
    assert main(["verify", *place.flags()], fakes.tables()) == 1
    out, err = place.capsys.readouterr()
    assert f"bench: left out: {path}: not whole JSON" in err
    assert "differs" in out


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


def test_where_only_loads_are_stored_the_report_and_their_logs_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = servings.stored(servings.load("offline"))
    loads = ServingFolder.create(Store(tmp_path), run.manifest, system())
    (line,) = run.lines
    assert line.load is not None
    logs = loads.write_logs(line.load_id, {"mlperf_log_summary.txt": b"Result is : VALID\n"})
    loads.append(line.model_copy(update={"load": line.load.model_copy(update={"logs": logs})}))
    assert main(["report", "--results", str(tmp_path)], fakes.tables()) == 0

    verify = ["verify", "--results", str(tmp_path)]
    capsys.readouterr()
    assert main(verify, fakes.tables()) == 0
    out = capsys.readouterr().out
    assert (
        "report files are what comes out of the stored samples; there is no run, only loads" in out
    )
    assert main([*verify, "--json"], fakes.tables()) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["cells"], told["sealed"]) == (None, [], 0)

    (log,) = loads.path.glob("loadgen/*/*.txt")
    log.write_bytes(b"Result is : VALID, really\n")
    assert main(verify, fakes.tables()) == 1
    assert log.name in capsys.readouterr().err
    (tmp_path / "report" / "report.md").write_text("edited\n", encoding="utf-8")
    assert main(verify, fakes.tables()) == 1
    assert re.search(r"^differs    .*report\.md, line 1:", capsys.readouterr().out, re.M)
