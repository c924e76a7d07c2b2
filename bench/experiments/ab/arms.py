"""An arm as it was asked for -> what runs: code, tables, interpreters, models, artifacts.

The parent stays the current harness. An arm of another revision gets that revision's worker,
runners, converters, locks and models, and its processes import from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.artifacts.builder import ArtifactFormat, Launch, Workshop
from bench.config.catalog import (
    Catalogue,
    Entry,
    Model,
    load_catalogue,
    parse_weights,
    resolve,
    select,
)
from bench.config.suite import Axes, Suite, load_suite, select_cells
from bench.core.cell import Cell
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.environments.interpreters import Environments
from bench.experiments.ab.revisions import RevisionTables, checkout, tables_at
from bench.experiments.ab.spec import ArmSpec
from bench.experiments.context import Options, Tables
from bench.launcher.git import check_history, repository_of
from bench.launcher.process import ChildResult
from bench.runners import RunnerEntry
from bench.storage.schema.ab import ArmName
from bench.targets import TargetEntry, entry_of

PRESET = "standard"
WORKER = Path("bench/worker/__main__.py")
_LOCKS = Path("bench/envs")

TablesAt = Callable[[Path], RevisionTables]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of a comparison, ready to make artifacts and to start processes.

    `code` is another revision's folder, None for the harness's own; `models` a catalogue's folder,
    or an exported model's file.
    """

    name: ArmName
    spec: ArmSpec
    runners: Mapping[str, RunnerEntry]
    targets: Mapping[str, TargetEntry]
    formats: Mapping[str, ArtifactFormat]
    environments: Environments
    models: Path
    weights: str
    launch: Launch
    code: Path | None = None
    commit: str | None = None

    @property
    def env(self) -> dict[str, str]:
        """What its processes need in their environment."""
        return {} if self.code is None else {"PYTHONPATH": str(self.code)}

    def on_device(self, cell: Cell) -> bool:
        """Tell whether a program on the target itself runs the sessions of `cell`."""
        return entry_of(self.runners[cell.runner].target, self.targets).runs_sessions

    def environment_names(self, cell: Cell) -> list[str]:
        """Return the environments that shape `cell` of the arm, by name.

        A device has its engine itself: there they are those of the converters.
        """
        entry = self.runners[cell.runner]
        if not self.on_device(cell):
            return [entry.env]
        names, kind = set(), self.formats.get(entry.artifact_of(cell.precision))
        while kind is not None:
            names.add(kind.env)
            kind = None if kind.source is None else self.formats[kind.source]
        return sorted(names)

    def workshop(self, cache: Path) -> Workshop:
        """Return the place where its artifacts are made, by its own converters."""
        workshop = Workshop(cache, self.environments, self.formats, self.launch)
        if self.code is not None:
            workshop.converters = self.code / "bench" / "converters"
        return workshop


def make_arm(
    name: ArmName,
    spec: ArmSpec,
    options: Options,
    tables: Tables,
    *,
    project: Path,
    read_tables: TablesAt = tables_at,
) -> Arm:
    """Return the arm, its revision checked out; nothing is built yet.

    Raises InputError, and Unavailable where the revision can't serve as an arm.
    """
    arm = Arm(
        name=name,
        spec=spec,
        runners=tables.runners,
        targets=tables.targets,
        formats=tables.formats,
        environments=Environments(
            options.cache, options.envs, pins=spec.pins, passed=options.passed
        ),
        models=spec.model or options.models,
        weights=spec.weights or options.weights,
        launch=tables.launch,
    )
    if spec.models_revision is not None:
        found = checkout(arm.models, spec.models_revision, options.cache)
        return replace(arm, models=found.folder, commit=found.commit)
    if spec.revision is None:
        return arm
    return _at_revision(arm, spec.revision, options, project, read_tables)


def _at_revision(
    arm: Arm, revision: str, options: Options, project: Path, read_tables: TablesAt
) -> Arm:
    check_history(project)
    found = checkout(project, revision, options.cache)
    if not (found.folder / WORKER).is_file():
        raise Unavailable(
            f"revision {revision} has no {WORKER}: its worker speaks another protocol",
            hint="take a later revision",
        )
    its = read_tables(found.folder)
    top, models = repository_of(project).resolve(), arm.models.resolve()
    if arm.spec.model is None and models.is_relative_to(top):
        models = checkout(models, revision, options.cache).folder
    return replace(
        arm,
        runners=its.runners,
        formats=its.formats,
        environments=Environments(
            options.cache,
            options.envs,
            locks=found.folder / _LOCKS,
            specs=its.environments,
            pins=arm.spec.pins,
            passed=options.passed,
        ),
        models=models,
        launch=partial(_launch_there, arm.launch, found.folder),
        code=found.folder,
        commit=found.commit,
    )


