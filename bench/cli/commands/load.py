"""`bench load`: how a server of the KServe v2 protocol does under the loads of MLPerf's LoadGen."""

from __future__ import annotations

import json

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
from bench.serving.sources import SuiteSource
from bench.serving.url_source import UrlSource
from bench.storage.run_folders import ServingFolder
from bench.storage.schema.serving import ServingManifest
from bench.storage.store import Store

SUITE, RUNNER = "serving", "onnxruntime"


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
    began = None if resumed is None else resumed.manifest()
    if options.words:
        return _at_url(options, tables, chosen, began)
    if chosen.suite is None:
        raise InputError(
            "load has no server",
            hint=f"give its URL, or have one started for each cell: "
            f"{command('load --suite serving')}",
        )
    suite = load_suite(chosen.suite)
    return SuiteSource(
        options=options,
        tables=tables,
        of_suite=suite,
        preset=suite.load(chosen.preset),
        serve=chosen.serve if began is None else began.serve,
        resumed=None if began is None else [it.to_cell() for it in began.cells.values()],
    )


def _at_url(
    options: Options, tables: Tables, chosen: LoadOptions, began: ServingManifest | None
) -> UrlSource:
    """Return the server that a URL names; raises InputError for flags that are of another's."""
    if len(options.words) > 1:
        raise InputError(
            f"one server is loaded at a time, and {len(options.words)} are named",
            hint="give one URL",
        )
    variants = options.variants if began is None else list(began.models)
    of_others = {
        "--suite": chosen.suite is not None,
        "--runner": bool(options.axes.runners),
        "--threads": bool(options.axes.threads),
        **dict.fromkeys(chosen.serve, True),
    }
    for flag in (it for it, given in of_others.items() if given):
        raise InputError(
            f"{flag} is of servers that are started here, and a URL names one that is there",
            hint=f"leave out {flag} or the URL",
        )
    if len(variants) > 1 or (variants and chosen.reference is not None):
        raise InputError(
            "what a server must answer is the reference of one net",
            hint="give one --variant, or --reference FILE.npz",
        )
    return UrlSource(
        options=options,
        tables=tables,
        endpoint=parse_url(options.words[0]),
        served_model=chosen.served_model,
        reference=chosen.reference,
        variant=variants[0] if variants else None,
        runner=RUNNER if RUNNER in tables.runners else next(iter(tables.runners)),
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
