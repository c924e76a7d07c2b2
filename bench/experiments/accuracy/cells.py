"""The selected runners and variants -> cells with artifacts, or their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.artifacts.builder import Artifact, Workshop
from bench.config.axes import check_settings, named_runners
from bench.config.catalog import Model
from bench.core.cell import Cell
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.engine import Engine, OpenEngine, open_engine
from bench.experiments.context import Options, Tables
from bench.experiments.nets import models_of
from bench.experiments.preparation import artifact_key, settle
from bench.experiments.provenance import hidden
from bench.experiments.session import Attempt, attempt, outcome_of, start_of
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.schema.common import Failed, Skipped
from bench.targets import entry_of
from bench.targets.base import Target

RUNNER = "paddle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The models and the runners, with one batch and one thread count."""

    models: tuple[Model, ...]
    runners: tuple[str, ...]
    batch: int
    threads: int
    target: str

    def cells(self) -> list[Cell]:
        """Return a cell for each model and runner, a model's side by side."""
        return [
            Cell(
                variant=model.variant,
                model_hash=model.hash,
                runner=runner,
                batch=self.batch,
                threads=self.threads,
                input=model.input_text,
                settings=tuple(sorted(model.settings.get(runner, {}).items())),
            )
            for model in self.models
            for runner in self.runners
        ]


def select(options: Options, tables: Tables) -> Selection:
    """Return what the flags ask for; raises InputError."""
    models = classifiers(models_of(options, options.variants), options.variants)
    named = named_runners(options.axes.runners, "cpu", tables.runners)
    runners = tuple(dict.fromkeys(named)) or _own_runners(models, tables)
    threads = _single("--threads", options.axes.threads)
    if threads > usable_cores():
        raise InputError(
            f"--threads {threads}: there are {usable_cores()} usable cores",
            hint="ask for fewer threads",
        )
    for model in models:
        check_settings(model, runners, tables.runners)
    return Selection(
        models=models,
        runners=runners,
        batch=_single("--batch", options.axes.batches),
        threads=threads,
        target=target_of(runners, tables),
    )


def _own_runners(models: Sequence[Model], tables: Tables) -> tuple[str, ...]:
    """Return for each model the engine of its file's format, RUNNER where there is none."""
    here = [(name, it) for name, it in tables.runners.items() if it.target == "cpu"]
    of_format = {it.artifact: name for name, it in reversed(here)}
    return tuple(dict.fromkeys(of_format.get(model.origin, RUNNER) for model in models))


def classifiers(models: Sequence[Model], named: Collection[str]) -> tuple[Model, ...]:
    """Return those of `models` that have classes.

    Raises InputError where one that hasn't is among the variants `named`, or where none is left.
    """
    left = tuple(model for model in models if model.task == "classify")
    without = [model.variant for model in models if model.task != "classify"]
    refused = next((it for it in without if it in named or not left), None)
    if refused is not None:
        raise InputError(
            f'the task of {refused} is "none": it has no classes to be right about',
            hint="name models that classify with --variant, or change `task` of its entry",
        )
    return left


def _single(flag: str, values: Sequence[int]) -> int:
    if len(values) > 1:
        raise InputError(
            f"{flag} {','.join(map(str, values))}: one is enough, answers don't hang on it",
            hint=f"as in {flag} {values[0]}",
        )
    return values[0] if values else 1


def target_of(runners: Sequence[str], tables: Tables) -> str:
    """Return the kind of target that all `runners` run on; raises InputError."""
    for runner in runners:
        if runner not in tables.runners:
            raise UnknownName("runner", runner, tables.runners)
    targets = dict.fromkeys(tables.runners[runner].target for runner in runners)
    if len(targets) > 1:
        raise InputError(
            f"the runners {', '.join(runners)} run on {' and '.join(targets)}",
            hint="name runners of one target at a time",
        )
    (target,) = targets
    entry = entry_of(target, tables.targets)
    if entry.runs_sessions:
        raise InputError(
            f"{entry.title}'s sessions run there from end to end and take no images",
            hint="name runners of this machine's CPU or GPU",
        )
    return target


Made = dict[Cell, Artifact | Failed | Skipped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What opens engines: tables, interpreters, and the target where they run."""

    tables: Tables
    options: Options
    target: Target
    environments: Environments
    opener: OpenEngine = field(default=open_engine)

    @property
    def refused(self) -> Mapping[str, Unavailable]:
        """Why some runners can't be measured at the target."""
        return self.target.refusals(self.tables.runners, self.environments)

    def make(
        self, selected: Selection, cells: Sequence[Cell], on_done: Callable[[str], None]
    ) -> Made:
        """Return each cell's artifact, or the outcome that stands for it."""
        formats, cache = self.tables.formats, self.options.cache
        workshop = Workshop(cache, self.environments, formats, self.tables.launch)
        refused = self.refused
        able = [it for it in cells if it.runner not in refused]
        keys = {it: artifact_key(it, self.tables.runners) for it in able}
        made = workshop.make(
            selected.models, set(keys.values()), workers=usable_cores(), on_done=on_done
        )
        found = {it: refused.get(it.runner) or made[keys[it]] for it in cells}
        return {
            cell: it if isinstance(it, Artifact) else self.shown(settle(it))
            for cell, it in found.items()
        }

    @contextmanager
    def open(self, cell: Cell, artifact: Artifact) -> Iterator[Engine]:
        """Open a cell's engine; raises WorkerFailed and Unavailable.

        It is retried by the rule of `bench.experiments.session.attempt`.
        """
        entry = self.tables.runners[cell.runner]
        start = start_of(cell, artifact, entry, self.environments).at(self.target)

        def opened() -> Attempt[Engine | WorkerFailed]:
            engine = self.opener(start.request, python=start.python, env=start.env)
            try:
                return Attempt(result=stack.enter_context(engine))
            except WorkerFailed as error:
                return Attempt(result=error, failure=error.failure, remake=start.remake)

        with ExitStack() as stack:
            result = attempt(self.target, opened)
            if isinstance(result, WorkerFailed):
                raise result
            yield result

    def outcome(self, failure: ChildFailed) -> Failed | Skipped:
        """Return what a child's failure comes to, without this machine's paths."""
        return outcome_of(failure, self.clean)

    def shown(self, outcome: Failed | Skipped) -> Failed | Skipped:
        """Return `outcome` without this machine's paths and devices."""
        fixed = ("kind", "failure")
        texts = {name: self.clean(text) for name, text in outcome if name not in fixed}
        return outcome.model_copy(update=texts)

    def clean(self, text: str) -> str:
        """Return `text` without this machine's paths and devices."""
        return hidden(text, self.target.spec.device)
