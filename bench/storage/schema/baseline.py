"""A baseline as it is stored: the run that later ones are held against, and how to repeat it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from bench.storage.schema.common import SCHEMA_VERSION, Id, Name, Version
from bench.storage.validation import Strict


class ModelRecipe(Strict):
    """The net that was measured, and the SHA-256 of the files that engines loaded, by artifact."""

    model_hash: str = Field(description="names the net and its weights")
    weights: str = Field(description="the kind of weights")
    weights_sha256: str | None = Field(default=None, description="SHA-256 of the file of weights")
    artifacts: dict[str, dict[str, str]] = Field(
        default={}, description="SHA-256 of the files that engines loaded, by format and name"
    )


class Recipe(Strict):
    """What it takes to measure a baseline again; `locks` has the SHA-256 of bench/envs/*.txt."""

    commit: str = Field(description="the harness's commit")
    command: list[str] = Field(description="the words of the command line")
    locks: dict[str, str] = Field(description="SHA-256 of each lock file of bench/envs")
    harness: dict[str, str] = Field(description="versions of the harness and of its packages")
    environments: dict[str, dict[str, str]] = Field(
        description="versions of packages, by environment and package"
    )
    models: dict[str, ModelRecipe] = Field(description="each model, by name")


class Baseline(Strict):
    """results/baselines/<system_id>.json: the run that later ones are held against, by cell."""

    schema_version: Version = SCHEMA_VERSION
    system_id: Id = Field(description="the system that it is of")
    accepted: str = Field(description="when it was set, UTC")
    suite: Name = Field(description="the run's suite")
    preset: Name = Field(description="the run's preset")
    recipe: Recipe = Field(description="what it takes to measure it again")
    cells: Annotated[dict[str, str], Field(description="cell_id -> run_id", min_length=1)]

    @property
    def run_id(self) -> str:
        return next(iter(self.cells.values()))

    @model_validator(mode="after")
    def _of_one_run(self) -> Baseline:
        if len(set(self.cells.values())) > 1:
            raise ValueError("its cells are of several runs, and the recipe is of one")
        return self
