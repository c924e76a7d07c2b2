"""What must be true of a fleet's runs, read from its files: each returns what isn't, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from bench.core.units import NS_PER_S
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import Measured, Session
from bench.storage.store import Store
from tests.cli.fleets import TestFleet
from tests.cli.process import contents

_RESOLUTION_S = 1.0  # of a session's start


def measured_once(run: RunFolder) -> list[str]:
    """Each session of the plan is there, once, and its cells are measured."""
    manifest, records = run.manifest(), list(run.records())
    sessions = Counter((it.cell_id, one.order) for it in records for one in it.sessions)
    planned = manifest.sampling.sessions * len(manifest.cells)
    wrong = [f"{key} is there {count} times" for key, count in sessions.items() if count != 1]
    if len(sessions) != planned:
        wrong.append(f"{len(sessions)} sessions for {planned}")
    if manifest.status != "complete":
        wrong.append(manifest.status)
    wrong += [it.cell_id for it in records if not isinstance(it.outcome, Measured)]
    return [f"{run.path.name}: {it}" for it in wrong]


def merged_differently(fleet: TestFleet) -> list[str]:
    """The merged runs are the workers' byte for byte, and there is no other."""
    merged = {run.path.name: contents(run.path) for run in Store(fleet.mine).runs()}
    theirs = {
        run_id: contents(path)
        for name in fleet.workers
        for run_id, path in fleet.runs_of(name).items()
    }
    return [it for it in {*merged, *theirs} if merged.get(it) != theirs.get(it)]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """When a run measured on a worker without a pause for another one, in s since 1970."""

    begin: float
    run: str
    end: float


def overlapping(fleet: TestFleet, worker: str, *, resumed: int = 0) -> list[str]:
    """No two runs of a worker, whose jobs take their host alone, measured at once.

    Each has its sessions in one span of time, but for as many as were interrupted and `resumed`.
    """
    spans = list(spans_of(fleet, worker))
    wrong = [
        f"{one.run} and {two.run} on {worker} measured at once"
        for one, two in pairwise(spans)
        if two.begin < one.end - _RESOLUTION_S
    ]
    many = len(spans) - len({span.run for span in spans})
    return wrong if many <= resumed else [*wrong, f"{many} runs on {worker} had a pause"]


def spans_of(fleet: TestFleet, worker: str) -> Iterator[Span]:
    """Yield the spans in order, from the sessions' times."""
    sessions = sorted(
        _of_session(run_id, one)
        for run_id, path in fleet.runs_of(worker).items()
        for record in RunFolder(path).records()
        for one in record.sessions
    )
    for run, group in groupby(sessions, key=lambda span: span.run):
        own = list(group)
        yield Span(own[0].begin, run, max(it.end for it in own))


def _of_session(run: str, session: Session) -> Span:
    begin = datetime.fromisoformat(session.started).timestamp()
    return Span(begin, run, begin + session.wall_ns / NS_PER_S)


def all_faults(fleet: TestFleet, *, resumed: int = 0) -> list[str]:
    """Return whatever isn't as it must be, where so many jobs of a worker were interrupted."""
    return [
        *(it for run in Store(fleet.mine).runs() for it in measured_once(run)),
        *merged_differently(fleet),
        *(it for name in fleet.workers for it in overlapping(fleet, name, resumed=resumed)),
    ]
