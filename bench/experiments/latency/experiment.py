"""An experiment of latencies: a suite's cells over models, from the command line or resumed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bench.artifacts.builder import Workshop
from bench.config.suite import Suite
from bench.core.cell import TargetSpec
from bench.core.errors import Unavailable
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables
from bench.experiments.latency.job import Job, new_job, resumed_job, suite_of
from bench.experiments.latency.profiles import ProfileLauncher, profiling, with_profiles
from bench.experiments.latency.progress import one_by_one, pending_sessions
from bench.experiments.latency.schedule import Plan
from bench.experiments.latency.session import SessionLauncher
from bench.experiments.latency.turns import TurnLauncher
from bench.experiments.nets import OwnOptions
from bench.experiments.preparation import Prepared, packages_of, prepare, reachable
from bench.experiments.progress import Units
from bench.experiments.provenance import begun, hidden, make_provenance
from bench.experiments.resume import NETS, PACKAGES, PASSED, SYSTEM, Same
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import CellFields, SamplingFields
from bench.storage.schema.latency import ModelFacts, RunManifest
from bench.targets.base import Target


@dataclass(slots=True, kw_only=True)
class LatencyExperiment:
    """Sessions of all cells of a job, interleaved in rounds. `suite` is for a new run."""

    options: Options
    tables: Tables
    suite: Suite | None = None
    resumed: RunFolder | None = None
    verb: str = "run"
    directory: type[RunFolder] = RunFolder
    resume_identity: Sequence[Same] = (SYSTEM, NETS, PACKAGES, PASSED)
    _job: Job = field(init=False)
    _prepared: Prepared = field(init=False)
    _environments: Environments = field(init=False)
    _refused: Mapping[str, Unavailable] = field(init=False)

    def spec(self) -> TargetSpec:
        """Return the target of the suite, or of the resumed run."""
        if self.resumed is not None:
            begun = self.resumed.manifest()
            name, kind = begun.suite, begun.target
        else:
            suite = self._suite()
            name, kind = suite.name, suite.file.target
        return self.options.checked_target(f"suite {name}", kind, self.tables.targets)

    def _suite(self) -> Suite:
        return self.suite or suite_of(self.options)

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Choose the cells; return their models' hashes."""
        options = self.options
        self._environments = Environments(options.cache, options.envs, passed=options.passed)
        self._refused = target.refusals(self.tables.runners, self._environments)
        if self.resumed is None:
            self._job = new_job(
                options, self.tables, self._suite(), cores=target.cores, refused=self._refused
            )
        else:
            self._job = resumed_job(self.resumed.manifest(), self.options, self.tables)
        return {"models": {it.variant: {"model_hash": it.hash} for it in self._job.models}}

    def prepare(self, target: Target, say: Callable[[str], None]) -> RunManifest:
        """Build environments and artifacts."""
        job, options, tables = self._job, self.options, self.tables
        for note in job.left_out:
            say(f"left out: {note}")
        say("environments, each built on its first use")
        self._prepared = prepare(
            job.cells,
            job.models,
            runners=tables.runners,
            workshop=Workshop(options.cache, self._environments, tables.formats, tables.launch),
            workers=usable_cores(),
            on_done=say,
            refused=self._refused,
        )
        cells = reachable(job.cells, job.models, tables.runners, tables.formats)
        cells = [cell for cell in cells if cell.runner not in self._refused]
        packages = packages_of(cells, tables.runners, self._environments)
        origin = make_provenance(packages, options, target)
        return RunManifest(
            **begun(origin, target),
            suite=job.suite,
            suite_title=job.suite_title,
            target=job.target,
            beside=list(job.beside),
            seed=job.seed,
            sampling=SamplingFields(**job.sampling.to_json()),
            rounds=_rounds(job.plan()),
            cells={cell.id: CellFields(**cell.to_json()) for cell in job.cells},
            models={variant: _scrubbed(it) for variant, it in self._prepared.models.items()},
            left_out=list(job.left_out),
            weights=" and ".join(dict.fromkeys(it.weights.label for it in job.models)),
            profile=job.profile,
        )

    def pending(self, run: RunFolder, target: Target, clock: Callable[[], float]) -> Units:
        """Yield the sessions that are left, then the profiles."""
        run.set_broken_aside()
        sessions = SessionLauncher(
            runners=self.tables.runners,
            environments=self._environments,
            artifacts=self._prepared.artifacts,
            costs={variant: it.costs for variant, it in self._prepared.models.items()},
            keep_layers=run.keep_layers,
            sampling=self._job.sampling,
            launch=self.tables.launch,
            target=target,
            scrub=partial(hidden, device=target.spec.device),
        )
        turns = TurnLauncher(sessions=sessions, chance=random.Random(self._job.seed))  # noqa: S311
        pending = pending_sessions(
            self._job.plan(),
            launch=one_by_one(sessions) if self._job.sampling.laps is None else turns,
            run=run,
            settled=self._prepared.settled,
            clock=clock,
        )
        if not self._job.profile:
            return pending
        profiled = replace(sessions, sampling=profiling(self._job.sampling))
        return with_profiles(pending, run, ProfileLauncher(sessions=profiled))

    def resume_flags(self, run: RunFolder) -> list[str]:
        """Return nets' own files, the folders, the weights and the target's flags."""
        del run
        models = () if self.verb == "selftest" else ("models",)
        flags = self.options.again(
            ("results", *models, "cache", "weights", "tolerance"), self.tables.targets
        )
        return [*self.options.of(OwnOptions).flags(), *flags]


def _rounds(plan: Plan) -> list[list[str]]:
    rounds: dict[int, list[str]] = {}
    for step in plan.steps:
        rounds.setdefault(step.round, []).append(step.cell.id)
    return list(rounds.values())


def _scrubbed(facts: ModelFacts) -> ModelFacts:
    missing = {name: hidden(reason) for name, reason in facts.missing.items()}
    return facts.model_copy(update={"missing": missing})
