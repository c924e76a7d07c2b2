from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.commands import VERBS
from bench.cli.main import main
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.devices.host.facts import read_host
from bench.environments.specs import ENVIRONMENTS
from bench.targets.cpu import make_system
from tests.cli.process import REAL, call, contents
from tests.fakes import tables as fakes
from tests.fakes.records import facts, put, record, stored

SUITE = Path(fakes.__file__).parent / "suite.toml"


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
    """Flags for the fake models, and a results folder that isn't there."""
    return ["--models", str(fakes.MODELS), "--results", str(tmp_path / "results")]


def printed(capsys: pytest.CaptureFixture[str], *argv: str, status: int = 0) -> str:
    assert main(argv, fakes.tables()) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_without_a_verb_the_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(printed(capsys).split())
    assert [name for name, verb in VERBS.items() if f"{name} {verb.text}" not in out] == []


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_help_that_names_its_flags_and_fits_a_terminal(verb: str) -> None:
    done = call(verb, "--help", env={"COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: python -m bench {verb}")
    assert "--results DIR" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


def test_the_help_loads_no_heavy_library() -> None:
    told = call("run", "--help", env={"PYTHONPROFILEIMPORTTIME": "1"}).stderr
    loaded = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "bench.cli.main" in loaded
    assert not {"pydantic", "scipy", "matplotlib", "numpy", "rich"} & loaded


def test_a_plan_says_how_much_in_which_order_and_how_long(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("plan", *here, "--suite", str(SUITE), "--seed", "3")
    lines = printed(capsys, *flags, "--all").splitlines()
    assert lines[0] == "suite suite (Fakes), preset standard, seed 3"
    assert lines[1].startswith("4 cells x 3 sessions, about ")
    assert "no earlier session of this machine is stored" in lines[1]
    assert [line for line in lines if line.startswith("round")] == ["round 1", "round 2", "round 3"]
    steps = [line.split(maxsplit=1) for line in lines[2:] if not line.startswith("round")]
    assert [int(number) for number, _ in steps] == list(range(1, 13))
    rounds = [{label for _, label in steps[i : i + 4]} for i in (0, 4, 8)]
    assert len(rounds[0]) == 4
    assert rounds[0] == rounds[1] == rounds[2]
    assert "x0_5 paddle batch 4, 1 thread onednn=on" in rounds[0]


def test_a_plan_is_a_table_of_its_cells_unless_all_sessions_are_asked_for(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("plan", *here, "--suite", str(SUITE))
    _, blank, *rows, end, note = printed(capsys, *flags).splitlines()[1:]
    assert (blank, end) == ("", "")
    assert [row.split()[:5] for row in rows] == [
        ["runner", "batch", "threads", "cells", "sessions"],
        ["paddle", "1", "1", "2", "6"],
        ["paddle", "4", "1", "2", "6"],
    ]
    total = json.loads(printed(capsys, *flags, "--json"))["expected_s"]
    assert sum(int(row.split()[5]) for row in rows[1:]) == pytest.approx(total, abs=1)
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
    basis = f"about 6 s (from the newest sessions of 1 of 1 cells on {where})"
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
    assert "from the newest sessions of 1 of 1 cells on AMD EPYC, 2 cores" in named


def test_an_audit_says_what_it_checked(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = printed(capsys, "audit", *here).splitlines()[-1]
    assert "figures, 0 of measured ones: `python -m bench run` measures some" in last
    put(stored(record("x0_25"), record("x0_5")), tmp_path / "results")
    last = printed(capsys, "audit", *here, status=1).splitlines()[-1]
    assert re.fullmatch(r"tables checked: \d of published figures, [1-9] of measured ones", last)


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


def test_models_are_listed_with_published_costs_and_a_dash_for_what_nobody_counted(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    head, first, _, note = printed(capsys, "models", *here).splitlines()
    assert head.split()[0] == "variant"
    assert first.split() == ["x0_25", "–", "–", "18.95", "–", "0.61", "–", "2.7", "0.499"]
    assert note == "– not counted yet: `python -m bench run` counts each model that it measures"


def test_models_as_json_tell_counted_costs_where_a_run_counted_them(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record(), models={"x0_25": facts()}), tmp_path / "results")
    first, second = json.loads(printed(capsys, "models", *here, "--json"))
    assert first == {
        "variant": "x0_25", "published_as": "ShuffleNetV2_x0_25", "source": "fake:net",
        "macs": 17_576_000, "flops_paddle": 18_945_136, "params": 607_712,
        "storage_bytes": 2_835_000, "published_flops_m": 18.95, "published_params_m": 0.61,
        "published_storage_mb": 2.7, "published_top1": 0.499, "task": "classify",
        "declared_top1": None, "declared_top5": None,
    }  # fmt: skip
    assert (second["variant"], second["macs"]) == ("x0_5", None)


def test_models_can_be_chosen(here: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(printed(capsys, "models", *here, "--variant", "x0_5", "--json"))
    assert [row["variant"] for row in rows] == ["x0_5"]


def test_the_columns_of_models_stand_under_their_heads(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record(), record("x0_5")), tmp_path / "results")
    lines = printed(capsys, "models", *here).splitlines()
    assert len({len(line) for line in lines}) == 1


def doctor(tmp_path: Path, here: list[str], *flags: str) -> list[str]:
    """Flags of a doctor whose environments are interpreters that run, and nothing is built."""
    python = tmp_path / "python"
    if not python.exists():
        python.write_text('#!/bin/sh\necho \'{"paddlepaddle": "3", "paddlelite": "2"}\'\n')
        python.chmod(0o755)
    given = [flag for name in ENVIRONMENTS for flag in ("--env", f"{name}={python}")]
    return ["doctor", *here, "--cache", str(tmp_path / "cache"), *given, *flags]


def test_the_doctor_tells_what_can_run_and_what_brings_the_rest(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = json.loads(printed(capsys, *doctor(tmp_path, here, "--json")))
    by_item = {finding["item"]: finding for finding in findings}
    assert {"machine", "results", "suite cpu", "environment paddle", "environment lite"} <= set(
        by_item
    )
    assert by_item["environment paddle"]["detail"].startswith("ready (for ")
    assert {finding["state"] for finding in findings} <= {"ok", "note", "missing"}
    assert all(finding["remedy"] for finding in findings if finding["state"] == "missing")
    phone = [finding["detail"] for finding in findings if finding["item"] == "suite arm"]
    assert "no device is there" in phone


def test_the_doctors_text_has_a_line_for_each_finding_and_an_arrow_for_each_remedy(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = json.loads(printed(capsys, *doctor(tmp_path, here, "--json")))
    lines = printed(capsys, *doctor(tmp_path, here)).splitlines()
    assert [line.split()[0] for line in lines if "->" not in line] == [
        finding["state"] for finding in findings
    ]
    assert sum("->" in line for line in lines) == sum(bool(one["remedy"]) for one in findings)


def test_the_doctor_ends_1_where_paddles_interpreter_does_not_run(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = doctor(tmp_path, here, "--json", "--env", f"paddle={tmp_path / 'nowhere'}")
    findings = json.loads(printed(capsys, *flags, status=1))
    (paddle,) = [one for one in findings if one["item"] == "environment paddle"]
    assert paddle["state"] == "missing"
    assert "doesn't run" in paddle["detail"]
    assert paddle["remedy"] == "give a Python with --env paddle=PATH"


def test_the_doctor_ends_0_where_only_storage_sizes_lack_their_interpreter(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = doctor(tmp_path, here, "--json", "--env", f"lite={tmp_path / 'nowhere'}")
    findings = json.loads(printed(capsys, *flags))
    assert [one["state"] for one in findings if one["item"] == "environment lite"] == ["missing"]


def test_the_doctor_ends_1_where_results_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    where = ["--models", str(fakes.MODELS), "--results", str(tmp_path / "file")]
    findings = json.loads(printed(capsys, *doctor(tmp_path, where, "--json"), status=1))
    assert [one["state"] for one in findings if one["item"] == "results"] == ["missing"]


CLOSED = {
    "plan": ["plan"],
    "models": ["models"],
    "models as json": ["models", "--json"],
    "help": ["--help"],
    "a verb's help": ["run", "--help"],
}


@pytest.mark.parametrize("argv", CLOSED.values(), ids=CLOSED.keys())
def test_a_reader_that_has_left_is_no_error(argv: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", REAL, *argv]
    if argv[-1] != "--help":
        command += ["--results", str(tmp_path / "results")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            command, stdout=closed, stderr=subprocess.PIPE, text=True, env=kept, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
