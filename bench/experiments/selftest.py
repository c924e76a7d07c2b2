"""The self-test: which sessions it takes, and how a stored one is read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.analysis.selftest import AGAIN, BASE, SLOWER, SUITE
from bench.config.axes import Axes
from bench.config.suite import Suite, load_suite
from bench.core.errors import InputError, UnknownName
from bench.core.paths import PACKAGE
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import LatencyExperiment
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import Measured, Record
from bench.storage.store import Store

MODELS = PACKAGE / "selftest_models"

RUNNER = "paddle"
_ARMS = (BASE, AGAIN, SLOWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestOptions:
    """How many rounds of three sessions."""

    sessions: int = 12


def selftest_suite(sessions: int) -> Suite:
    """Return suite cpu as a self-test: its standard preset, with one number of sessions.

    Each is alone, so that one session says nothing of the others.
    """
    cpu = load_suite("cpu")
    fixed = {"sessions": sessions, "max_sessions": None, "half_width": None, "laps": None}
    changes = {
        "title": "Self-test",
        "beside": [],
        "presets": {"standard": cpu.file.presets["standard"].model_copy(update=fixed)},
    }
    return Suite(name=SUITE, path=cpu.path, file=cpu.file.model_copy(update=changes))


def selftest_experiment(
    options: Options, tables: Tables, resumed: RunFolder | None
) -> LatencyExperiment:
    """Return the runs of all three arms, new or resumed; raises InputError for several runners."""
    axes = options.axes
    for flag, values in (("--runner", axes.runners), ("--threads", axes.threads)):
        if len(values) > 1:
            words = ",".join(map(str, values))
            raise InputError(f"{flag} {words}: a self-test is of one", hint=f"name one of {words}")
    one = Axes(runners=axes.runners or [RUNNER], batches=[1], threads=axes.threads or [1])
    return LatencyExperiment(
        options=replace(options, axes=one),
        tables=tables,
        suite=selftest_suite(options.of(SelftestOptions).sessions),
        resumed=resumed,
        verb="selftest",
    )


def stored_selftest(store: Store, name: str) -> RunFolder:
    """Return the self-test of that id, or the newest for `latest`; raises UnknownName."""
    found = {run.path.name: run for run in store.runs() if run.manifest().suite == SUITE}
    if name == "latest" and found:
        return list(found.values())[-1]
    if name not in found:
        raise UnknownName("self-test", name, list(found)[-10:])
    return found[name]


def arms_of(folder: RunFolder, records: Sequence[Record]) -> dict[str, Record]:
    """Return the records of the three arms; raises InputError where one has no figure."""
    arms = {one.cell.variant: one for one in records if isinstance(one.outcome, Measured)}
    if set(arms) != set(_ARMS):
        name = folder.path.name
        raise InputError(
            f"self-test {name} isn't complete",
            hint=f"go on with it: {command(f'selftest --resume {name}')}",
        )
    return arms
