"""`bench load`: how a server of the KServe v2 protocol does under the loads of MLPerf's LoadGen."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.analysis.serving import StoredServing
from bench.cli.console import renew_report, tell_broken, written
from bench.config.suite import load_suite
from bench.core.errors import BrokenResult, InputError
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.experiments.campaign import find_unfinished, run_experiment, tell_interruption
from bench.experiments.context import Options, Tables
from bench.experiments.progress import display
from bench.reports.serving import outcomes, table, to_values
from bench.serving.client import parse_url
from bench.serving.experiment import LoadOptions, ServingExperiment, Source
from bench.serving.loadgen import loadgen
from bench.serving.sources import SuiteSource, UrlSource
from bench.storage.run_folders import ServingFolder
from bench.storage.store import Store

SUITE = "serving"


def run(options: Options, tables: Tables) -> int:
    """Load a server by its URL, or a server of each cell of a suite, and store what LoadGen says.

    Returns 0: each load is valid, 1: one isn't, or failed, 130: a person interrupted it. Raises
    InputError, Unavailable, RequestFailed and ResultsError.
    """
    loadgen()
    chosen, resumed, seed = options.of(LoadOptions), None, options.seed
    if options.resume is not None:
        resumed = find_unfinished(ServingFolder, Store(options.results), options.resume)
        began = resumed.manifest()
        chosen, seed = chosen.resuming(began), began.seed
    experiment = ServingExperiment(
        options=options,
        tables=tables,
        source=_source(options, tables, chosen, resumed),
        chosen=chosen,
        preset=load_suite(chosen.suite or SUITE).load(chosen.preset),
        seed=seed,
    )
    with display() as shown:
        done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
    if done.interrupted:
        return tell_interruption(done.resume)
    return _tell(done.run, options)


def _source(
    options: Options, tables: Tables, chosen: LoadOptions, resumed: ServingFolder | None
) -> Source:
    """Return where the servers are from; raises InputError."""
    words: Sequence[str] = options.words
    if len(words) > 1:
        raise InputError(
            f"one server is loaded at a time, and {len(words)} are named", hint="give one URL"
        )
    if words:
        if chosen.suite is not None:
            raise InputError(
                "a suite's servers are started here, and a URL names another",
                hint="leave out --suite or the URL",
            )
        if chosen.serve:
            raise InputError(
                f"{next(iter(chosen.serve))} is of a server that is started here",
                hint="leave it out: a server that is there has its own",
            )
        return UrlSource(
            endpoint=parse_url(words[0]),
            served_model=chosen.served_model,
            reference=chosen.reference,
            tolerance=options.tolerance,
        )
    if chosen.suite is None:
        raise InputError(
            "load has no server",
            hint=f"give its URL, or have one started for each cell: "
            f"{command('load --suite serving')}",
        )
    suite, began = load_suite(chosen.suite), None if resumed is None else resumed.manifest()
    return SuiteSource(
        options=options,
        tables=tables,
        of_suite=suite,
        preset=suite.load(chosen.preset),
        serve=chosen.serve if began is None else began.serve,
        resumed=None if began is None else [it.to_cell() for it in began.cells.values()],
    )


def _tell(run: ServingFolder, options: Options) -> int:
    broken: list[BrokenResult] = []
    _, files = renew_report(options, broken)
    stored = StoredServing(manifest=run.manifest(), lines=tuple(run.journal()))
    if options.as_json:
        show(json.dumps(to_values(stored), indent=1) + "\n")
    else:
        show(table(stored))
        show_lines(["", f"wrote {run.path}", *written(files, options)])
    problems = list(outcomes(stored))
    for line in problems:
        say(f"bench: {line}")
    return max(tell_broken(broken), int(bool(problems)))
