"""The manifest of a run that is about to begin: plan, models, environments, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from bench import __version__
from bench.core.paths import PROJECT
from bench.devices.host.facts import host_digest
from bench.experiments.latency.job import Job
from bench.experiments.latency.schedule import Plan
from bench.experiments.preparation import Prepared
from bench.experiments.provenance import command_line, hide, package_versions, scrub
from bench.launcher.git import git_state
from bench.storage.files import new_run_id, utc_now
from bench.storage.schema.common import HARNESS, CellFields, Provenance, SamplingFields
from bench.storage.schema.latency import ModelFacts, RunManifest
from bench.targets.base import Target


def make_manifest(
    job: Job,
    plan: Plan,
    prepared: Prepared,
    *,
    target: Target,
    environments: Mapping[str, Mapping[str, str]],
    command: Sequence[str],
) -> RunManifest:
    """Return the manifest of a run that starts now."""
    origin = make_provenance(environments, command, target)
    return RunManifest(
        run_id=new_run_id(origin.commit),
        system_id=target.system.system_id,
        status="running",
        started=utc_now(),
        suite=job.suite,
        suite_title=job.suite_title,
        target=job.target,
        beside=list(job.beside),
        seed=job.seed,
        sampling=SamplingFields(**job.sampling.to_json()),
        rounds=_rounds(plan),
        cells={cell.id: CellFields(**cell.to_json()) for cell in job.cells},
        models={variant: _scrubbed(facts) for variant, facts in prepared.models.items()},
        left_out=list(job.left_out),
        weights=job.models[0].weights.kind,
        provenance=origin,
    )


def make_provenance(
    environments: Mapping[str, Mapping[str, str]],
    command: Sequence[str],
    target: Target,
) -> Provenance:
    """Return what it takes to repeat a run, without a path or a name of this machine."""
    git = git_state(PROJECT)
    told = command_line(["python", "-m", "bench", *command], PROJECT)
    return Provenance(
        commit=git.commit,
        dirty=git.dirty,
        command=[hide(word, target.spec.device) for word in told],
        harness=package_versions() | {HARNESS: __version__},
        environments={name: dict(packages) for name, packages in environments.items()},
        host=host_digest(),
        conditions=dict(target.state()),
    )


def _rounds(plan: Plan) -> list[list[str]]:
    rounds: dict[int, list[str]] = {}
    for step in plan.steps:
        rounds.setdefault(step.round, []).append(step.cell.id)
    return list(rounds.values())


def _scrubbed(facts: ModelFacts) -> ModelFacts:
    shorten = partial(scrub, project=PROJECT)
    return facts.model_copy(
        update={"missing": {name: shorten(reason) for name, reason in facts.missing.items()}}
    )
