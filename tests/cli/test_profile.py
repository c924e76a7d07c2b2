"""`bench profile`: a cell's operators, and what two engines or two runs differ by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from tests.cli.process import contents
from tests.fakes import tables as fakes
from tests.fakes.records import (
    failed,
    operator,
    profile,
    profiled,
    put,
    record,
    skipped,
    stored,
)

FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
LATER = "20240503T120000Z-0badc0de-00000003"
PADDLE = record()
MNN = record(runner="mnn", settings={}, engine="MNN 3.6")
BATCH = record(batch=4)

Show = Callable[..., str]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    slow = profiled(operator("conv", "Conv", 80), operator("relu", "Relu", 15), plain_us=100)
    fast = profiled(
        operator("conv", "Conv", 50, "blocks"), operator("relu", "Relu", 15), plain_us=70, cost=2
    )
    mnn = profiled(
        operator("c0", "Convolution", 40), operator("s", "ShuffleChannels", 5), plain_us=50, cost=1
    )
    put(
        stored(PADDLE, run_id=FIRST, profiles=[profile(PADDLE, slow)]),
        folder,
    )
    put(
        stored(
            PADDLE, MNN, BATCH, run_id=SECOND,
            profiles=[profile(PADDLE, fast), profile(MNN, mnn), profile(BATCH, failed())],
        ),
        folder,
    )  # fmt: skip
    put(stored(PADDLE, run_id=LATER), folder)
    return folder


@pytest.fixture
def shows(results: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    """What the verb writes to stdout, stderr in the attribute `err` of the fixture's function."""

    def call(*argv: str, status: int = 0) -> str:
        where = ["--results", str(results), "--models", str(fakes.MODELS)]
        assert main(["profile", *argv, *where], fakes.tables()) == status
        out, err = capsys.readouterr()
        return out if status in (0, 1) and out else err

    return call


