"""The axes of a comparison -> each arm's cells and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.config.axes import Axes, named_runners, select_cells
from bench.config.catalog import (
    CATALOG,
    Model,
    load_catalogue,
    parse_weights,
    resolve,
    resolve_all,
    select,
)
from bench.config.entries import Catalogue, Entry, entry_name
from bench.config.suite import Suite, load_suite
from bench.core.cell import Cell
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.devices.host.facts import usable_cores
from bench.experiments.ab.arms import Arm
from bench.experiments.context import Options, Tables
from bench.targets import entry_of

RUNNER = "paddle"
PHONE_RUNNER = "paddle-lite"

PRESET = "standard"


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
    found = _models(arm, selection.variants, beside)
    models = [model.with_tolerance(arm.tolerance) for model in found]
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
        raise UnknownName("precision", precision, precisions, of=f"runner {cell.runner}")
    return replace(cell, precision=precision, settings=_settings(arm, cell))


def _settings(arm: Arm, cell: Cell) -> tuple[tuple[str, str], ...]:
    """Return the arm's settings of `cell`, in which the suite's stand."""
    known = arm.runners[cell.runner].settings
    for name, value in arm.spec.settings.items():
        if name not in known:
            raise UnknownName("setting", name, known, of=f"runner {cell.runner}")
        if value not in known[name]:
            raise UnknownName("value", value, known[name], of=f"{cell.runner}'s {name}")
    # An older revision's runner may not know a setting that the suite asks for now.
    suite = {} if arm.spec.no_others else dict(cell.settings)
    settings = {**suite, **arm.spec.settings}
    return tuple(sorted((name, value) for name, value in settings.items() if name in known))


def _models(arm: Arm, variants: Sequence[str], beside: Path) -> list[Model]:
    weights = parse_weights(arm.weights)
    if arm.spec.model is not None and _is_net(arm.models):
        name, entry = _own(arm.models, variants, beside)
        catalogue, folder = Catalogue(models={name: entry}), arm.models.parent
        return [resolve(catalogue, name, folder, weights)]
    catalogue = load_catalogue(arm.models)
    names = select(catalogue, list(variants))
    return list(resolve_all(catalogue, names, arm.models, weights))


def _is_net(path: Path) -> bool:
    """Tell whether `path` is of one net: its file, or a folder with that and no catalogue."""
    return path.is_file() or not (path / CATALOG).is_file()


def _own(path: Path, variants: Sequence[str], beside: Path) -> tuple[str, Entry]:
    """Return the name and the entry of a net's own file.

    Raises InputError unless it stands beside one net.
    """
    if len(variants) > 1 or not (variants or _is_net(beside)):
        raise InputError(
            f"{path.name} is one net, and it isn't said which one it is compared with",
            hint="name that with --variant",
        )
    name = variants[0] if variants else entry_name(path.stem)
    known = {} if _is_net(beside) else load_catalogue(beside).models
    shape = {"input": known[name].input} if name in known else {}
    return name, Entry.model_validate({"file": str(path.absolute()), **shape})


def selected(options: Options, base: Arm) -> Selection:
    """Return the axes that `options` give, of `base`'s models where they name none."""
    axes, variants = options.axes, list(options.variants)
    named = named_runners(axes.runners, "cpu", base.runners)
    if not variants and not _is_net(base.models):
        variants = select(load_catalogue(base.models), [])
    return Selection(
        variants=variants,
        runners=named or [RUNNER if "device" not in options.own else PHONE_RUNNER],
        batches=axes.batches or [1],
        threads=axes.threads or [1],
        cores=usable_cores(),
    )
