"""`bench ab --resume`: a live comparison cut off and gone on with."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from bench.core.errors import BenchError, DeviceLost, ResultsNotWritable, Unavailable
from bench.experiments.ab.experiment import resumed_experiment
from bench.experiments.context import Options
from bench.storage.schema.ab import AbMeasured, AbUnfinished
from tests.cli.disks import filled
from tests.cli.process import call
from tests.cli.turns import Ab, Opened
from tests.fakes import tables as fakes
from tests.fakes.arm_tables import QUICK, arm_tables


def test_an_interrupted_comparison_says_how_to_go_on_and_measures_only_the_rest(ab: Ab) -> None:
    assert ab("--seed", "4", "--half-width", "0.02", seams=Opened(most=4).seams) == 130
    folder, err = ab.only, ab.capsys.readouterr().err
    assert err.endswith(
        "resume with:\n  python -m bench ab --resume "
        f"{folder.path.name} --results {ab.root / 'results'} --models {fakes.MODELS} "
        f"--cache {ab.root / 'cache'}\n"
    )
    before, (half,) = folder.manifest(), folder.records()
    assert (before.status, half.outcome, len(half.sessions)) == ("interrupted", AbUnfinished(), 2)
    begun = resumed_experiment(folder, Options(seed=1, variants=["x0_5"]), arm_tables(), QUICK)
    options = begun.options
    assert (options.seed, options.variants, options.axes.runners) == (4, ["x0_25"], ["paddle"])
    assert begun.growth.half_width == 0.02
    rest = Opened()
    status, told = ab.json("--resume", folder.path.name, seams=rest.seams)
    assert (status, [cell["verdict"] for cell in told["cells"]]) == (0, ["SAME"])
    (record,) = ab.only.records()
    assert (record.outcome, len(rest.runners)) == (AbMeasured(stopped="narrow"), 2)
    assert record.sessions[:2] == half.sessions
    assert [(it.order, it.round) for it in record.sessions] == [(0, 0), (1, 1), (2, 2)]
    after = ab.only.manifest()
    assert after.finished is not None
    assert len(after.sealed) == 1
    done = {"status": "complete", "finished": after.finished, "sealed": after.sealed}
    assert after == before.model_copy(update=done)


@pytest.mark.slow
def test_it_may_be_interrupted_again_and_the_arms_are_those_of_the_first_time(ab: Ab) -> None:
    tables = arm_tables(paddle="Steady", other="Slower")
    flags = ["--base", "set:threads=2", "--head", "runner:other", "--head", "set:onednn=off"]
    ab.cut_off(*flags, tables=tables)
    again = Opened(most=2)
    assert ab("--resume", "latest", tables=tables, seams=again.seams) == 130
    assert sorted(again.runners) == ["Slower", "Steady"]
    assert ab("--resume", "latest", tables=tables) == 1
    manifest, (record,) = ab.only.manifest(), ab.only.records()
    assert [arm.asked for arm in manifest.arms.values()] == [flags[1:2], flags[3::2]]
    assert [it.order for it in record.sessions] == [0, 1, 2]


@pytest.mark.slow
def test_a_cell_that_failed_and_one_that_is_narrow_are_not_measured_again(ab: Ab) -> None:
    tables = arm_tables(paddle="Steady", bad="CrashesInABurst")
    # Three rounds: two processes each of the one, and two in all of the other, which falls.
    first, rest = Opened(most=6), Opened()
    flags = ["--runner", "paddle,bad"]
    assert ab(*flags, tables=tables, seams=first.seams) == 130
    _, failed = ab.only.records()
    assert failed.outcome.kind == "arm-failed"
    assert ab("--resume", "latest", tables=tables, seams=rest.seams) == 3
    good, still = ab.only.records()
    assert rest.runners == ["Steady", "Steady"]
    assert (still, good.outcome) == (failed, AbMeasured(stopped="narrow"))


@pytest.mark.slow
def test_a_comparison_that_was_killed_goes_on(ab: Ab) -> None:
    flags = ["ab", *ab.where, "--variant", "x0_25"]
    done = call("4", *flags, module="tests.cli.turns")
    assert done.returncode == -signal.SIGKILL
    (half,) = ab.only.records()
    assert (ab.only.manifest().status, len(half.sessions)) == ("running", 2)
    assert ab("--resume", "latest") == 0
    (record,) = ab.only.records()
    assert (ab.only.manifest().status, len(record.sessions)) == ("complete", 3)
    assert record.sessions[:2] == half.sessions


@pytest.mark.slow
def test_a_comparison_that_was_killed_before_its_first_record_goes_on(ab: Ab) -> None:
    ab.cut_off()
    (ab.only.path / "pairs" / f"{ab.only.manifest().pairs[0]}.json").unlink()
    assert ab("--resume", "latest") == 0
    (record,) = ab.only.records()
    assert [it.order for it in record.sessions] == [0, 1, 2]


@pytest.mark.slow
def test_a_disk_that_fills_up_keeps_what_was_measured(ab: Ab, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with pytest.raises(ResultsNotWritable) as raised:
        ab(seams=Opened(most=4, event=partial(filled, ballast)).seams)
    assert "No space left on device; what was measured before is kept" in raised.value.problem
    resume = f"python -m bench ab --resume {ab.only.path.name} --results {small_disk} "
    assert raised.value.hint == "free some space, then resume with"
    assert str(raised.value.command).startswith(resume)
    (half,) = ab.only.records()
    assert len(half.sessions) == 2
    ballast.unlink()
    assert ab("--resume", "latest") == 0
    (record,) = ab.only.records()
    assert (len(record.sessions), record.sessions[:2]) == (3, half.sessions)


def test_whatever_else_ends_it_leaves_it_interrupted(ab: Ab) -> None:
    def fall() -> None:
        raise RuntimeError("a fault of the harness's own")

    with pytest.raises(RuntimeError, match="a fault"):
        ab(seams=Opened(most=2, event=fall).seams)
    assert ab.only.manifest().status == "interrupted"
    assert ab("--resume", "latest") == 0


def test_a_device_that_goes_away_leaves_one_that_can_be_gone_on_with(ab: Ab) -> None:
    def lose() -> None:
        raise DeviceLost("SER1AL", "a session")

    with pytest.raises(BenchError) as raised:
        ab(seams=Opened(most=2, event=lose).seams)
    assert "went away during a session; what was measured before is kept" in raised.value.problem
    resume = raised.value.command or ""
    assert resume.startswith(f"python -m bench ab --resume {ab.only.path.name} ")
    assert ab.only.manifest().status == "interrupted"
    assert ab("--resume", "latest") == 0


def test_any_error_tells_how_to_go_on(ab: Ab) -> None:
    def refuse() -> None:
        raise Unavailable("the engine is gone", hint="bring it back")

    with pytest.raises(Unavailable) as raised:
        ab(seams=Opened(most=2, event=refuse).seams)
    resume = f"python -m bench ab --resume {ab.only.path.name} "
    assert raised.value.hint == "bring it back, then resume with"
    assert str(raised.value.command).startswith(resume)
    assert ab.only.manifest().status == "interrupted"
