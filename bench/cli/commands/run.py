"""`bench run`: measure a suite, record it and write the report."""

from __future__ import annotations

from bench.cli.console import OutputOptions, conclude, tell_broken, tell_failures
from bench.cli.options import FLEET
from bench.cli.stored import viewed
from bench.core.errors import BrokenResult, InputError
from bench.experiments.campaign import (
    RunResult,
    find_unfinished,
    run_experiment,
    tell_interruption,
)
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import LatencyExperiment
from bench.experiments.progress import Display, display
from bench.reports.build import view_of
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store


def run(options: Options, tables: Tables) -> int:
    """Measure and report.

    Returns 0: every cell is measured, 1: some isn't, 130: a person interrupted it.
    """
    if "fleet" in options.own:
        from bench.cli.fleet import run_fleet

        return run_fleet(options)
    _refuse_fleet_flags(options)
    with display() as shown:
        done = measure(options, tables, shown)
    if done.interrupted:
        return tell_interruption(done.resume)
    if options.of(OutputOptions).no_report:
        return tell_failures(list(done.run.records([])))
    return conclude(options, [done.run], done.resume)


def _refuse_fleet_flags(options: Options) -> None:
    if given := [it.opts[0] for it in FLEET if it.name in options.own]:
        raise InputError(
            f"{given[0]} is for a run over a fleet",
            hint="leave it out, or add --fleet tls://HOST:PORT",
        )


def measure(options: Options, tables: Tables, shown: Display) -> RunResult[RunFolder]:
    """Measure a new run, or the rest of the one that `options` resume; raises BenchError."""
    store, resumed = Store(options.results), None
    if options.resume is not None:
        resumed = find_unfinished(RunFolder, store, options.resume)
    # What can't be read is better known now than after the measuring.
    broken: list[BrokenResult] = []
    view_of(viewed(options, broken), options.models)
    tell_broken(broken)
    experiment = LatencyExperiment(options=options, tables=tables, resumed=resumed)
    return run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
