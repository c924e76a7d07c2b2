"""`bench ab --measure cpu`: the ratio is of CPU time, with real processes that work and wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.analysis.live_verdicts import verdicts
from bench.cli.main import parse
from bench.config.thresholds import Gate
from bench.core.errors import InputError
from bench.experiments.ab.experiment import check_cpu_time
from bench.storage.schema.common import Skipped
from bench.targets import TARGETS
from tests.cli.turns import Ab, Opened
from tests.fakes.arm_tables import arm_tables


def test_an_arm_that_waits_has_the_same_cpu_time_and_is_slower(ab: Ab) -> None:
    """One run of real work: in its samples both measures are there."""
    tables = arm_tables(paddle="Works", other="WorksAndWaits")
    flags = ("--measure", "cpu", "--head", "runner:other", "--sessions", "3")
    status, told = ab.json(*flags, tables=tables)
    (cell,) = told["cells"]
    assert (status, cell["verdict"], told["measure"]) == (0, "SAME", "cpu")
    assert cell["reason"].startswith("CPU time: no slowdown of 5% is left")
    assert "CPU time" in " ".join(told["notes"])
    assert ab.only.manifest().measure == "cpu"
    (record,) = ab.only.records()
    wall = verdicts([record], base="a", head="b", gate=Gate())
    assert (wall.cells[0].verdict != "SAME", wall.measure) == (True, "wall")
    head = [
        ns
        for it in record.sessions
        for burst in it.bursts
        if burst.arm == "head"
        for ns in burst.ns
    ]
    assert min(head) >= 40_000_000  # 20 of work, 20 of sleep: its CPU time is half of it
    assert cell["head_ns"] < min(head)


def test_a_comparison_goes_on_with_the_measure_that_it_began_with(ab: Ab) -> None:
    tables = arm_tables(paddle="Works")
    flags = ("--measure", "cpu", "--sessions", "2")
    assert ab(*flags, tables=tables, seams=Opened(most=2).seams) == 130
    with pytest.raises(InputError, match="leave out --measure"):
        parse(["ab", "--resume", "latest", "--measure", "wall"])
    status, told = ab.json("--resume", "latest", tables=tables)
    assert (status in {0, 3}, told["measure"]) == (True, "cpu")  # two sessions tell little
    assert told["cells"][0]["reason"].startswith("CPU time: ")


def test_an_arm_that_knows_no_cpu_time_has_no_figure(ab: Ab) -> None:
    """Fakes that claim their durations say nothing of CPU time, as an older revision's worker."""
    status, told = ab.json("--measure", "cpu", tables=arm_tables(paddle="Steady"))
    assert (status, told["cells"][0]["ratio"]) == (3, None)
    (record,) = ab.only.records()
    assert record.outcome.kind == "arm-failed"
    assert isinstance(record.outcome.why, Skipped)
    assert record.outcome.why.reason == "the CPU time of its bursts isn't known"


def test_cpu_time_is_refused_where_it_is_not_known() -> None:
    check_cpu_time("cpu", TARGETS, "linux")
    for kind, system, where in (
        ("cpu", "darwin", "darwin"),
        ("android", "linux", "a phone"),
        ("nvidia-gpu", "linux", "a GPU"),
    ):
        with pytest.raises(InputError, match=f"isn't known on {where}: leave it out"):
            check_cpu_time(kind, TARGETS, system)


def test_on_a_phone_it_is_refused_before_anything_is_prepared(ab: Ab) -> None:
    tables = arm_tables(paddle="Steady")
    there = {name: replace(it, target="android") for name, it in tables.runners.items()}
    with pytest.raises(InputError, match="isn't known on a phone"):
        ab("--measure", "cpu", tables=replace(tables, runners=there))
    assert not (ab.root / "results").exists()
