from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured
from bench.storage.store import Store
from tests.cli.launches import Counted, Failing, interrupt
from tests.cli.outcomes import QUICK, latency, only_run
from tests.fakes.records import put, record, stored
from tests.fakes.tables import of_large_nets, tables

Run = Callable[..., int]
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


def test_a_model_whose_file_is_missing_fails_alone(
    bench_run: Run, plain_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (plain_models / "catalog.toml").open("a") as file:
        file.write("[models.gone-net]\nexported = 'gone.json'\ninput = [3, 8, 8]\n")
    (plain_models / "published.csv").unlink()
    assert bench_run(*QUICK, "--models", str(plain_models)) == 1
    err = capsys.readouterr().err
    assert "catalog.toml: the exported model's file gone.json isn't at gone.json" in err
    assert str(tmp_path) not in err.partition("failed")[2]
    records = list(only_run(tmp_path).records())
    failed = {it.cell.variant for it in records if isinstance(it.outcome, Failed)}
    assert failed == {"gone-net"}
    assert any(isinstance(it.outcome, Measured) for it in records)


def test_a_tolerance_may_be_given_for_all_nets(
    bench_run: Run, plain_models: Path, tmp_path: Path
) -> None:
    flags = ("--models", str(plain_models), "--variant", "one", "--tolerance", "0.02")
    assert bench_run(*QUICK, *flags) == 0
    facts = [session.facts for it in only_run(tmp_path).records() for session in it.sessions]
    assert {it["tolerance"] for it in facts} == {"0.02"}


@pytest.mark.slow
def test_a_run_ends_well_with_every_file_in_its_place(
    bench_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_run(*QUICK, "--verbose") == 0
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
        "report.md", "latency.csv", "costs.csv", "index.html",
        *(f"{plot}.{kind}" for plot in plots for kind in ("svg", "png", "csv")),
    }  # fmt: skip

    out, err = capsys.readouterr()
    named = [Path(line.removeprefix("wrote ")) for line in out.splitlines() if "wrote " in line]
    assert named[0] == run.path
    assert set(named[1:]) == set((results / "report").iterdir())
    assert "ShuffleNetV2_x0_25" in out
    assert "bs=4, thread=1" in out
    assert any(line.startswith("timed inference: ") for line in out.splitlines())
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
    spent = printed["time"]
    assert 0 < spent["timed_ns"] < spent["wall_ns"]
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
    assert "(crash): the engine said this before it fell: the child died of" in complaints[0]
    assert out.count(" failed\n") == 2


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


def test_without_a_compiler_the_runners_in_cpp_are_skipped_and_the_others_measured(
    plain_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    both = tables(paddle="Ok", twin="Ok")
    twin = replace(both.runners["twin"], program="openvino")
    both = replace(both, runners={**both.runners, "twin": twin})
    asked = (*QUICK, "--variant", "one", "--batch", "1", "--runner", "paddle,twin")
    assert plain_run(*asked, tables=both) == 1
    outcomes = {row["runner"]: row["outcome"] for row in latency(tmp_path)}
    assert outcomes == {"paddle": "measured", "twin": "skipped"}
    page = (tmp_path / "results/report/report.md").read_text()
    assert "there is no C++ compiler 'no-such-compiler', which CXX names, on this machine" in page


def test_an_engines_error_of_several_lines_is_told_in_one(
    plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    many = replace(tables(), launch=Failing("RuntimeError:\n\nC++ Traceback\n0  deep inside"))
    assert plain_run(*QUICK, "--variant", "one", "--batch", "1", tables=many) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "bench:" in line]
    assert "RuntimeError: C++ Traceback 0 deep inside: see log_tail" in line


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
    (kept,) = only_run(tmp_path).records()
    assert (kept.cell.variant, kept.cell.batch, kept.cell.threads) == ("one", 2, 1)
    assert kept.cell.settings == {"onednn": "on"}
    assert kept.sampling.preset == "quick"


def test_cells_faster_than_any_core_fail_and_name_the_bound(
    bench_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_run(*QUICK, "--variant", "x0_25", tables=of_large_nets(tables())) != 0
    records = list(only_run(tmp_path).records())
    failures = [record.outcome for record in records if isinstance(record.outcome, Failed)]
    assert {it.failure for it in failures} == {"impossible"}
    assert len(failures) == len(records)
    assert any("x0_25 has 100000 M MACs a call" in it.message for it in failures)
    assert "so no inference takes less than" in capsys.readouterr().err
