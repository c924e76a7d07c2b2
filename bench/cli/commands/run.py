"""`bench run`: measure a suite, record it and write the report."""

from __future__ import annotations

from bench.cli.console import conclude, tell_broken
from bench.core.errors import BrokenResult
from bench.experiments.campaign import find_unfinished, run_experiment, tell_interruption
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import LatencyExperiment
from bench.experiments.progress import display
from bench.reports.build import load_runs, view_of
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store


def run(options: Options, tables: Tables) -> int:
    """Measure and report.

    Returns 0: every cell is measured, 1: some isn't, 130: a person interrupted it.
    """
    store, resumed = Store(options.results), None
    if options.resume is not None:
        resumed = find_unfinished(RunFolder, store, options.resume)
    # What can't be read is better known now than after the measuring.
    broken: list[BrokenResult] = []
    view_of(load_runs(options.results, broken=broken), options.models)
    tell_broken(broken)
    experiment = LatencyExperiment(options=options, tables=tables, resumed=resumed)
    with display() as shown:
        done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
    if done.resume is not None:
        return tell_interruption(done.resume)
    return conclude(options, done.run)