def _launch_there(
    launch: Launch,
    code: Path,
    request: Mapping[str, object],
    *,
    python: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> ChildResult:
    return launch(
        request,
        python=python,
        env={**env, "PYTHONPATH": str(code)},
        timeout_s=timeout_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The axes of a comparison; an arm's own runner or threads take the place of theirs."""

    variants: Sequence[str]
    runners: Sequence[str]
    batches: Sequence[int]
    threads: Sequence[int]
    cores: int | None

    def of(self, arm: Arm) -> list[Axes]:
        """Return the axes of each of the arm's cells of one variant, in the order of them all.

        Raises InputError where the arm names a value of an axis that has several.
        """
        spec = arm.spec
        for kind, own, axis in (
            ("runner:", spec.runner, self.runners),
            ("set:threads", spec.threads, self.threads),
        ):
            if own is not None and len(axis) > 1:
                raise InputError(
                    f"{kind} is one value of an arm, and several are asked for of all",
                    hint="ask for one, or leave that arm's own out",
                )
        return [
            Axes(runners=[spec.runner or runner], batches=[batch], threads=[spec.threads or count])
            for runner in self.runners
            for batch in self.batches
            for count in self.threads
        ]


def target_of(arms: Sequence[Arm], selection: Selection, tables: Tables) -> str:
    """Return where the arms' runners run.

    Raises InputError for two kinds of target, and for two runners on a device: one program there
    has both arms.
    """
    names = {axes.runners[0] for arm in arms for axes in selection.of(arm)}
    for name in names:
        if name not in tables.runners:
            raise UnknownName("runner", name, tables.runners)
    targets = {tables.runners[name].target for name in names}
    if len(targets) > 1:
        raise InputError(
            f"the arms run on {' and '.join(sorted(targets))}", hint="compare runners of one target"
        )
    target = targets.pop()
    if entry_of(target, tables.targets).runs_sessions and len(names) > 1:
        raise InputError(
            f"on {target} the arms' runners are {' and '.join(sorted(names))}",
            hint="compare nets, weights or settings of one runner there",
        )
    return target


def cells_of(
    arm: Arm, selection: Selection, tables: Tables, *, beside: Path
) -> tuple[list[Cell], list[Model]]:
    """Return the arm's cells, in the same order for every arm, and their models.

    `beside` is the other arm's models: a model's file takes the name of the net it is compared
    with. Raises InputError, and Unavailable where the arm has no such runner.
    """
    target = target_of([arm], selection, tables)
    suite = load_suite(tables.targets[target].suite).in_preset(PRESET)
    models = _models(arm, selection.variants, beside)
    cells = [
        _cell(arm, suite, model, axes, selection.cores, tables)
        for model in models
        for axes in selection.of(arm)
    ]
    return cells, models


def _cell(
    arm: Arm, suite: Suite, model: Model, axes: Axes, cores: int | None, tables: Tables
) -> Cell:
    (cell,) = select_cells(suite, [model], axes, cores=cores, runners=tables.runners).cells
    if cell.runner not in arm.runners:
        raise Unavailable(
            f"{arm.name} ({arm.spec.title}) has no runner '{cell.runner}'",
            hint=f"it has {', '.join(sorted(arm.runners))}",
        )
    precision = arm.spec.precision or cell.precision
    if precision not in (precisions := arm.runners[cell.runner].precisions):
        raise UnknownName(f"precision of runner {cell.runner}", precision, precisions)
    return replace(cell, precision=precision, settings=_settings(arm, cell))


def _settings(arm: Arm, cell: Cell) -> tuple[tuple[str, str], ...]:
    """Return the arm's settings of `cell`, in which the suite's stand."""
    known = arm.runners[cell.runner].settings
    for name, value in arm.spec.settings.items():
        if name not in known:
            raise UnknownName(f"setting of runner {cell.runner}", name, known)
        if value not in known[name]:
            raise UnknownName(f"value of {cell.runner}'s {name}", value, known[name])
    # An older revision's runner may not know a setting that the suite asks for now.
    suite = {} if arm.spec.no_others else dict(cell.settings)
    settings = {**suite, **arm.spec.settings}
    return tuple(sorted((name, value) for name, value in settings.items() if name in known))


def _models(arm: Arm, variants: Sequence[str], beside: Path) -> list[Model]:
    weights = parse_weights(arm.weights)
    if arm.models.is_file():
        name, entry = _exported(arm.models, variants, beside)
        catalogue, folder = Catalogue(models={name: entry}), arm.models.parent
        return [resolve(catalogue, name, folder, weights)]
    catalogue = load_catalogue(arm.models)
    return [
        resolve(catalogue, name, arm.models, weights) for name in select(catalogue, list(variants))
    ]


def _exported(path: Path, variants: Sequence[str], beside: Path) -> tuple[str, Entry]:
    """Return the name and the entry of an exported model's file.

    Raises InputError unless it stands beside one net.
    """
    if len(variants) > 1 or not (variants or beside.is_file()):
        raise InputError(
            f"{path.name} is one net, and it isn't said which one it is compared with",
            hint="name that with --variant",
        )
    name = variants[0] if variants else re.sub(r"[^A-Za-z0-9_.]", "_", path.stem)
    known = {} if beside.is_file() else load_catalogue(beside).models
    shape = {"input": known[name].input} if name in known else {}
    return name, Entry.model_validate({"exported": str(path.resolve()), **shape})
