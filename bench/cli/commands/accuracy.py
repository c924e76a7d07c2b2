"""`bench accuracy`: how often nets are right over labelled images, and how engines agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bench.analysis.accuracy import NoAccuracy, summarize
from bench.cli.console import renew_report, tell_broken, written
from bench.config.published import load_published
from bench.core.errors import BrokenResult, InputError
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.experiments.accuracy.cells import select
from bench.experiments.accuracy.class_names import read_names
from bench.experiments.accuracy.dataset import Dataset, ImageOptions, read_folder, read_list
from bench.experiments.accuracy.engine import OpenEngine, open_engine
from bench.experiments.accuracy.experiment import AccuracyExperiment, resumed_selection
from bench.experiments.accuracy.recipes import names_of_all
from bench.experiments.campaign import find_unfinished, run_experiment, tell_interruption
from bench.experiments.context import Options, Tables
from bench.experiments.progress import display
from bench.reports.accuracy import remarks_on, table, to_values
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.latency import reason
from bench.storage.store import Store

UNREADABLE = 3
"""The exit status where an image couldn't be read: shares stand over the rest."""


def run(options: Options, tables: Tables, *, opener: OpenEngine = open_engine) -> int:
    """Measure top-1 and top-5 over the images of --data and print them.

    Returns 0: every runner has its shares, 1: one hasn't, 3: an image couldn't be read, and the
    shares are of the others, 130: a person interrupted it. Raises InputError, Unavailable, and
    ResultsError.
    """
    resumed = None
    if options.resume is not None:
        resumed = find_unfinished(AccuracyFolder, Store(options.results), options.resume)
    selection = select(options, tables) if resumed is None else resumed_selection(resumed, options)
    experiment = AccuracyExperiment(
        selection=selection,
        dataset=read_data(options, known=names_of_all(selection.models)),
        options=options,
        tables=tables,
        opener=opener,
    )
    with display() as shown:
        done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
    if done.interrupted:
        return tell_interruption(done.resume)
    return _tell(done.run, experiment, options)


def _why(missing: Sequence[NoAccuracy]) -> Iterator[str]:
    """Yield each reason once, with the engines of the net that it took."""
    runners: dict[tuple[str, str], list[str]] = {}
    for it in missing:
        runners.setdefault((it.variant, reason(it.why)), []).append(it.runner)
    for (variant, why), names in runners.items():
        yield f"{variant} {', '.join(names)} {why}"


def read_data(options: Options, *, known: Sequence[str] | None = None) -> Dataset:
    """Return the labelled images that the flags name; raises InputError.

    `known` are the models' own class names.
    """
    given = options.of(ImageOptions)
    if given.data is None:
        raise InputError(
            "accuracy has no images",
            hint=f"name their folder: {command('accuracy --data DIR')}",
        )
    if given.list_file is not None:
        data = read_list(given.data, given.list_file)
    else:
        classes = None if given.labels is None else read_names(given.labels)
        data = read_folder(given.data, classes=classes, known=known)
    return data if given.limit is None else data.limited(given.limit)


def _tell(run: AccuracyFolder, experiment: AccuracyExperiment, options: Options) -> int:
    manifest, dataset = run.manifest(), experiment.dataset
    summary = summarize(manifest, run.journal())
    missing = [it for it in summary.results if isinstance(it, NoAccuracy)]
    if not summary.read:
        name, why = next(iter(summary.unreadable.items()))
        raise InputError(
            f"none of the {summary.images} images can be read (the first, {name}: {why})",
            hint="check --data and, where one is given, the paths in --list",
        )
    broken: list[BrokenResult] = []
    _, files = renew_report(options, broken)
    names = [image.name for image in dataset.images]
    remarks = [*remarks_on(manifest), *experiment.remarks]
    if options.as_json:
        values = to_values(manifest, summary, names, remarks)
        show(json.dumps(values, indent=1) + "\n")
    else:
        published = load_published(options.models)
        show(table(manifest, summary, names, published, experiment.class_names))
        show_lines(["", f"wrote {run.path}", *written(files, options)])
        for remark in remarks:
            say(f"bench: {remark}")
    for line in _why(missing):
        say(f"bench: {line}")
    unread = tell_broken(broken)
    return 1 if missing or unread else UNREADABLE if summary.unreadable else 0
