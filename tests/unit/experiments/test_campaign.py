"""What every experiment has from the campaign, shown with one that only counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import BenchError, Busy, InputError
from bench.core.locks import held, runtime_folder
from bench.experiments.campaign import RunResult, find_unfinished, run_experiment
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Lines, Unit, Units
from bench.experiments.resume import NETS, SYSTEM, Same
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import ModelFacts, RunManifest
from bench.storage.store import Store
from bench.targets import TARGETS
from bench.targets.base import Target
from tests.fakes.targets import FakeTarget
from tests.fakes.values import cell, entry, manifest

CELL = cell()


class Here(FakeTarget):
    """A target that needs nothing."""

    def __init__(self, spec: TargetSpec) -> None:
        super().__init__(spec=spec)


TARGET = replace(TARGETS["cpu"], path=f"{__name__}:Here")
TABLES = Tables(targets={"cpu": TARGET}, busy=lambda: None)


@dataclass
class Counting:
    """Appends a line a unit, three in all; `event` happens before the unit of that number."""

    net: str = "a"
    seed: int = 0
    at: int = -1
    event: BaseException = field(default_factory=KeyboardInterrupt)
    verb: str = "count"
    directory: type[RunFolder] = RunFolder
    resume_identity: Sequence[Same] = (
        SYSTEM,
        NETS,
        Same(path="seed", what="the seed", remedy="give --seed {then}", shown=True),
    )
    prepared: bool = False
    closed: bool = False

    def spec(self) -> TargetSpec:
        return TargetSpec(kind="cpu")

    def plan(self, target: Target) -> Mapping[str, Any]:
        return {"models": {"x0_25": {"model_hash": self.net}}}

    def prepare(self, target: Target, say: Callable[[str], None]) -> RunManifest:
        self.prepared = True
        facts = ModelFacts(
            title="a net", published=None, weights="seeded", model_hash=self.net,
            costs=None, storage=None, missing={}, artifacts={},
        )  # fmt: skip
        system = target.system.system_id
        return manifest(system_id=system, seed=self.seed, cells={}, models={"x0_25": facts})

    def pending(self, run: RunFolder, target: Target, clock: Callable[[], float]) -> Units:
        begun = len(run.journal())
        try:
            for number in range(begun, 3):
                execute = partial(self._execute, run, number)
                yield Unit(label=f"unit {number}", left=3 - number, execute=execute)
        finally:
            self.closed = True

    def _execute(self, run: RunFolder, number: int) -> str:
        if number == self.at:
            raise self.event
        run.append(entry(CELL, number))
        return "counted"

    def resume_flags(self, run: RunFolder) -> list[str]:
        return ["--seed", str(self.seed)]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(results=tmp_path)


def carry_out(
    experiment: Counting, options: Options, resumed: RunFolder | None = None
) -> RunResult[RunFolder]:
    return run_experiment(experiment, options, TABLES, resumed=resumed, shown=Lines())


def interrupted(options: Options) -> RunFolder:
    return carry_out(Counting(at=1), options).run


def test_a_whole_experiment_is_complete(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    done = carry_out(Counting(), options)
    stored = done.run.manifest()
    assert (done.interrupted, stored.status, len(done.run.journal())) == (False, "complete", 3)
    assert stored.finished is not None
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(";")[0] for line in lines] == [
        f"[{n + 1}/3] unit {n}: counted" for n in range(3)
    ]


def test_an_interrupted_one_is_marked_closed_and_resumed_with_the_rest(options: Options) -> None:
    first = Counting(at=1)
    done = carry_out(first, options)
    run = done.run
    assert done.interrupted
    assert done.resume == f"python -m bench count --resume {run.path.name} --seed 0"
    assert (run.manifest().status, len(run.journal()), first.closed) == ("interrupted", 1, True)
    again = find_unfinished(RunFolder, Store(options.results), "latest")
    assert not carry_out(Counting(), options, again).interrupted
    assert [it.session.order for it in run.journal() if it.session] == [0, 1, 2]
    assert run.manifest().status == "complete"
    with pytest.raises(InputError, match="is complete: leave --resume out"):
        find_unfinished(RunFolder, Store(options.results), run.path.name)


@pytest.mark.parametrize("event", [RuntimeError("a fault"), BenchError("gone", hint="bring it")])
def test_an_error_that_aborts_a_run_has_the_resume_command(
    event: Exception, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(event)) as raised:
        carry_out(Counting(at=2, event=event), options)
    (run,) = Store(options.results).runs()
    assert run.manifest().status == "interrupted"
    command = f"python -m bench count --resume {run.path.name} --seed 0"
    assert command in f"{capsys.readouterr().err}{raised.value}"


def test_an_error_before_the_first_result_leaves_no_run(options: Options) -> None:
    with pytest.raises(BenchError) as raised:
        carry_out(Counting(at=0, event=BenchError("gone", hint="bring it")), options)
    assert str(raised.value) == "gone: bring it"
    assert Store(options.results).runs() == []
    assert list(options.results.glob("runs/*/*")) == []


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        (Counting(net="b"), "the net x0_25 isn't what run {} began with: give the same"),
        (Counting(seed=7), "the seed was 0 when run {} began, and is 7 now: give --seed 0"),
    ],
)
def test_another_one_is_not_resumed_and_nothing_is_written(
    now: Counting, problem: str, options: Options
) -> None:
    run = interrupted(options)
    before = run.manifest_path.read_bytes(), run.journal_path.read_bytes()
    with pytest.raises(InputError) as refused:
        carry_out(replace(now), options, run)
    assert problem.format(run.path.name) in str(refused.value)
    assert (run.manifest_path.read_bytes(), run.journal_path.read_bytes()) == before
    assert [path.name for path in options.results.glob("runs/*/*")] == [run.path.name]


def test_what_is_known_before_preparing_is_checked_before(options: Options) -> None:
    now = Counting(net="b")
    with pytest.raises(InputError):
        carry_out(now, options, interrupted(options))
    assert not now.prepared


def test_a_run_that_is_live_is_not_resumed(options: Options) -> None:
    run = interrupted(options)
    with run.locked(), pytest.raises(Busy, match=rf"run {run.path.name} is in use .* \(pid "):
        carry_out(Counting(), options, run)
    assert run.manifest().status == "interrupted"


def test_a_target_that_is_measured_takes_no_second_run(options: Options) -> None:
    with (
        held(runtime_folder() / "cpu.lock", "target cpu"),
        pytest.raises(Busy, match="target cpu is in use by another process") as raised,
    ):
        carry_out(Counting(), options)
    assert "wait until that is over" in raised.value.hint
    assert Store(options.results).runs() == []


def test_what_a_killed_run_left_half_written_goes_when_it_is_resumed(options: Options) -> None:
    run = interrupted(options)
    left = [run.path / ".run.json-0123.part", run.path / "cells" / ".a.json-0123.part"]
    left[1].parent.mkdir()
    for path in left:
        path.touch()
    carry_out(Counting(), options, run)
    assert not any(path.exists() for path in left)
    assert not (run.path / ".lock").exists()


def test_a_clock_that_was_set_back_leaves_the_last_run_the_newest(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    first = carry_out(Counting(), options).run  # its id is of 2026-01-02 03:04:05
    second = carry_out(Counting(), options).run
    assert second.path.name.startswith("20260102T030406Z-")
    assert Store(options.results).run("latest").path == second.path
    assert "the clock is behind" not in capsys.readouterr().err
    first.path.rename(first.path.with_name("20300102T030405Z-0badc0de-00000009"))
    third = carry_out(Counting(), options).run
    assert third.path.name.startswith("20300102T030406Z-")
    said = capsys.readouterr().err
    assert "the clock is behind run 20300102T030405Z-0badc0de-00000009" in said
