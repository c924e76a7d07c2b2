from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.launch import ChildResult
from bench.record import Failed, Measured, Record, RunManifest
from bench.store import RunFolder, Store
from tests.cli.launches import Counted, Failing, interrupt
from tests.fakes.records import put, record, stored
from tests.fakes.tables import tables

Run = Callable[..., int]
QUICK = ("--preset", "quick")

TWO_RUNNERS = """
title = "Two runners"
target = "cpu"

[[cells]]
runner = ["bad", "good"]
batch = [1]

[presets.standard]
sessions = 2
samples = 4
min_samples = 4
budget_s = 0.1
warmup_calls = 1
warmup_s = 0.0
warmup_cap_s = 0.1
steady_window = 4
timeout_s = 20.0
"""


def only_run(tmp_path: Path) -> RunFolder:
    (run,) = Store(tmp_path / "results").runs()
    return run


def latency(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "results/report/latency.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def figures(tmp_path: Path) -> list[dict[str, str]]:
    """The rows of latency.csv without what names the run."""
    return [{k: v for k, v in row.items() if k != "run_id"} for row in latency(tmp_path)]


def test_a_run_ends_well_with_every_file_in_its_place(
    bench_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_run(*QUICK) == 0
    run, results = only_run(tmp_path), tmp_path / "results"
    manifest, records = run.manifest(), list(run.records())
    assert manifest.status == "complete"
    assert {one.cell_id for one in records} == set(manifest.cells)
    assert [len(one.sessions) for one in records] == [1, 1, 1, 1]
    assert sorted(path.name for path in run.path.iterdir()) == ["cells", "run.json"]
    assert [path.stem for path in (results / "systems").iterdir()] == [manifest.system_id]
    stem = f"top1-latency-{manifest.system_id}-paddle-onednn_on-fp32"
    plots = [stem, "top1-storage", "top1-flops", "top1-params"]
    assert {path.name for path in (results / "report").iterdir()} == {
        "report.md", "latency.csv", "costs.csv",
        *(f"{plot}.{kind}" for plot in plots for kind in ("svg", "png")),
    }  # fmt: skip

    out, err = capsys.readouterr()
    named = [Path(line.removeprefix("wrote ")) for line in out.splitlines() if "wrote " in line]
    assert named[0] == run.path
    assert set(named[1:]) == set((results / "report").iterdir())
    assert "ShuffleNetV2_x0_25" in out
    assert "bs=4, thread=1" in out
    assert "[4/4]" in err
    assert "bench:" not in err


def test_json_has_the_figures_of_the_table_and_stands_alone_on_stdout(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = stored(record("gone"), run_id="20240501T120000Z-0badc0de-00000001")
    put(earlier, tmp_path / "results")
    assert plain_run(*QUICK, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    name = Path(printed["run"]).name
    wanted = [row for row in latency(tmp_path) if row["run_id"] == name]
    assert len(wanted) == len(latency(tmp_path)) - 1 == 4
    cells = [{k: "" if v is None else str(v) for k, v in c.items()} for c in printed["cells"]]
    assert cells == wanted
    assert {cell["latency_ns"] > 0 for cell in printed["cells"]} == {True}
    assert all(Path(name).is_file() for name in printed["files"])


def test_a_crashing_runner_ends_1_and_the_others_cells_are_measured(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "two.toml"
    suite.write_text(TWO_RUNNERS)
    assert plain_run("--suite", str(suite), tables=tables(good="Ok", bad="Crash")) == 1

    records = list(only_run(tmp_path).records())
    assert len(records) == 4
    for one in records:
        if one.cell.runner == "good":
            assert (one.outcome, len(one.sessions)) == (Measured(), 2)
        else:
            assert isinstance(one.outcome, Failed)
            assert one.outcome.failure == "crash"
            assert "the engine said this before it fell" in one.outcome.log_tail
    assert only_run(tmp_path).manifest().status == "complete"

    out, err = capsys.readouterr()
    complaints = [line for line in err.splitlines() if line.startswith("bench:")]
    assert len(complaints) == 1
    assert " and 1 more cell failed" in complaints[0]
    assert "(crash): the child died of SIGSEGV" in complaints[0]
    assert out.count(" failed ") == 2


def test_a_failed_cell_has_no_figure_in_the_files(plain_run: Run, tmp_path: Path) -> None:
    plain_run(*QUICK, "--variant", "one", "--batch", "1", tables=tables(paddle="Raises"))
    (row,) = latency(tmp_path)
    assert (row["outcome"], row["latency_ns"], row["half_width_95_ns"]) == ("failed", "", "")
    page = (tmp_path / "results/report/report.md").read_text()
    assert "| one | failed[^1] |" in page
    assert "the engine's own words" in page


def test_a_skipped_cell_ends_1_and_says_what_would_bring_it(
    plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*QUICK, "--variant", "one", tables=tables(paddle="NotHere")) == 1
    assert "skipped: this chip has no such unit: take another chip" in capsys.readouterr().err


def test_an_engines_error_of_several_lines_is_told_in_one(
    plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    many = replace(tables(), launch=Failing("RuntimeError:\n\nC++ Traceback\n0  deep inside"))
    assert plain_run(*QUICK, "--variant", "one", "--batch", "1", tables=many) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "bench:" in line]
    assert "RuntimeError: C++ Traceback 0 deep inside: see log_tail" in line


def test_an_interrupted_run_is_kept_and_told_how_to_go_on(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Counted(after=5, event=interrupt)
    assert plain_run(tables=replace(tables(), launch=launch)) == 130
    run = only_run(tmp_path)
    assert run.manifest().status == "interrupted"
    assert len(run.journal()) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("bench: interrupted") == 1
    assert f"`python -m bench run --resume {run.path.name}`" in err
    assert "Traceback" not in err


def test_resume_measures_only_the_rest_and_ends_in_the_same_tables(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, one_batch = Counted(), ("--batch", "1")
    assert plain_run(*one_batch, tables=replace(tables(), launch=whole)) == 0
    wanted, printed = figures(tmp_path), capsys.readouterr().out
    (tmp_path / "results").rename(tmp_path / "whole")

    first, rest = Counted(after=5, event=interrupt), Counted()
    assert plain_run(*one_batch, tables=replace(tables(), launch=first)) == 130
    run = only_run(tmp_path)
    kept = [entry.session for entry in run.journal()]
    capsys.readouterr()
    resume = ("--resume", run.path.name)
    assert plain_run(*resume, tables=replace(tables(), launch=rest)) == 0

    assert first.sessions + rest.sessions == whole.sessions
    assert len(rest.sessions) == 1
    assert figures(tmp_path) == wanted
    assert capsys.readouterr().out.partition("wrote")[0] == printed.partition("wrote")[0]
    sessions = [session for one in run.records() for session in one.sessions]
    assert all(session in sessions for session in kept)
    assert run.manifest().status == "complete"
    assert not run.journal_path.exists()


def test_resume_latest_means_the_newest_run(plain_run: Run, tmp_path: Path) -> None:
    one = (*QUICK, "--variant", "one")
    assert plain_run(*one, tables=replace(tables(), launch=Counted(1, interrupt))) == 130
    rest = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=rest)) == 0
    assert (len(rest.sessions), only_run(tmp_path).manifest().status) == (1, "complete")


def refusal(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert "Traceback" not in err
    return line


def test_a_complete_run_is_not_resumed(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*QUICK, "--variant", "one", "--batch", "1") == 0
    name = only_run(tmp_path).path.name
    capsys.readouterr()
    assert plain_run("--resume", name) == 2
    line = refusal(capsys.readouterr().err)
    assert line == f"bench: run {name} is complete: leave --resume out to start a new run"


def test_an_unknown_run_is_not_resumed_and_the_near_miss_is_named(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Counted(after=0, event=interrupt)
    plain_run(*QUICK, tables=replace(tables(), launch=launch))
    name = only_run(tmp_path).path.name
    capsys.readouterr()
    assert plain_run("--resume", name[:-1]) == 2
    line = refusal(capsys.readouterr().err)
    assert f"there is no run '{name[:-1]}': did you mean '{name}'?" in line


def interrupted(plain_run: Run, tmp_path: Path) -> RunFolder:
    launch = Counted(after=1, event=interrupt)
    assert plain_run(*QUICK, tables=replace(tables(), launch=launch)) == 130
    return only_run(tmp_path)


def test_a_run_is_not_resumed_with_another_net(
    plain_run: Run, plain_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    catalogue = plain_models / "catalog.toml"
    catalogue.write_text(catalogue.read_text().replace("fake:net", "fake:other"))
    before = run.journal_path.read_bytes()
    assert plain_run("--resume", "latest") == 2
    assert "isn't the net that run" in refusal(capsys.readouterr().err.split("interrupted", 1)[1])
    assert run.journal_path.read_bytes() == before


def change(run: RunFolder, **fields: object) -> None:
    values = json.loads(run.manifest_path.read_text()) | fields
    run.write_manifest(RunManifest.model_validate(values))


def test_a_run_is_not_resumed_on_another_machine(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    change(run, system_id="another-machine-0123abcd")
    capsys.readouterr()
    launch = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=launch)) == 2
    assert "began on another-machine-0123abcd" in refusal(capsys.readouterr().err)
    assert launch.sessions == []


def test_a_run_is_not_resumed_with_other_packages(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    origin = run.manifest().provenance.model_dump()
    change(run, provenance=origin | {"environments": {"harness": {"numpy": "0.1"}}})
    capsys.readouterr()
    assert plain_run("--resume", "latest") == 2
    assert "packages aren't those" in refusal(capsys.readouterr().err)


def test_a_run_interrupted_while_it_prepares_leaves_no_run_behind(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def launch(*_: object, **__: object) -> ChildResult:
        raise KeyboardInterrupt

    assert plain_run(*QUICK, tables=replace(tables(), launch=launch)) == 130
    assert Store(tmp_path / "results").runs() == []
    assert "Traceback" not in capsys.readouterr().err


def test_a_seed_decides_the_order_and_is_kept(plain_run: Run, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        launch = Counted(after=0, event=interrupt)
        plain_run("--seed", seed, tables=replace(tables(), launch=launch))
    one, other = (run.manifest() for run in Store(tmp_path / "results").runs())
    assert {one.seed, other.seed} == {1, 2}
    assert one.rounds != other.rounds


def test_a_stored_record_validates_and_holds_what_was_asked_for(
    plain_run: Run, tmp_path: Path
) -> None:
    assert plain_run(*QUICK, "--variant", "one", "--batch", "2", "--threads", "1") == 0
    (path,) = (only_run(tmp_path).path / "cells").iterdir()
    kept = Record.model_validate_json(path.read_bytes())
    assert (kept.cell.variant, kept.cell.batch, kept.cell.threads) == ("one", 2, 1)
    assert kept.cell.settings == {"onednn": "on"}
    assert kept.sampling.preset == "quick"
