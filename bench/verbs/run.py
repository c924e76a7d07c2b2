"""`bench run`: prepare, measure, record, report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from functools import partial

from bench.artifacts import Workshop
from bench.cell import Cell
from bench.conditions import read_conditions
from bench.environments import Environments
from bench.errors import InputError, ResultsNotWritable
from bench.host import read_host, usable_cores
from bench.job import Job, checked_job, resumed_job
from bench.launch import PROJECT
from bench.manifest import make_manifest, make_system
from bench.options import Options, Tables
from bench.pipeline import run_plan
from bench.plan import Plan
from bench.preparation import Prepared, prepare
from bench.progress import Display, display
from bench.provenance import scrub
from bench.record import Failed, Record, Skipped
from bench.report import view_of
from bench.session import SessionLauncher
from bench.store import RunFolder, Store, utc_now
from bench.verbs.outcome import conclude

INTERRUPTED = 130


def run(options: Options, tables: Tables) -> int:
    """Measure what `options` ask for.

    Returns 0: every cell is measured, 1: some isn't, 130: a person interrupted it.
    """
    store = Store(options.results)
    resumed = None if options.resume is None else unfinished(store, options.resume)
    job = (
        resumed_job(resumed.manifest(), options, tables)
        if resumed
        else checked_job(options, tables)
    )
    store.check_writable()
    # A result file that can't be read is better known now than after the measuring.
    view_of(options.results, options.models)
    folder, records = carry_out(job, options, tables, resumed=resumed, verb="run")
    return INTERRUPTED if records is None else conclude(options, folder, records)


def carry_out(
    job: Job, options: Options, tables: Tables, *, resumed: RunFolder | None, verb: str
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
            else _start(job, plan, prepared, packages, options)
        )
        launcher = SessionLauncher(
            runners=tables.runners,
            environments=environments,
            artifacts=prepared.artifacts,
            sampling=job.sampling,
            launch=tables.launch,
            conditions=read_conditions,
            scrub=partial(scrub, project=PROJECT),
        )
        resume = f"`{_resume_command(verb, folder, options)}`"
        return folder, _measure(plan, launcher, folder, prepared.settled, shown, resume=resume)


def _resume_command(verb: str, folder: RunFolder, options: Options) -> str:
    """Return the command that goes on with the run, with the flags that it can't do without."""
    plain = Options()
    flags = [
        f"--{name} {shlex.quote(str(getattr(options, name)))}"
        for name in ("results", "models", "cache", "weights")
        if getattr(options, name) != getattr(plain, name)
        and not (verb == "selftest" and name == "models")  # it has its own
    ]
    flags += [f"--env {name}={shlex.quote(str(path))}" for name, path in options.envs.items()]
    return " ".join([f"python -m bench {verb} --resume {folder.path.name}", *flags])


def unfinished(store: Store, run_id: str) -> RunFolder:
    """Return the run of that id; raises InputError where this machine can't go on with it."""
    folder = store.run(run_id)
    manifest, here = folder.manifest(), make_system(read_host()).system_id
    if manifest.status == "complete":
        raise InputError(
            f"run {folder.path.name} is complete", hint="leave --resume out to start a new run"
        )
    if manifest.system_id != here:
        raise InputError(
            f"run {folder.path.name} began on {manifest.system_id}, and this is {here}",
            hint="go on with it there, or leave --resume out to start a new run",
        )
    return folder


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
        workshop=Workshop(options.cache, environments, kinds=tables.kinds, launch=tables.launch),
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
    options: Options,
) -> RunFolder:
    system = make_system(read_host())
    manifest = make_manifest(
        job, plan, prepared, system=system, environments=packages, command=options.command
    )
    return Store(options.results).create(manifest, system)


def _continue(folder: RunFolder, packages: Mapping[str, Mapping[str, str]]) -> RunFolder:
    manifest = folder.manifest()
    if manifest.provenance.environments != packages:
        raise InputError(
            f"the engines' packages aren't those that run {manifest.run_id} began with",
            hint="give the same --env as then, or start a new run",
        )
    folder.write_manifest(manifest.model_copy(update={"status": "running"}))
    return folder


def _measure(
    plan: Plan,
    launcher: SessionLauncher,
    folder: RunFolder,
    settled: Mapping[Cell, Failed | Skipped],
    shown: Display,
    *,
    resume: str,
) -> list[Record] | None:
    """Run the plan; None where a person interrupted it, everything so far kept."""
    try:
        records = run_plan(plan, launch=launcher, run=folder, observer=shown, settled=settled)
    except KeyboardInterrupt:
        manifest = folder.manifest()
        folder.write_manifest(manifest.model_copy(update={"status": "interrupted"}))
        sys.stderr.write(f"\nbench: interrupted; what was measured is kept: go on with {resume}\n")
        return None
    except ResultsNotWritable as error:
        raise ResultsNotWritable(
            f"{error.problem}; what was measured before is kept",
            hint=f"free some space, then {resume}",
        ) from error
    done = {"status": "complete", "finished": utc_now()}
    folder.write_manifest(folder.manifest().model_copy(update=done))
    return records
