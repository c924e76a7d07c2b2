from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.commands import VERBS
from tests.cli.printing import printed
from tests.cli.process import REAL, call
from tests.fakes.records import facts, put, record, stored


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


def test_an_audit_says_what_it_checked(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_, last = printed(capsys, "audit", *here).splitlines()
    assert first == "of what was measured: there is nothing to check yet"
    assert "figures, 0 of measured ones: `python -m bench run` measures some" in last
    put(stored(record("x0_25"), record("x0_5")), tmp_path / "results")
    first, _, table, *_, last = printed(capsys, "audit", *here, status=1).splitlines()
    assert re.fullmatch(r"of what was measured: [1-9] findings? in [1-9] tables?", first)
    assert table.startswith("measured: ")  # what was measured stands before what was published
    assert re.fullmatch(r"tables checked: \d of published figures, [1-9] of measured ones", last)


def test_models_are_listed_with_published_costs_and_a_dash_for_what_nobody_counted(
    here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    head, first, _, note = printed(capsys, "models", *here).splitlines()
    assert head.split()[0] == "variant"
    assert first.split() == ["x0_25", "–", "–", "18.95", "–", "0.61", "–", "2.7", "0.499"]
    assert note == "– not counted yet: `python -m bench run` counts each model that it measures"


def test_nets_of_stored_runs_stand_before_those_of_the_catalogue(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record("mine"), models={"mine": facts(None)}), tmp_path / "results")
    _, first, second, *_ = printed(capsys, "models", *here).splitlines()
    assert (first.split()[0], second.split()[0]) == ("mine", "x0_25")
    assert "17.58" in first
    (row,) = json.loads(printed(capsys, "models", *here, "--variant", "mine", "--json"))
    assert (row["variant"], row["source"], row["params"]) == ("mine", None, 607_712)


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
