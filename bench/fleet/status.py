"""What a fleet does at this moment: its machines, its queue, how far jobs are, what failed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.fleet.jobs import PREFIX, Fleet, Place
from bench.fleet.scheduler import DASHBOARD_LINK

State = Literal["running", "waiting", "done", "failed"]
_STATES: Mapping[str, State] = {"memory": "done", "erred": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job that the scheduler knows: `on` is the worker that runs it, `for_s` for how long.

    `sessions` are those that it has measured so far; `why` is what it failed of. A job of a worker
    that doesn't answer waits.
    """

    job: str
    state: State
    on: str | None = None
    for_s: float | None = None
    sessions: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetState:
    """The targets that are offered, `silent_s` since each worker's last sign, and the jobs."""

    targets: Sequence[Place]
    silent_s: Mapping[str, float]
    jobs: Sequence[JobState]
    dashboard: str | None

    def count(self, state: State) -> int:
        """Return how many jobs are in that state."""
        return sum(job.state == state for job in self.jobs)


def state_of(fleet: Fleet) -> FleetState:
    """Ask the scheduler and the workers that run something."""
    known = fleet.client.run_on_scheduler(_known)
    busy = list({it["address"] for it in known["jobs"] if it["address"]})
    progress = _progress(fleet, busy) if busy else {}
    jobs = [_job_state(it, progress) for it in known["jobs"]]
    return FleetState(
        targets=fleet.places(),
        silent_s=known["silent_s"],
        jobs=sorted(jobs, key=lambda job: (list(_ORDER).index(job.state), job.job)),
        dashboard=known["dashboard"],
    )


_ORDER: Sequence[State] = ("running", "waiting", "failed", "done")


def _progress(fleet: Fleet, busy: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return for how long jobs have run and their sessions so far, by id.

    A worker that doesn't answer tells nothing: this waits for it no longer than it must.
    """
    from bench.fleet.host import progress_here

    answers = fleet.client.run(progress_here, workers=busy, on_error="ignore")
    return {job: how for answer in answers.values() for job, how in answer.items()}


def _job_state(known: Mapping[str, Any], progress: Mapping[str, tuple[float, int]]) -> JobState:
    name, _, job_id = known["key"].removeprefix(f"{PREFIX}-").rpartition("-")
    # The scheduler gives a worker more than it has room for: what doesn't run waits there.
    for_s, sessions = progress.get(job_id, (None, None))
    state = "running" if for_s is not None else _STATES.get(known["state"], "waiting")
    return JobState(
        job=name,
        state=state,
        on=known["on"] if state == "running" else None,
        for_s=for_s,
        sessions=sessions,
        why=known["why"],
    )


def _known(dask_scheduler: Any) -> dict[str, Any]:
    """Return what the scheduler knows; it runs there."""
    now = time.time()
    jobs = []
    for key, task in dask_scheduler.tasks.items():
        if not str(key).startswith(f"{PREFIX}-"):
            continue
        on = task.processing_on
        jobs.append({
            "key": str(key),
            "state": task.state,
            "on": None if on is None else str(on.name),
            "address": None if on is None else on.address,
            "why": task.exception_text or None,
        })  # fmt: skip
    return {
        "jobs": jobs,
        "silent_s": {
            str(it.name): round(now - it.last_seen, 1) for it in dask_scheduler.workers.values()
        },
        "dashboard": dask_scheduler.extensions.get(DASHBOARD_LINK),
    }
