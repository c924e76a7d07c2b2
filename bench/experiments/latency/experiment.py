"""A job carried out at a place: prepared, measured into a new run or an unfinished one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial

from bench.artifacts.builder import Workshop
from bench.core.errors import InputError
from bench.core.paths import PROJECT
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.campaign import interruption, kept
from bench.experiments.context import Options, Tables
from bench.experiments.latency.job import Job
from bench.experiments.latency.manifest import make_manifest
from bench.experiments.latency.progress import run_plan
from bench.experiments.latency.schedule import Plan
from bench.experiments.latency.session import SessionLauncher
from bench.experiments.preparation import Prepared, prepare
from bench.experiments.progress import Display, display
from bench.experiments.provenance import hide, scrub
from bench.storage.directory import RunFolder, Store
from bench.storage.files import utc_now
from bench.storage.schema.latency import Record
from bench.targets.base import Target

INTERRUPTED = 130


def carry_out(
    job: Job,
    target: Target,
    options: Options,
    tables: Tables,
    *,
    resumed: RunFolder | None,
    verb: str,
) -> tuple[RunFolder, list[Record] | None]:
    """Prepare and measure `job` into a new run, or into the `resumed` one.

    The records are None where a person interrupted it: everything so far is kept, and
    `python -m bench VERB --resume` goes on with it.
    """
    plan = job.plan()
    environments = Environments(options.cache, options.envs)
    with display() as shown:
        prepared = _prepare(options, tables, job, environments, shown)
        packages = _packages(job, environments, tables)
        folder = (
            _continue(resumed, packages)
            if resumed
            else _start(job, plan, prepared, packages, target, options)
        )
        launcher = SessionLauncher(
            runners=tables.runners,
            environments=environments,
            artifacts=prepared.artifacts,
            sampling=job.sampling,
            launch=tables.launch,
            target=target,
            scrub=partial(_scrubbed, device=target.spec.device),
        )
        resume = _resume_command(verb, folder, options)
        records = None
        with kept(folder, resume) as end:
            records = run_plan(
                plan, launch=launcher, run=folder, observer=shown, settled=prepared.settled
            )
            done = {"status": "complete", "finished": utc_now()}
            folder.write_manifest(folder.manifest().model_copy(update=done))
        if end.interrupted:
            sys.stderr.write(f"\n{interruption(resume)}\n")
    return folder, None if end.interrupted else records


def _scrubbed(text: str, device: str | None) -> str:
    return hide(scrub(text, PROJECT), device)


def unfinished(store: Store, run_id: str) -> RunFolder:
    """Return the run of that id; raises InputError where it is complete."""
    folder = store.run(run_id)
    if folder.manifest().status == "complete":
        raise InputError(
            f"run {folder.path.name} is complete", hint="leave --resume out to start a new run"
        )
    return folder


def check_same_system(folder: RunFolder, target: Target) -> None:
    """Raise InputError where an unfinished run did not begin at `place`."""
    began, here = folder.manifest().system_id, target.system.system_id
    if began != here:
        raise InputError(
            f"run {folder.path.name} began on {began}, and this is {here}",
            hint="go on with it there, or leave --resume out to start a new run",
        )


def _resume_command(verb: str, folder: RunFolder, options: Options) -> str:
    """Return the command that goes on with the run, with the flags that it can't do without."""
    own = {"models"} if verb == "selftest" else set()
    flags = options.again([name for name in _NEEDED if name not in own])
    return " ".join([f"python -m bench {verb} --resume {folder.path.name}", *flags])


_NEEDED = (
    "results", "models", "cache", "weights", "device", "agent", "benchmark_bin", "transport",
    "gpu", "shared_gpu", "allow_partial",
)  # fmt: skip


def _prepare(
    options: Options, tables: Tables, job: Job, environments: Environments, shown: Display
) -> Prepared:
    for note in job.left_out:
        shown.prepares(f"left out: {note}")
    shown.prepares("environments, each built on its first use")
    return prepare(
        job.cells,
        job.models,
        runners=tables.runners,
        workshop=Workshop(
            options.cache, environments, formats=tables.formats, launch=tables.launch
        ),
        workers=usable_cores(),
        on_done=shown.prepares,
    )


def _packages(job: Job, environments: Environments, tables: Tables) -> dict[str, Mapping[str, str]]:
    names = {tables.runners[cell.runner].env for cell in job.cells}
    return {
        name: environments.get(name).packages
        for name in sorted(names)
        if environments.problem(name) is None
    }


def _start(
    job: Job,
    plan: Plan,
    prepared: Prepared,
    packages: Mapping[str, Mapping[str, str]],
    target: Target,
    options: Options,
) -> RunFolder:
    manifest = make_manifest(
        job, plan, prepared, target=target, environments=packages, command=options.command
    )
    return Store(options.results).create(manifest, target.system)


def _continue(folder: RunFolder, packages: Mapping[str, Mapping[str, str]]) -> RunFolder:
    manifest = folder.manifest()
    if manifest.provenance.environments != packages:
        raise InputError(
            f"the engines' packages aren't those that run {manifest.run_id} began with",
            hint="give the same --env as then, or start a new run",
        )
    folder.write_manifest(manifest.model_copy(update={"status": "running"}))
    return folder
