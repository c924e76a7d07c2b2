"""The profiles by operator of a run: a pass of its own, after all of its sessions.

A profile slows an engine down and needs another one of it than what is timed: no latency is of a
process that was profiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

from pydantic import ValidationError

from bench.core.cell import Cell, Sampling
from bench.core.protocol import request_for
from bench.core.units import significant, to_ms
from bench.experiments.latency.session import SessionLauncher
from bench.experiments.progress import Unit, Units
from bench.experiments.session import Attempt, attempt, check_claims, outcome_of
from bench.launcher.process import ChildFailed, Replied
from bench.storage.files import utc_now
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import CellFields, Failed, Skipped
from bench.storage.schema.profile import Profiled, ProfileRecord
from bench.storage.validation import explain

_MOST, _LEAST, _FOR_S = 100, 10, 2.0
"""Inferences without the profile, and as many with it; of a slow net fewer, which take 2 s."""


_Engine = tuple[str, tuple[tuple[str, str], ...], str]
"""A runner, its settings and the precision."""


def profiling(sampling: Sampling) -> Sampling:
    """Return how a profile warms up and how many inferences it is of."""
    return replace(sampling, samples=_MOST, min_samples=_LEAST, budget_s=_FOR_S, laps=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLauncher:
    """Profiles cells; `sessions` says how they start, with the sampling of `profiling`.

    `skipped` has what runners with their settings can't profile: that is no matter of the net.
    """

    sessions: SessionLauncher
    skipped: dict[_Engine, Skipped] = field(default_factory=dict)

    def __call__(self, cell: Cell) -> ProfileRecord:
        """Profile `cell`; whatever the child does becomes a record."""
        engine = cell.runner, cell.settings, cell.precision
        if engine in self.skipped:
            return _record(cell, utc_now(), self.skipped[engine])
        record = attempt(self.sessions.target, partial(self._once, cell))
        if isinstance(record.outcome, Skipped):
            self.skipped[engine] = record.outcome
        return record

    def _once(self, cell: Cell) -> Attempt[ProfileRecord]:
        self.sessions.target.ready()
        started, start = utc_now(), self.sessions.start(cell)
        result = self.sessions.launch(
            request_for("profile", **start.request.to_json()),
            python=start.python,
            env=start.env,
            timeout_s=self.sessions.sampling.timeout_s,
        )
        made = _profiled(result) if isinstance(result, Replied) else result
        failure = made if isinstance(made, ChildFailed) else None
        outcome = outcome_of(made, self.sessions.scrub) if isinstance(made, ChildFailed) else made
        record = _record(cell, started, outcome)
        return Attempt(result=record, failure=failure, remake=start.remake)


def _record(cell: Cell, started: str, outcome: Profiled | Skipped | Failed) -> ProfileRecord:
    fields = CellFields(**cell.to_json())
    return ProfileRecord(cell_id=cell.id, cell=fields, started=started, outcome=outcome)


def _profiled(result: Replied) -> Profiled | ChildFailed:
    """Return a worker's answer, the failure where that isn't a profile."""
    try:
        profiled = Profiled(**result.value)
        both = {"inferences": profiled.plain_ns, "profiled inferences": profiled.profiled_ns}
        check_claims(result.wall_ns, **{name: sum(ns) for name, ns in both.items()})
    except (TypeError, ValueError) as error:
        what = explain(error) if isinstance(error, ValidationError) else str(error)
        return ChildFailed(
            kind="garbage-reply",
            message=f"the worker's reply isn't a profile: {what}",
            hint="the runner returns another form",
        )
    return profiled


def with_profiles(sessions: Units, run: RunFolder, launch: ProfileLauncher) -> Units:
    """Yield the units of `sessions`, then a profile of each measured cell that `run` has none of.

    A profile is in its file before the next one starts.
    """
    there = sum(not it.failed_for_now for it in run.profiles([]))
    to_come = len(run.manifest().cells) - there
    for unit in sessions:
        yield replace(unit, left=unit.left + to_come)
    yield from _profiles(run, launch)


def _profiles(run: RunFolder, launch: ProfileLauncher) -> Iterator[Unit]:
    cells = [record.cell.to_cell() for record in run.unprofiled(run.records())]
    for index, cell in enumerate(cells):
        yield Unit(
            label=f"profile of {cell.label}",
            left=len(cells) - index,
            execute=partial(_execute, cell, run, launch),
        )


def _execute(cell: Cell, run: RunFolder, launch: ProfileLauncher) -> str:
    profile = launch(cell)
    run.write_profile(profile)
    return _text(profile.outcome)


def _text(outcome: Profiled | Skipped | Failed) -> str:
    """Return what a profile came to, in a few words."""
    if isinstance(outcome, Profiled):
        plain, profiled = median(outcome.plain_ns), median(outcome.profiled_ns)
        slower = f"{profiled / plain:.2f} times the time without it"
        return f"{len(outcome.operators)} operators, {significant(to_ms(plain))} ms, {slower}"
    return f"failed ({outcome.failure})" if isinstance(outcome, Failed) else "skipped"
