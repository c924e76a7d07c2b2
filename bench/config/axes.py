"""A suite's cells, as far as the command line asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from bench.config.catalog import Model
from bench.config.suite import Group, Suite
from bench.core.cell import Cell
from bench.core.errors import InputError, UnknownName
from bench.runners import RunnerEntry

ALL_RUNNERS = "all"
ANY: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What the command line says of the axes; an empty one leaves the suite's.

    ALL_RUNNERS among the runners stands for all of the suite's target.
    """

    runners: Sequence[str] = ()
    batches: Sequence[int] = ()
    threads: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The cells to measure, in the suite's order, and what was left out and why."""

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...] = ()


def select_cells(
    suite: Suite,
    models: Sequence[Model],
    axes: Axes,
    *,
    cores: int | None,
    runners: Mapping[str, RunnerEntry],
) -> Selected:
    """Return `suite`'s cells of `models` that `axes` ask for.

    A value that some cell of the suite has selects; any other takes its axis' place. Of the suite's
    own thread counts those above `cores` (None: not known) are left out with a note; one that was
    asked for raises InputError, as do a runner's unknown setting and its unknown name.
    """
    axes = replace(axes, runners=named_runners(axes.runners, suite.file.target, runners))
    _check_asked(axes, cores, runners)
    groups = [group for one in _each_runner(axes) for group in _groups(suite, one, runners)]
    cells: dict[Cell, None] = {}
    for group in groups:
        _check_runners(suite, group, runners)
        for model in models:
            check_settings(model, group.runner, runners)
        cells |= dict.fromkeys(_product(group, models))
    kept = tuple(cell for cell in cells if cores is None or cell.threads <= cores)
    beyond = sorted({cell.threads for cell in cells} - {cell.threads for cell in kept})
    notes = tuple(f"threads={count}: there are {cores} usable cores" for count in beyond)
    return Selected(cells=_by_variant(kept, models), left_out=notes)


def named_runners(
    asked: Sequence[str], target: str, runners: Mapping[str, RunnerEntry]
) -> Sequence[str]:
    """Return the runners that `asked` means on `target`.

    ALL_RUNNERS means every engine once: one that a C++ program drives as well has its other runner.
    """
    if ALL_RUNNERS not in asked:
        return asked
    every = [name for name, entry in runners.items() if entry.target == target]
    return [name for name in every if runners[name].program is None]


def _each_runner(axes: Axes) -> Iterable[Axes]:
    """Yield `axes` runner by runner, or as they are where they name none."""
    return [replace(axes, runners=[name]) for name in axes.runners] or [axes]


def _groups(suite: Suite, axes: Axes, runners: Mapping[str, RunnerEntry]) -> list[Group]:
    """Return the suite's groups as far as they are asked for, with what it lacks in their place.

    A runner takes the groups that have it, else all of them with the settings of the first.
    """
    every = suite.file.cells
    groups = [it for it in every if not set(axes.runners).isdisjoint(it.runner)]
    if not groups:
        first = {"settings": every[0].settings} if axes.runners else {}
        groups = [it.model_copy(update=first) for it in every]
    narrowed = [one for group in groups for one in _narrowed(group, axes)]
    if _covers(narrowed, axes):
        return narrowed
    return [one for group in groups for one in _replaced(group, axes, runners)]


def _check_asked(axes: Axes, cores: int | None, runners: Mapping[str, RunnerEntry]) -> None:
    for runner in axes.runners:
        if runner not in runners:
            raise UnknownName("runner", runner, runners)
    for threads in axes.threads:
        if cores is not None and threads > cores:
            raise InputError(
                f"--threads {threads}: there are {cores} usable cores",
                hint=f"ask for at most {cores}",
            )


def _narrowed(group: Group, axes: Axes) -> list[Group]:
    """Return `group` with only the values asked for, or nothing where none is left."""
    kept = {
        "runner": [r for r in group.runner if not axes.runners or r in axes.runners],
        "batch": [b for b in group.batch if not axes.batches or b in axes.batches],
        "threads": [t for t in group.threads if not axes.threads or t in axes.threads],
    }
    return [group.model_copy(update=kept)] if all(kept.values()) else []


def _covers(groups: Iterable[Group], axes: Axes) -> bool:
    """Tell whether each combination of the values asked for occurs in some group."""
    listed = list(groups)
    wanted = product(axes.runners or [ANY], axes.batches or [ANY], axes.threads or [ANY])
    return bool(listed) and all(
        any(
            runner in (ANY, *group.runner)
            and batch in (ANY, *group.batch)
            and threads in (ANY, *group.threads)
            for group in listed
        )
        for runner, batch, threads in wanted
    )


def _replaced(group: Group, axes: Axes, runners: Mapping[str, RunnerEntry]) -> Iterable[Group]:
    """Yield `group` with the values asked for, runner by runner.

    A runner that the group didn't have takes those of its settings that it knows.
    """
    for name in axes.runners or group.runner:
        settings = dict(group.settings)
        if name not in group.runner:
            settings = {k: v for k, v in settings.items() if k in runners[name].settings}
        yield group.model_copy(
            update={
                "runner": [name],
                "batch": list(axes.batches or group.batch),
                "threads": list(axes.threads or group.threads),
                "settings": settings,
            }
        )


def _check_runners(suite: Suite, group: Group, runners: Mapping[str, RunnerEntry]) -> None:
    for name in group.runner:
        if name not in runners:
            raise UnknownName("runner", name, runners, of=f"suite {suite.name}")
        if runners[name].target != suite.file.target:
            raise InputError(
                f"runner {name} measures {runners[name].target}, suite {suite.name} is for "
                f"{suite.file.target}",
                hint="choose a runner of that target, or another suite",
            )
        _check_settings(name, group.settings, f"suite {suite.name}", runners)


def check_settings(model: Model, used: Collection[str], runners: Mapping[str, RunnerEntry]) -> None:
    """Raise UnknownName where the entry of `model` names no runner, or settings that a runner among
    `used` hasn't.
    """
    for name, settings in model.settings.items():
        if name not in runners:
            raise UnknownName("runner", name, runners, of=f"model {model.variant}")
        if name in used:
            _check_settings(name, settings, f"model {model.variant}", runners)


def _check_settings(
    runner: str, settings: Mapping[str, str], whose: str, runners: Mapping[str, RunnerEntry]
) -> None:
    known = runners[runner].settings
    for setting, value in settings.items():
        if setting not in known:
            raise UnknownName("setting", setting, known, of=f"runner {runner} ({whose})")
        if value not in known[setting]:
            raise UnknownName("value", value, known[setting], of=f"{runner}'s {setting}")


def _product(group: Group, models: Sequence[Model]) -> Iterable[Cell]:
    for model, runner, batch, threads in product(models, group.runner, group.batch, group.threads):
        yield Cell(
            variant=model.variant,
            model_hash=model.hash,
            runner=runner,
            batch=batch,
            threads=threads,
            precision=group.precision,
            input=model.input_text,
            settings=tuple(sorted({**group.settings, **model.settings.get(runner, {})}.items())),
        )


def _by_variant(cells: Sequence[Cell], models: Sequence[Model]) -> tuple[Cell, ...]:
    order = {model.variant: index for index, model in enumerate(models)}
    return tuple(sorted(cells, key=lambda cell: order[cell.variant]))
