"""Cells that take more sessions until the interval is narrow, or the cap or the time is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.experiments.latency.progress import one_by_one, pending_sessions
from bench.experiments.latency.schedule import Step, make_plan
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import JournalEntry, Measured, Record
from tests.fakes.values import SAMPLING, cell, entry, manifest

QUIET, NOISY = (cell(variant=name, model_hash=name) for name in ("quiet", "noisy"))
RULE = replace(SAMPLING, sessions=3, max_sessions=6, half_width=0.02, grow_for_s=1000.0)
PLAN = make_plan([QUIET, NOISY], RULE, seed=1)
SECONDS_A_SESSION = 10.0


class Machine:
    """A launcher whose clock moves by ten seconds a session; the noisy cell's medians scatter.

    One that comes `after` another counts on from it; a person interrupts it once `most` are in.
    """

    def __init__(
        self,
        noise: Sequence[int] = (900, 1100, 1000, 950, 1050, 1000),
        *,
        after: Machine | None = None,
        most: int | None = None,
    ) -> None:
        self.now = 0.0
        self.left: list[int] = []
        self.launched: dict[str, int] = dict(after.launched) if after else {}
        self._most = most
        self._noise = noise

    def __call__(self, step: Step) -> JournalEntry:
        if self.sessions == self._most:
            raise KeyboardInterrupt
        self.now += SECONDS_A_SESSION
        name = step.cell.variant
        count = self.launched[name] = self.launched.get(name, 0) + 1
        median = self._noise[count - 1] if name == "noisy" else 1000
        return entry(
            step.cell, step.order, round=step.round, samples_ns=[median] * 3,
            wall_ns=round(1e9 * SECONDS_A_SESSION),
        )  # fmt: skip

    @property
    def sessions(self) -> int:
        return sum(self.launched.values())


@pytest.fixture
def go(tmp_path: Path) -> Callable[..., Mapping[str, Record]]:
    def call(machine: Machine, grow_for_s: float = 1000.0) -> Mapping[str, Record]:
        folder = RunFolder(tmp_path / "run")
        folder.write_manifest(manifest())
        plan = make_plan([QUIET, NOISY], replace(RULE, grow_for_s=grow_for_s), seed=1)
        for unit in pending_sessions(
            plan, launch=one_by_one(machine), run=folder, settled={}, clock=lambda: machine.now
        ):
            machine.left.append(unit.left)
            assert unit.execute().endswith(" ms")
        return {record.cell.variant: record for record in folder.records()}

    return call


def why(record: Record) -> str:
    assert isinstance(record.outcome, Measured)
    return record.outcome.stopped


def test_a_narrow_cell_stops_early_and_a_wide_one_goes_on_to_the_cap(
    go: Callable[..., Mapping[str, Record]],
) -> None:
    machine = Machine()
    records = go(machine)
    assert machine.launched == {"quiet": 3, "noisy": 6}
    assert why(records["quiet"]) == "narrow"
    assert why(records["noisy"]) == "cap"


def test_a_wide_cell_stops_as_soon_as_its_interval_is_narrow(
    go: Callable[..., Mapping[str, Record]],
) -> None:
    machine = Machine(noise=(990, 1010, 1000, 1000, 1000, 1000))
    records = go(machine)
    assert machine.launched["noisy"] == 4
    assert why(records["noisy"]) == "narrow"


def test_when_the_time_is_over_no_further_session_is_launched(
    go: Callable[..., Mapping[str, Record]],
) -> None:
    machine = Machine()
    records = go(machine, grow_for_s=6 * SECONDS_A_SESSION)
    assert machine.launched == {"quiet": 3, "noisy": 3}
    assert why(records["noisy"]) == "time"


def test_the_first_sessions_are_taken_however_long_they_last(
    go: Callable[..., Mapping[str, Record]],
) -> None:
    records = go(Machine(), grow_for_s=0.0)
    assert {len(record.sessions) for record in records.values()} == {3}


def test_what_is_left_counts_only_the_growth_that_there_is_time_for(
    go: Callable[..., Mapping[str, Record]],
) -> None:
    machine = Machine()
    go(machine, grow_for_s=8 * SECONDS_A_SESSION)
    assert machine.left[0] == 12  # nothing is known of the pace yet
    assert machine.left[1] == 7
    assert machine.left[-1] == 1
    assert min(machine.left) >= 1


@pytest.mark.parametrize("after", [2, 5, 7])
def test_the_time_of_earlier_sessions_counts(
    after: int, go: Callable[..., Mapping[str, Record]]
) -> None:
    limit_s = 8 * SECONDS_A_SESSION
    first = Machine(most=after)
    with pytest.raises(KeyboardInterrupt):
        go(first, grow_for_s=limit_s)
    rest = Machine(after=first)
    records = go(rest, grow_for_s=limit_s)
    assert rest.sessions == 8
    assert why(records["noisy"]) == "time"
    assert rest.left[0] == 8 - after


def test_the_time_of_a_cell_s_record_counts_where_the_journal_has_it_not(
    go: Callable[..., Mapping[str, Record]], tmp_path: Path
) -> None:
    first = Machine(most=7)
    with pytest.raises(KeyboardInterrupt):
        go(first, grow_for_s=8 * SECONDS_A_SESSION)
    folder = RunFolder(tmp_path / "run")
    assert [record.cell.variant for record in folder.records()] == ["quiet"]
    kept = [it for it in folder.journal() if it.cell_id != QUIET.id]
    folder.drop_journal()
    for one in kept:
        folder.append(one)
    rest = Machine(after=first)
    records = go(rest, grow_for_s=8 * SECONDS_A_SESSION)
    assert (rest.launched["noisy"], why(records["noisy"])) == (5, "time")
