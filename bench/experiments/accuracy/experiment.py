"""A data set through every runner of every variant, into a new run or an unfinished one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Asked, Bench, check_here
from bench.experiments.accuracy.dataset import Dataset, check_labels
from bench.experiments.accuracy.engine import OpenEngine, open_engine
from bench.experiments.accuracy.engines import AccuracyRun
from bench.experiments.accuracy.manifest import count_classes, gone_on, make_manifest
from bench.experiments.accuracy.preprocess import quiet_decoder, recipe_for
from bench.experiments.accuracy.progress import say
from bench.experiments.campaign import kept
from bench.experiments.context import Options, Tables
from bench.storage.directory import AccuracyFolder, Store
from bench.targets.base import opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run left behind; `remarks` are what a reader has to know of its labels."""

    folder: AccuracyFolder
    remarks: tuple[str, ...]
    interrupted: bool


def measure(
    asked: Asked,
    dataset: Dataset,
    options: Options,
    tables: Tables,
    *,
    resumed: AccuracyFolder | None = None,
    opener: OpenEngine = open_engine,
) -> Outcome:
    """Measure accuracies into a new folder of results, or go on in the `resumed` one.

    Raises InputError, Unavailable, and ResultsNotWritable.
    """
    recipes = {model.variant: recipe_for(model.input) for model in asked.models}
    store = Store(options.results)
    store.check_writable()
    check_here(asked, options, tables)
    with opened(options.own_target(asked.target), tables.targets) as target, quiet_decoder():
        environments = Environments(options.cache, options.envs)
        bench = Bench(
            tables=tables, options=options, target=target, environments=environments, opener=opener
        )
        cells = asked.cells()
        say("preparing: environments and artifacts, each made on its first use")
        made = bench.make(asked, cells, lambda what: say(f"preparing: {what}"))
        classes = {it.variant: count_classes(it.variant, made) for it in asked.models}
        remarks = _checked(dataset, classes)
        manifest = make_manifest(asked, dataset, bench, classes, recipes)
        folder = (
            AccuracyFolder.create(store, manifest, target.system)
            if resumed is None
            else gone_on(resumed, manifest)
        )
        run = AccuracyRun(folder=folder, bench=bench, dataset=dataset, made=made, recipes=recipes)
        with kept(folder, resume_command(folder, options)) as end:
            run.measure(asked.models)
    return Outcome(folder=folder, remarks=remarks, interrupted=end.interrupted)


def _checked(dataset: Dataset, classes: Mapping[str, int | None]) -> tuple[str, ...]:
    told = [check_labels(dataset, count) for count in classes.values() if count is not None]
    return tuple(dict.fromkeys(remark for remark in told if remark is not None))


_NEEDED = (
    "data", "list_file", "labels", "results", "models", "cache", "weights", "gpu", "shared_gpu",
    "allow_partial",
)  # fmt: skip


def resume_command(folder: AccuracyFolder, options: Options) -> str:
    """Return the command that goes on with a run, with the flags that it can't do without."""
    flags = options.again(_NEEDED)
    return " ".join([f"python -m bench accuracy --resume {folder.path.name}", *flags])