def test_the_newest_run_with_profiles_is_shown_a_row_a_cell(
    shows: Show, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(results)
    out = shows(status=1)
    assert out.startswith(f"run {SECOND}")
    (paddle,) = [line for line in out.splitlines() if "x0_25 paddle b1 t1" in line]
    assert paddle.split()[4:8] == ["0.0700", "2.00", "2", "0.0650"]
    assert "convolution 76.9%, elementwise 23.1%" in paddle
    assert contents(results) == before


def test_a_failed_profile_is_named_with_its_reason_and_gives_status_1(
    shows: Show,
) -> None:
    err = shows("x0_25", "paddle", "b4", status=1)
    assert err.startswith("bench: the profile of x0_25-paddle-fp32-b4-t1-")
    assert "failed (crash): the child died of SIGSEGV" in err


def test_a_cells_operators_are_shown_with_what_is_outside_them_and_what_the_profile_costs(
    shows: Show,
) -> None:
    out = shows(FIRST[:9])
    rows = [line.split() for line in out.splitlines() if line.startswith("  ") and "CPU" in line]
    assert rows == [
        ["conv", "80.0", "84.2%", "1", "Conv", "CPU"],
        ["relu", "15.0", "15.8%", "1", "Relu", "CPU"],
    ]  # fmt: skip
    assert "By kind of work: convolution 84.2%, elementwise 15.8%." in out
    assert "2 operators take 0.0950 ms together" in out
    assert "without the profile takes 0.100 ms, 0.00500 ms of it outside them." in out
    assert "cuts off up to 1 µs of each operator, 0.00200 ms in all" in out
    assert "With the profile an inference takes 1.50 times as long." in out


def test_two_engines_are_compared_by_kind_of_work(shows: Show) -> None:
    out = shows("--runner", "paddle,mnn", status=1)
    assert f"BASE x0_25 paddle b1 t1, run {SECOND}" in out
    assert f"HEAD x0_25 mnn b1 t1, run {SECOND}" in out
    rows = {line[:18].strip(): line[18:].split() for line in out.splitlines() if "µs" not in line}
    assert rows["elementwise"][:3] == ["15.0", "–", "-15.0"]
    assert rows["data movement"][:3] == ["–", "5.0", "+5.0"]
    assert rows["convolution"][:4] == ["50.0", "40.0", "-10.0", "0.80"]
    assert "BASE takes 0.0700 ms without a profile, HEAD 0.0500 ms: 0.0200 ms less" in out
    assert "explain -0.0200 ms of -0.0200 ms; +0 ms is outside them" in out
    assert "Most of it: elementwise -0.0150 ms, 1 (Relu) in BASE, none in HEAD;" in out
    assert "Against it: data movement +0.00500 ms" in out


def test_two_runs_are_compared_by_name_with_the_kernels_that_changed(shows: Show) -> None:
    out = shows(SECOND, "x0_25", "b1", "paddle", "--against", FIRST)
    assert out.startswith(f"BASE x0_25 paddle b1 t1, run {FIRST}\nHEAD x0_25 paddle b1 t1")
    first = next(line for line in out.splitlines() if line.strip().startswith("conv"))
    assert first.split() == ["conv", "80.0", "50.0", "-30.0", "0.62", "84.2%", "76.9%"]
    assert "Most of it: conv -0.0300 ms." in out
    assert "conv runs another kernel: CPU in BASE, blocks in HEAD." in out


def test_json_has_every_operator_and_every_row(shows: Show) -> None:
    (one,) = json.loads(shows(FIRST, "--json"))["profiles"]
    assert (one["run"], one["latency_ns"], one["cost"], one["together_ns"]) == (
        FIRST, 100_000, 1.5, 95_000,
    )  # fmt: skip
    assert [it["name"] for it in one["operators"]] == ["conv", "relu"]
    (without,) = json.loads(shows(SECOND, "--json", status=1))["without"]
    assert without["cell"] == BATCH.cell_id
    assert without["reason"].startswith("failed (crash)")
    (found,) = json.loads(shows(SECOND, "paddle", "b1", "--against", FIRST, "--json"))[
        "differences"
    ]
    assert found["by_name"] is True
    assert (found["difference_ns"], found["explained_ns"]) == (-30_000, -30_000)
    assert found["rows"][0]["head"]["kernels"] == ["blocks"]


@pytest.mark.parametrize(
    ("argv", "problem", "remedy"),
    [
        ([LATER], f"run {LATER} has no profile", "run --profile"),
        (["--runner", "nope"], "no profile of runner nope", "mnn, paddle"),
        (["--runner", "paddle,mnn", "--against", FIRST], "is of two runs", "one beside"),
        ([FIRST, "--against", FIRST], f"run {FIRST} is on both sides", "--against"),
        ([FIRST, "--against", SECOND, "--runner", "mnn"], "no profile of runner mnn", "paddle"),
        (["2024"], "3 runs begin with '2024'", FIRST),
        (["x0_25", "b9"], "there is no run or cell 'x0_25 b9'", "choose from"),
        (["b4", "--runner", "mnn"], "none of the cells that b4 names is of runner mnn", "leave"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_with_what_helps(
    argv: list[str], problem: str, remedy: str, shows: Show
) -> None:
    err = shows(*argv, status=2)
    assert problem in err
    assert remedy in err


def test_without_any_profile_the_command_that_takes_them_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(PADDLE, profiles=[profile(PADDLE, skipped())]), tmp_path / "results")
    assert main(["profile", "--results", str(tmp_path / "results")], fakes.tables()) == 2
    assert "no run has a profile yet: take some: `python -m bench run --profile`" in (
        capsys.readouterr().err
    )


def test_hostile_names_of_operators_stay_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one: Any = profiled(operator("\x1b[31mred\n::error::x", "[large]Conv", 3))
    put(stored(PADDLE, profiles=[profile(PADDLE, one)]), tmp_path / "results")
    assert main(["profile", "--results", str(tmp_path / "results")], fakes.tables()) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[large]Conv" in out
