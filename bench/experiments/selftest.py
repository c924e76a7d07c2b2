"""The self-test: which sessions it takes, and how a stored one is read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.analysis.selftest import AGAIN, BASE, SLOWER, SUITE
from bench.config.suite import Axes, Suite, load_suite
from bench.core.errors import InputError, UnknownName
from bench.core.paths import PACKAGE
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import carry_out, check_same_system, unfinished
from bench.experiments.latency.job import Job, new_job, resumed_job
from bench.storage.directory import RunFolder, Store
from bench.storage.schema.latency import Measured, Record
from bench.targets.base import Target, opened

MODELS = PACKAGE / "selftest_models"


RUNNER = "paddle"


_ARMS = (BASE, AGAIN, SLOWER)


def selftest_suite(sessions: int) -> Suite:
    """Return suite cpu as a self-test: its standard preset, with one number of sessions."""
    cpu = load_suite("cpu")
    fixed = {"sessions": sessions, "max_sessions": None, "half_width": None}
    changes = {
        "title": "Self-test",
        "beside": [],
        "presets": {"standard": cpu.file.presets["standard"].model_copy(update=fixed)},
    }
    return Suite(name=SUITE, path=cpu.path, file=cpu.file.model_copy(update=changes))


def _measure(
    options: Options, tables: Tables, store: Store
) -> tuple[RunFolder, list[Record] | None]:
    resumed = None if options.resume is None else _stored(store, options.resume)
    if resumed is not None:
        unfinished(store, resumed.path.name)
    with opened(options.target("cpu"), tables.targets) as target:
        if resumed is None:
            job = _job(options, tables, target)
        else:
            check_same_system(resumed, target)
            job = resumed_job(resumed.manifest(), options, tables)
        store.check_writable()
        return carry_out(job, target, options, tables, resumed=resumed, verb="selftest")


def _job(options: Options, tables: Tables, target: Target) -> Job:
    asked = options.axes
    for flag, values in (("--runner", asked.runners), ("--threads", asked.threads)):
        if len(values) > 1:
            told = ",".join(map(str, values))
            raise InputError(f"{flag} {told}: a self-test is of one", hint=f"name one of {told}")
    axes = Axes(runners=asked.runners or [RUNNER], batches=[1], threads=asked.threads or [1])
    suite = selftest_suite(options.sessions)
    return new_job(replace(options, axes=axes), tables, suite, cores=target.cores)


def _stored(store: Store, name: str) -> RunFolder:
    """Return the self-test of that id, or the newest for `latest`; raises UnknownName."""
    found = {run.path.name: run for run in store.runs() if run.manifest().suite == SUITE}
    if name == "latest" and found:
        return list(found.values())[-1]
    if name not in found:
        raise UnknownName("self-test", name, list(found)[-10:] or ["(no self-test yet)"])
    return found[name]


def _arms(folder: RunFolder, records: Sequence[Record]) -> dict[str, Record]:
    arms = {one.cell.variant: one for one in records if isinstance(one.outcome, Measured)}
    if set(arms) != set(_ARMS):
        name = folder.path.name
        raise InputError(
            f"self-test {name} isn't complete",
            hint=f"go on with it: `python -m bench selftest --resume {name}`",
        )
    return arms
