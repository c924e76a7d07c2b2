"""One step of a plan -> one entry of the journal: request, child, its reply or its failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bench.artifacts import Artifact, Launch
from bench.boundary import explain
from bench.cell import Cell, Sampling
from bench.environments import Environments
from bench.launch import ChildFailed, ChildResult, Replied
from bench.places import Place
from bench.plan import Step
from bench.protocol import MeasureRequest
from bench.record import Failed, JournalEntry, Scalar, Session, Skipped
from bench.runners import RunnerEntry
from bench.store import utc_now

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLauncher:
    """Launches steps at `place`, whose state is read before and after a session, never during."""

    runners: Mapping[str, RunnerEntry]
    environments: Environments
    artifacts: Mapping[Cell, Artifact]
    sampling: Sampling
    launch: Launch
    place: Place
    scrub: Callable[[str], str]

    def __call__(self, step: Step) -> JournalEntry:
        """Measure one session; whatever the child does becomes an entry.

        A session whose place went away and came back is repeated, a few times at most.
        """
        for _ in range(_TRIES):
            before = dict(self.place.ready())
            started = utc_now()
            result = self._launch(step.cell)
            if isinstance(result, ChildFailed) and self.place.is_back(result):
                continue
            break
        if isinstance(result, ChildFailed):
            return self._failure(step.cell, result)
        return self._session(step, started, before, dict(self.place.conditions()), result)

    def _launch(self, cell: Cell) -> ChildResult:
        entry = self.runners[cell.runner]
        return self.launch(
            "bench.worker",
            self._request(cell, entry).to_json(),
            python=self.environments.get(entry.env).python,
            env={"OMP_NUM_THREADS": str(cell.threads), **dict(entry.child_env)},
            timeout_s=self.sampling.timeout_s,
        )

    def _request(self, cell: Cell, entry: RunnerEntry) -> MeasureRequest:
        artifact = self.artifacts[cell]
        return MeasureRequest(
            runner=entry.path,
            target=self.place.target,
            cell=cell,
            sampling=self.sampling,
            artifact=artifact.main,
            reference=artifact.reference,
            tolerance=entry.tolerance,
        )

    def _failure(self, cell: Cell, result: ChildFailed) -> JournalEntry:
        if result.kind == "unavailable":
            skipped = Skipped(reason=self.scrub(result.message), hint=self.scrub(result.hint))
            return JournalEntry(cell_id=cell.id, skipped=skipped)
        failed = Failed(
            failure=result.kind,
            message=self.scrub(result.message),
            hint=self.scrub(result.hint),
            log_tail=self.scrub(result.log_tail),
        )
        return JournalEntry(cell_id=cell.id, failed=failed)

    def _session(
        self,
        step: Step,
        started: str,
        before: dict[str, Scalar],
        after: dict[str, Scalar],
        result: Replied,
    ) -> JournalEntry:
        try:
            session = Session(
                started=started,
                order=step.order,
                round=step.round,
                pid=result.pid,
                wall_ns=result.wall_ns,
                before=before,
                after=after,
                teardown=result.teardown,
                **result.value,
            )
        except (TypeError, ValidationError) as error:
            what = explain(error) if isinstance(error, ValidationError) else str(error)
            message = f"the worker's reply isn't a session: {what}"
            garbage = ChildFailed(
                kind="garbage-reply", message=message, hint="the runner returns another form"
            )
            return self._failure(step.cell, garbage)
        return JournalEntry(cell_id=step.cell.id, session=session)
