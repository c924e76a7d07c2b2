"""A suite in TOML: which runners, batches and threads, and how each preset samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from bench.config.loads import LoadPreset
from bench.config.sustained import PRESET
from bench.config.thresholds import DEFAULT, Gate
from bench.core.cell import MOST_CALLS, Sampling
from bench.core.errors import BrokenFile, UnknownName
from bench.core.paths import PACKAGE, document
from bench.storage.validation import Positive, Seconds, Strict, explain, read_toml

FOLDER = PACKAGE / "suites"

MOST_CELLS = 10_000
MOST_SAMPLES = 2_000_000  # a cell's, so that its file can be read again


class Group(Strict):
    """Cells as a product of axes."""

    runner: Annotated[list[str], Field(min_length=1)] = Field(
        description="names of the [runners](runners.md); each gets every batch and thread count"
    )
    batch: Annotated[list[Positive], Field(min_length=1)] = Field(description="batch sizes")
    threads: Annotated[list[Positive], Field(min_length=1)] = Field(
        default=[1],
        description="thread counts; those above the machine's usable cores are left out, and the "
        "plan says so",
    )
    precision: Literal["fp32", "bf16", "fp16", "int8"] = Field(
        default="fp32", description="the precision that is asked for"
    )
    settings: dict[str, str] = Field(default={}, description="settings of the runners, by name")


class Preset(Strict):
    """How each session samples: the fields of `SamplingFields`, which describes them."""

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
    settings: dict[str, str] = Field(
        default={}, description="settings that take the place of the groups' own"
    )

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
    """The whole of a suite's file."""

    title: str = Field(description="what the suite is called in reports")
    target: str = Field(
        description="where its cells are measured: `cpu`, `android` or `nvidia-gpu`"
    )
    beside: list[str] = Field(
        default=[], description="columns of published.csv to print beside the measured ones"
    )
    models: list[str] = Field(
        default=[],
        description="models that are measured where none is named; without it those whose entry in "
        "the catalogue doesn't leave the suite out",
    )
    gate: Gate = Field(
        default=DEFAULT, description="the least change that comparisons count; a section of its own"
    )
    cells: Annotated[list[Group], Field(min_length=1)] = Field(
        description="groups of cells, each a product of its lists"
    )
    presets: Annotated[dict[str, Preset], Field(min_length=1)] = Field(
        description="how thoroughly to measure, by the name that `--preset` takes"
    )
    loads: dict[str, LoadPreset] = Field(
        default={},
        description="how thoroughly `bench load` loads a server of each cell, by the same name",
    )

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

    def load(self, preset: str) -> LoadPreset:
        """Return how the preset loads servers; raises UnknownName, and BrokenFile without any."""
        if not self.file.loads:
            hint = "take --suite serving, or add a section [loads.standard] to the file"
            raise BrokenFile(self.path, "it has no loads", hint=hint)
        if preset not in self.file.loads:
            raise UnknownName("preset of loads", preset, self.file.loads, of=f"suite {self.name}")
        return self.file.loads[preset]

    def sampling(self, preset: str) -> Sampling:
        """Return the preset's sampling; raises UnknownName."""
        values = self._preset(preset).model_dump(exclude={"settings"})
        if values["steady_tolerance"] == "none":
            values["steady_tolerance"] = None
        return Sampling(preset=preset, **values)


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
        raise BrokenFile(
            path, explain(error), hint=f"see {document('docs/reference/files.md')}"
        ) from error
