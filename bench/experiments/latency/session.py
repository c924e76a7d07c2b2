"""One step of a plan -> one entry of the journal: request, child, its reply or its failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

from pydantic import ValidationError

from bench.analysis.contention import durations_ns
from bench.artifacts.builder import Artifact, Launch
from bench.core.cell import Cell, Sampling
from bench.core.protocol import request_for
from bench.environments.interpreters import Environments
from bench.experiments.latency.schedule import Step
from bench.experiments.provenance import shown_variable
from bench.experiments.session import (
    Attempt,
    Start,
    attempt,
    check_claims,
    impossible,
    outcome_of,
    start_of,
)
from bench.launcher.process import ChildFailed, ChildResult, Replied
from bench.runners import RunnerEntry
from bench.storage.files import utc_now
from bench.storage.schema.common import Scalar, Skipped
from bench.storage.schema.latency import Costs, JournalEntry, Session
from bench.storage.schema.layers import EngineLayers
from bench.storage.validation import explain
from bench.targets.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """When a session started, and the target's state before and after it."""

    started: str
    before: Mapping[str, Scalar]
    after: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLauncher:
    """Launches steps at `target`, whose state is read before and after a session, never during.

    `costs` are those of the nets by variant, as far as they are known. `keep_layers` stores an
    engine's layers and returns what a session calls them.
    """

    runners: Mapping[str, RunnerEntry]
    environments: Environments
    artifacts: Mapping[Cell, Artifact]
    sampling: Sampling
    launch: Launch
    target: Target
    scrub: Callable[[str], str]
    costs: Mapping[str, Costs | None] = field(default_factory=dict)
    keep_layers: Callable[[EngineLayers], str | None] = lambda _: None

    def __call__(self, step: Step) -> JournalEntry:
        """Measure one session; whatever the child does becomes an entry.

        It is retried by the rule of `bench.experiments.session.attempt`.
        """
        return attempt(self.target, partial(self._once, step))

    def _once(self, step: Step) -> Attempt[JournalEntry]:
        before = dict(self.target.ready())
        started = utc_now()
        result = self._launch(step.cell)
        if isinstance(result, ChildFailed):
            entry = self.failure(step.cell, result)
            remake = self.artifacts[step.cell].remake
            return Attempt(result=entry, failure=result, remake=remake)
        around = Around(started=started, before=before, after=dict(self.target.state()))
        entry = self.session(step, around, result)
        return Attempt(result=entry, readings=[entry.session] if entry.session else [])

    def start(self, cell: Cell) -> Start:
        """Return how a session of `cell` starts; raises Unavailable."""
        return start_of(
            cell,
            self.artifacts[cell],
            self.runners[cell.runner],
            self.environments,
            sampling=self.sampling,
        ).at(self.target)

    def _launch(self, cell: Cell) -> ChildResult:
        start = self.start(cell)
        return self.launch(
            request_for("measure", **start.request.to_json()),
            python=start.python,
            env=start.env,
            timeout_s=self.sampling.timeout_s,
        )

    def failure(self, cell: Cell, result: ChildFailed) -> JournalEntry:
        """Return the entry of a child that failed."""
        outcome = outcome_of(result, self.scrub)
        name = "skipped" if isinstance(outcome, Skipped) else "failed"
        return JournalEntry.model_validate({"cell_id": cell.id, name: outcome})

    def session(
        self, step: Step, around: Around, result: Replied, *, turn: int | None = None
    ) -> JournalEntry:
        """Return the entry of a child's reply, a failure where that isn't a session."""
        values, layers = dict(result.value), None
        try:
            if told := values.pop("layers", None):
                layers = EngineLayers(layers=told)
            session = Session(
                order=step.order,
                round=step.round,
                turn=turn,
                pid=result.pid,
                wall_ns=result.wall_ns,
                teardown=result.teardown,
                **asdict(around),
                **values,
            )
            _check_time(session)
        except (TypeError, ValueError) as error:
            return self.failure(step.cell, _garbage(error))
        costs = self.costs.get(step.cell.variant)
        too_fast = impossible(
            step.cell, durations_ns(session), costs, self.target.system, session.facts
        )
        if too_fast is not None:
            return self.failure(step.cell, too_fast)
        facts = session.facts | self.artifacts[step.cell].session_facts | self._passed()
        kept = None if layers is None else self.keep_layers(layers)
        session = session.model_copy(update={"facts": facts, "layers": kept})
        return JournalEntry(cell_id=step.cell.id, session=session)

    def _passed(self) -> dict[str, str]:
        """Return the fact that the session inherited variables of --pass-env, nothing for none."""
        passed = self.environments.passed.items()
        words = ", ".join(f"{name}={shown_variable(name, value)}" for name, value in passed)
        return {"passed_env": words} if words else {}


def _garbage(error: Exception) -> ChildFailed:
    what = explain(error) if isinstance(error, ValidationError) else str(error)
    return ChildFailed(
        kind="garbage-reply",
        message=f"the worker's reply isn't a session: {what}",
        hint="the runner returns another form",
    )


def _check_time(session: Session) -> None:
    """Raise ValueError where a session claims more time than it had: its clock is another's."""
    ready_ns = session.load_ns + (session.build_ns or 0) + session.first_inference_ns
    spans = {"samples": session.samples_ns, **session.figures_ns}
    spans["reported figures"] = [max((session.reported_ns or {}).values(), default=0)]
    claims = {name: ready_ns + sum(session.warmup_ns) + sum(ns) for name, ns in spans.items()}
    check_claims(session.wall_ns, **claims)
