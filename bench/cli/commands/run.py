"""`bench run`: prepare, measure, record, report."""

from __future__ import annotations

from contextlib import AbstractContextManager

from bench.cli.console import conclude
from bench.config.suite import load_suite
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import (
    INTERRUPTED,
    carry_out,
    check_same_system,
    unfinished,
)
from bench.experiments.latency.job import new_job, resumed_job
from bench.reports.build import view_of
from bench.storage.directory import RunFolder, Store
from bench.targets.base import Target, opened
from bench.targets.requirements import check_target


def run(options: Options, tables: Tables) -> int:
    """Measure what `options` ask for.

    Returns 0: every cell is measured, 1: some isn't, 130: a person interrupted it.
    """
    store = Store(options.results)
    resumed = None if options.resume is None else unfinished(store, options.resume)
    with _opened_for(options, tables, resumed) as target:
        if resumed is None:
            job = new_job(options, tables, load_suite(options.suite), cores=target.cores)
        else:
            check_same_system(resumed, target)
            job = resumed_job(resumed.manifest(), options, tables)
        store.check_writable()
        # A result file that can't be read is better known now than after the measuring.
        view_of(options.results, options.models)
        folder, records = carry_out(job, target, options, tables, resumed=resumed, verb="run")
    return INTERRUPTED if records is None else conclude(options, folder, records)


def _opened_for(
    options: Options, tables: Tables, resumed: RunFolder | None
) -> AbstractContextManager[Target]:
    """Open the target that the suite, or the run to go on with, is for; raises Unavailable."""
    if resumed is None:
        suite = load_suite(options.suite)
        spec = options.own_target(suite.file.target)
        check_target(f"suite {suite.name}", spec, suite.runners, tables.runners)
    else:
        manifest = resumed.manifest()
        spec = options.own_target(manifest.target)
        runners = [cell.runner for cell in manifest.cells.values()]
        check_target(f"suite {manifest.suite}", spec, runners, tables.runners)
    return opened(spec, tables.targets)
