from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.devices.host.facts import read_host
from bench.targets.base import Missing
from bench.targets.cpu import make_system
from tests.cli.printing import printed
from tests.cli.process import call, contents
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

SUITE = Path(fakes.__file__).parent / "suite.toml"


def test_a_plan_says_how_much_in_which_order_and_how_long(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("plan", *here, "--suite", str(SUITE), "--seed", "3")
    lines = printed(capsys, *flags, "--all").splitlines()
    assert lines[0] == "suite suite (Fakes) on this machine's CPU, preset standard, seed 3"
    assert lines[1].startswith("4 cells x 3 sessions, about ")
    assert "no earlier session of this machine is stored" in lines[1]
    assert [line for line in lines if line.startswith("round")] == ["round 1", "round 2", "round 3"]
    steps = [line.split(maxsplit=1) for line in lines[2:] if not line.startswith("round")]
    assert [int(number) for number, _ in steps] == list(range(1, 13))
    rounds = [{label for _, label in steps[i : i + 4]} for i in (0, 4, 8)]
    assert len(rounds[0]) == 4
    assert rounds[0] == rounds[1] == rounds[2]
    assert "x0_5 paddle batch 4, 1 thread onednn=on" in rounds[0]


def test_a_plan_says_that_it_is_of_no_loads(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = tmp_path / "served.toml"
    served.write_text(
        SUITE.read_text() + "[loads.quick]\nduration_s = 1\nprobe_s = 1\nprobes = 1\nproof_s = 1\n"
        "latency_ms = 50\nrounds = 1\nround_s = 1\n"
    )
    _, _, note, *_ = printed(capsys, "plan", *here, "--suite", str(served)).splitlines()
    assert note.startswith("not planned: the loads of ")
    assert note.endswith(f" load --suite {served}`")
    assert "not planned" not in printed(capsys, "plan", *here, "--suite", str(SUITE))


def test_a_plan_is_a_table_of_its_cells_unless_all_sessions_are_asked_for(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("plan", *here, "--suite", str(SUITE))
    _, blank, *rows, end, note = printed(capsys, *flags).splitlines()[1:]
    assert (blank, end) == ("", "")
    assert [row.split()[:6] for row in rows[:-1]] == [
        ["runner", "precision", "batch", "threads", "cells", "sessions"],
        ["paddle", "fp32", "1", "1", "2", "6"],
        ["paddle", "fp32", "4", "1", "2", "6"],
    ]
    assert rows[-1].split()[:3] == ["all", "4", "12"]
    total = json.loads(printed(capsys, *flags, "--json"))["expected_s"]
    assert sum(int(row.split()[6]) for row in rows[1:-1]) == pytest.approx(total, abs=1)
    assert note == "every session in its order: --all"
    assert len({len(row) for row in rows}) == 1


def test_a_plan_shows_which_cells_take_turns_and_leaves_out_that_of_one_alone(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "by_turns.toml"
    suite.write_text(SUITE.read_text() + "laps = 4\n")
    flags = ("plan", *here, "--suite", str(suite))
    preset = (*flags, "--preset", "quick")
    lines = printed(capsys, *preset, "--all").splitlines()
    turns = [at for at, line in enumerate(lines) if "by turns" in line]
    assert {lines[at] for at in turns} == {"  2 cells by turns:"}
    for at in turns:
        batches = {line.partition(" batch ")[2] for line in lines[at + 1 : at + 3]}
        assert len(batches) == 1
    assert len(turns) == 2
    steps = json.loads(printed(capsys, *preset, "--json"))["steps"]
    assert [step["turn"] for step in steps] == [0, 0, 2, 2]
    alone = printed(capsys, *preset, "--all", "--variant", "x0_25")
    assert "by turns" not in alone


def test_a_plan_as_json_has_the_same_steps(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("plan", *here, "--suite", str(SUITE), "--preset", "quick")
    plan = json.loads(printed(capsys, *flags, "--json"))
    text = printed(capsys, *flags, "--all")
    assert (plan["suite"], plan["preset"], plan["seed"]) == ("suite", "quick", 0)
    assert (plan["expected_from_earlier_cells"], plan["left_out"]) == (0, [])
    assert [step["order"] for step in plan["steps"]] == [0, 1, 2, 3]
    order = [line.split()[1] for line in text.splitlines() if line.startswith("   ")]
    assert [step["cell_id"].split("-")[0] for step in plan["steps"]] == order


def test_a_plan_knows_the_time_of_cells_that_were_measured_before(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = resolve(load_catalogue(fakes.MODELS), "x0_25", fakes.MODELS, Weights())
    known = record("x0_25", model_hash=net.hash, input=net.input_text)
    put(stored(known, on=make_system(read_host())), tmp_path / "results")
    flags = ("plan", *here, "--suite", str(SUITE), "--variant", "x0_25", "--batch", "1")
    plan = json.loads(printed(capsys, *flags, "--json"))
    assert {step["cell_id"] for step in plan["steps"]} == {known.cell_id}
    # 3 sessions of 2 s each.
    assert (plan["expected_s"], plan["expected_from_earlier_cells"]) == (6.0, 1)
    where = make_system(read_host()).heading
    basis = f"about 6 s (from the newest sessions of 1 of 1 cell on {where})"
    assert basis in printed(capsys, *flags)
    other_preset = json.loads(printed(capsys, *flags, "--preset", "quick", "--json"))
    assert other_preset["expected_from_earlier_cells"] == 0


def test_a_plan_takes_another_machines_time_only_where_that_one_is_named(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = resolve(load_catalogue(fakes.MODELS), "x0_25", fakes.MODELS, Weights())
    put(stored(record("x0_25", model_hash=net.hash, input=net.input_text)), tmp_path / "results")
    flags = ("plan", *here, "--suite", str(SUITE), "--variant", "x0_25", "--batch", "1")
    text = printed(capsys, *flags)
    assert "guessed from FLOPs: no earlier session of this machine is stored" in text
    assert "--system: amd-epyc-2c-0123abcd" in text
    named = printed(capsys, *flags, "--system", "amd-epyc-2c-0123abcd")
    assert "from the newest sessions of 1 of 1 cell on AMD EPYC, 2 cores" in named


def test_a_plan_runs_nothing_and_writes_nothing(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "plan", *here, "--suite", str(SUITE))
    assert contents(tmp_path) == {}


def test_the_same_seed_gives_the_same_plan_in_another_process(here: list[str]) -> None:
    plans = [
        call("plan", *here, "--suite", SUITE, "--json", env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]
    assert plans[0] == plans[1] != ""


def test_a_plan_says_which_cells_would_be_skipped_and_what_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["plan", "--suite", "engines", "--runner", "mnn,torch", "--variant", "x0_25,x0_5"]
    flags += ["--results", str(tmp_path / "results"), "--env", f"torch={tmp_path / 'nowhere'}"]
    assert main(flags) == 0
    (line,) = [it for it in capsys.readouterr().out.splitlines() if "skipped" in it]
    assert line.startswith("skipped: 2 cells of torch: ")
    assert str(tmp_path / "nowhere") in line
    assert main([*flags, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["skipped"] == [line]
    assert {step["cell_id"].split("-")[1] for step in plan["steps"]} == {"mnn"}


def test_a_plan_says_what_its_target_lacks(
    here: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacks = [Missing("there is no such board", "plug one in")]
    monkeypatch.setattr("bench.cli.commands.plan.missing_for", lambda *_: lacks)
    lines = printed(capsys, "plan", *here, "--suite", str(SUITE)).splitlines()
    assert "can't run here: there is no such board: plug one in" in lines


def test_a_plan_without_a_compiler_skips_the_runners_in_cpp(
    here: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    tables = fakes.tables()
    in_cpp = {"paddle": replace(tables.runners["paddle"], program="openvino")}
    flags = ("plan", *here, "--suite", str(SUITE))
    assert main(flags, replace(tables, runners=in_cpp)) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "skipped: 4 cells of paddle: there is no C++ compiler 'no-such-compiler'" in out


def test_a_plan_skips_a_runner_in_cpp_whose_engine_its_program_does_not_fit(
    here: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PADDLE_INFERENCE", str(tmp_path))
    tables = fakes.tables()
    in_cpp = {"paddle": replace(tables.runners["paddle"], program="paddle", env="harness")}
    flags = ("plan", *here, "--suite", str(SUITE))
    assert main(flags, replace(tables, runners=in_cpp)) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"skipped: 4 cells of paddle: PADDLE_INFERENCE names {tmp_path}" in out
