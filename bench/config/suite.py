"""A suite in TOML -> cells: which runners, batches and threads, and how each preset samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from bench.config.catalog import Model
from bench.config.sustained import PRESET
from bench.config.thresholds import DEFAULT, Gate
from bench.core.cell import MOST_CALLS, Cell, Sampling
from bench.core.errors import BrokenFile, InputError, UnknownName
from bench.core.paths import PACKAGE
from bench.runners import RunnerEntry
from bench.storage.validation import Positive, Seconds, Strict, explain, read_toml

FOLDER = PACKAGE / "suites"

ANY: Any = None
MOST_CELLS = 10_000
MOST_SAMPLES = 2_000_000  # a cell's, so that its file can be read again


class Group(Strict):
    """Cells as a product of axes."""

    runner: Annotated[list[str], Field(min_length=1)]
    batch: Annotated[list[Positive], Field(min_length=1)]
    threads: Annotated[list[Positive], Field(min_length=1)] = [1]
    precision: Literal["fp32", "bf16", "fp16", "int8"] = "fp32"
    settings: dict[str, str] = {}


class Preset(Strict):
    """How each session samples; the fields are those of `bench.core.cell.Sampling`.

    `settings` take the place of the groups' own.
    """

    sessions: Positive
    samples: Positive
    min_samples: Positive
    budget_s: Seconds
    warmup_calls: Positive
    warmup_s: Seconds
    warmup_cap_s: Seconds
    steady_window: Annotated[int, Field(ge=4)] = 10
    steady_tolerance: Annotated[float, Field(gt=0)] | Literal["none"] = 0.05
    statistic: Literal["median", "mean"] = "median"
    timeout_s: Annotated[Seconds, Field(gt=0)] = 300.0
    max_sessions: Positive | None = None
    half_width: Annotated[float, Field(gt=0, lt=1)] | None = None
    grow_for_s: Seconds = 0.0
    laps: Annotated[int, Field(ge=4, le=1000)] | None = None
    settings: dict[str, str] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Preset:
        if self.min_samples > self.samples:
            raise ValueError("min_samples is above samples")
        if (self.max_sessions is None) != (self.half_width is None):
            raise ValueError("max_sessions and half_width go together")
        if self.max_sessions is not None and self.max_sessions < self.sessions:
            raise ValueError("max_sessions is below sessions")
        samples = self.samples if self.laps is None else self.laps * MOST_CALLS
        if samples * (self.max_sessions or self.sessions) > MOST_SAMPLES:
            raise ValueError(f"a cell would have more than {MOST_SAMPLES:,} samples")
        return self


class SuiteFile(Strict):
    """The whole of a suite's file. `beside` names columns of published.csv to print beside."""

    title: str
    target: str  # a name of the table of targets, which opens it or says that it has none
    beside: list[str] = []
    gate: Gate = DEFAULT
    cells: Annotated[list[Group], Field(min_length=1)]
    presets: Annotated[dict[str, Preset], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_preset_of_ours(self) -> SuiteFile:
        if PRESET in self.presets:
            raise ValueError(f"a preset is called {PRESET}, which stands for --sustained")
        counts = (len(it.runner) * len(it.batch) * len(it.threads) for it in self.cells)
        if sum(counts) > MOST_CELLS:
            raise ValueError(f"a model would have more than {MOST_CELLS:,} cells")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite by its name, read and checked."""

    name: str
    path: Path
    file: SuiteFile

    @property
    def runners(self) -> list[str]:
        """The names of the runners that its groups ask for."""
        return list(dict.fromkeys(name for group in self.file.cells for name in group.runner))

    def in_preset(self, preset: str) -> Suite:
        """Return the suite with the preset's settings in every group; raises UnknownName."""
        settings = self._preset(preset).settings
        groups = [
            group.model_copy(update={"settings": {**group.settings, **settings}})
            for group in self.file.cells
        ]
        return replace(self, file=self.file.model_copy(update={"cells": groups}))

    def _preset(self, name: str) -> Preset:
        if name not in self.file.presets:
            raise UnknownName("preset", name, self.file.presets, of=f"suite {self.name}")
        return self.file.presets[name]

    def sampling(self, preset: str) -> Sampling:
        """Return the preset's sampling; raises UnknownName."""
        values = self._preset(preset).model_dump(exclude={"settings"})
        if values["steady_tolerance"] == "none":
            values["steady_tolerance"] = None
        return Sampling(preset=preset, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What the command line says of the axes; an empty one leaves the suite's."""

    runners: Sequence[str] = ()
    batches: Sequence[int] = ()
    threads: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The cells to measure, in the suite's order, and what was left out and why."""

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...] = ()


def load_suite(name: str) -> Suite:
    """Return the suite of that name in bench/suites, or in the file of that path.

    Raises UnknownName or BrokenFile.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and not path.is_file():
        raise UnknownName("suite", name, (file.stem for file in FOLDER.glob("*.toml")))
    try:
        return Suite(name=path.stem, path=path, file=SuiteFile.model_validate(read_toml(path)))
    except ValidationError as error:
        raise BrokenFile(path, explain(error), hint="see bench/suites/cpu.toml") from error


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
    _check_asked(axes, cores, runners)
    groups = [group for group in suite.file.cells for group in _narrowed(group, axes)]
    if not _covers(groups, axes):
        groups = [one for group in suite.file.cells for one in _replaced(group, axes, runners)]
    cells: dict[Cell, None] = {}
    for group in groups:
        _check_runners(suite, group, runners)
        for model in models:
            _check_own_settings(model, group, runners)
        cells |= dict.fromkeys(_product(group, models))
    kept = tuple(cell for cell in cells if cores is None or cell.threads <= cores)
    beyond = sorted({cell.threads for cell in cells} - {cell.threads for cell in kept})
    notes = tuple(f"threads={count}: there are {cores} usable cores" for count in beyond)
    return Selected(cells=_by_variant(kept, models), left_out=notes)


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


def _check_own_settings(model: Model, group: Group, runners: Mapping[str, RunnerEntry]) -> None:
    for name in model.settings.keys() & set(group.runner):
        _check_settings(name, model.settings[name], f"model {model.variant}", runners)


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
