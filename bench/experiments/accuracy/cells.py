"""Runners and variants that were asked for -> cells with artifacts, or what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from bench.artifacts.builder import Artifact, Workshop
from bench.config.catalog import Model
from bench.core.cell import Cell
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.core.paths import PROJECT
from bench.core.protocol import SessionRequest
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments, worker_of
from bench.experiments.accuracy.engine import Engine, OpenEngine, open_engine
from bench.experiments.context import Options, Tables
from bench.experiments.latency.job import models_of
from bench.experiments.preparation import artifact_key, settle
from bench.experiments.provenance import hide, scrub
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Failed, Skipped
from bench.targets.base import Target
from bench.targets.requirements import missing_for

RUNNER = "paddle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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
            )
            for model in self.models
            for runner in self.runners
        ]


def asked_for(options: Options, tables: Tables) -> Asked:
    """Return what the flags ask for; raises InputError."""
    runners = tuple(dict.fromkeys(options.axes.runners)) or (RUNNER,)
    threads = _single("--threads", options.axes.threads)
    if threads > usable_cores():
        raise InputError(
            f"--threads {threads}: there are {usable_cores()} usable cores",
            hint="ask for fewer threads",
        )
    return Asked(
        models=models_of(options, options.variants),
        runners=runners,
        batch=_single("--batch", options.axes.batches),
        threads=threads,
        target=target_of(runners, tables.runners),
    )


def _single(flag: str, values: Sequence[int]) -> int:
    if len(values) > 1:
        raise InputError(
            f"{flag} {','.join(map(str, values))}: one is enough, answers don't hang on it",
            hint=f"as in {flag} {values[0]}",
        )
    return values[0] if values else 1


def target_of(runners: Sequence[str], table: Mapping[str, RunnerEntry]) -> str:
    """Return the kind of target that all `runners` run on; raises InputError."""
    for runner in runners:
        if runner not in table:
            raise UnknownName("runner", runner, table)
    targets = dict.fromkeys(table[runner].target for runner in runners)
    if len(targets) > 1:
        raise InputError(
            f"the runners {', '.join(runners)} run on {' and '.join(targets)}",
            hint="name runners of one target at a time",
        )
    (target,) = targets
    if target == "android":
        raise InputError(
            "a phone's sessions run there from end to end and take no images",
            hint="name runners of this machine's CPU or GPU",
        )
    return target


def check_here(asked: Asked, options: Options, tables: Tables) -> None:
    """Raise Unavailable where this machine lacks what the runners need."""
    lacks = missing_for(options.own_target(asked.target), asked.runners, tables.runners)
    if lacks:
        raise Unavailable(
            f"{' and '.join(asked.runners)} can't run here: {lacks[0].what}", hint=lacks[0].remedy
        )


Made = dict[Cell, Artifact | Failed | Skipped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What opens engines: tables, interpreters, and the place where they run."""

    tables: Tables
    options: Options
    target: Target
    environments: Environments
    opener: OpenEngine = field(default=open_engine)

    def make(self, asked: Asked, cells: Sequence[Cell], on_done: Callable[[str], None]) -> Made:
        """Return each cell's artifact, or the outcome that stands for it."""
        formats, cache = self.tables.formats, self.options.cache
        workshop = Workshop(cache, self.environments, formats=formats, launch=self.tables.launch)
        keys = {it: artifact_key(it, self.tables.runners) for it in cells}
        made = workshop.make(
            asked.models, set(keys.values()), workers=usable_cores(), on_done=on_done
        )
        found = {cell: made[key] for cell, key in keys.items()}
        return {
            cell: it if isinstance(it, Artifact) else self.shown(settle(it))
            for cell, it in found.items()
        }

    def open(self, cell: Cell, artifact: Artifact) -> AbstractContextManager[Engine]:
        """Open a cell's engine; raises WorkerFailed and Unavailable."""
        entry = self._entry(cell)
        python, variables = worker_of(entry, self.environments, threads=cell.threads)
        target = self.target
        request = SessionRequest(
            runner=entry.path,
            target=target.spec,
            cell=cell,
            artifact=artifact.main,
            reference=artifact.reference,
            tolerance=entry.tolerance_of(cell.precision),
        )
        env = variables | dict(target.child_env(python))
        return self.opener(request, python=python, env=env)

    def packages(self, cells: Sequence[Cell]) -> dict[str, Mapping[str, str]]:
        """Return the packages of each environment that is there, by name."""
        names = sorted({self._entry(cell).env for cell in cells})
        known = [name for name in names if self.environments.problem(name) is None]
        return {name: self.environments.get(name).packages for name in known}

    def outcome(self, failure: ChildFailed) -> Failed | Skipped:
        """Return what a child's failure comes to, without this machine's paths."""
        if failure.kind == "unavailable":
            return self.shown(Skipped(reason=failure.message, hint=failure.hint))
        return self.shown(
            Failed(
                failure=failure.kind,
                message=failure.message,
                hint=failure.hint,
                log_tail=failure.log_tail,
            )
        )

    def shown(self, outcome: Failed | Skipped) -> Failed | Skipped:
        """Return `outcome` without this machine's paths and devices."""
        clean = partial(_clean, device=self.target.spec.device)
        texts = {name: clean(text) for name, text in outcome if name not in ("kind", "failure")}
        return outcome.model_copy(update=texts)

    def _entry(self, cell: Cell) -> RunnerEntry:
        return self.tables.runners[cell.runner]


def _clean(text: str, *, device: str | None) -> str:
    return hide(scrub(text, PROJECT), device)
