"""An experiment of accuracies: a data set through every runner of every variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.artifacts.builder import Artifact
from bench.config.catalog import Model
from bench.core.cell import TargetSpec
from bench.core.tensors import read_reference
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Bench, Made, Selection
from bench.experiments.accuracy.chunks import Chunks
from bench.experiments.accuracy.dataset import Dataset, check_labels
from bench.experiments.accuracy.engine import OpenEngine, open_engine
from bench.experiments.accuracy.preprocess import Recipe, decoder, quiet_decoder, recipe_for
from bench.experiments.context import Options, Tables
from bench.experiments.preparation import models_of, packages_of
from bench.experiments.progress import Units
from bench.experiments.provenance import begun, make_provenance
from bench.experiments.resume import NETS, PACKAGES, PASSED, SYSTEM, Same
from bench.launcher.process import request_folder
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import AccuracyManifest, DataFields, ModelFields, RecipeFields
from bench.storage.schema.common import CellFields
from bench.targets.base import Target

_CHUNK = 64


@dataclass(slots=True, kw_only=True)
class AccuracyExperiment:
    """Chunks of images through a variant's engines, which are open side by side.

    `remarks` are what a reader has to know of the labels, once it is prepared.
    """

    selection: Selection
    dataset: Dataset
    options: Options
    tables: Tables
    opener: OpenEngine = open_engine
    verb: str = "accuracy"
    directory: type[AccuracyFolder] = AccuracyFolder
    resume_identity: Sequence[Same] = (
        SYSTEM,
        NETS,
        Same(path="data", what="the data set", remedy="give the same images as then"),
        Same(
            path="models.*.recipe",
            what="how images of {0} are prepared",
            remedy="resume it with the Pillow of then",
        ),
        Same(path="cells", what="the list of cells", remedy="give the same flags as then"),
        PACKAGES,
        PASSED,
    )
    remarks: tuple[str, ...] = ()
    _bench: Bench = field(init=False)
    _made: Made = field(init=False)
    _recipes: Mapping[str, Recipe] = field(init=False)

    def spec(self) -> TargetSpec:
        """Return where the runners run."""
        runners = self.selection.runners
        return self.options.checked_target(
            " and ".join(runners), self.selection.target, self.tables.targets
        )

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Choose how images are prepared; return the data set and the models' hashes."""
        del target
        models = self.selection.models
        self._recipes = {model.variant: recipe_for(model.input) for model in models}
        return {
            "data": self._data().model_dump(),
            "models": {model.variant: {"model_hash": model.hash} for model in models},
        }

    def _data(self) -> DataFields:
        return DataFields(
            images=len(self.dataset.images),
            layout="folders" if self.dataset.layout == "folders" else "list",
            digest=self.dataset.digest,
        )

    def prepare(self, target: Target, say: Callable[[str], None]) -> AccuracyManifest:
        """Build environments and artifacts, and check the labels against the nets' outputs."""
        selection, options, tables = self.selection, self.options, self.tables
        environments = Environments(options.cache, options.envs, passed=options.passed)
        self._bench = Bench(
            tables=tables,
            options=options,
            target=target,
            environments=environments,
            opener=self.opener,
        )
        cells = selection.cells()
        say("environments and artifacts, each made on its first use")
        self._made = self._bench.make(selection, cells, say)
        classes = {it.variant: count_classes(it.variant, self._made) for it in selection.models}
        self.remarks = _remarks(self.dataset, classes)
        packages = packages_of(cells, tables.runners, environments)
        origin = make_provenance(packages, options, target)
        return AccuracyManifest(
            **begun(origin, target),
            target=selection.target,
            data=self._data(),
            chunk=-(-_CHUNK // selection.batch) * selection.batch,
            variants=[model.variant for model in selection.models],
            runners=list(selection.runners),
            cells={cell.id: CellFields(**cell.to_json()) for cell in cells},
            models={
                it.variant: _model_fields(it, classes[it.variant], self._recipes[it.variant])
                for it in selection.models
            },
        )

    def pending(self, run: AccuracyFolder, target: Target, clock: Callable[[], float]) -> Units:
        """Yield the chunks that are left."""
        del target, clock
        with (
            quiet_decoder(),
            ThreadPoolExecutor(usable_cores()) as pool,
            request_folder() as scratch,
        ):
            chunks = Chunks(
                run=run,
                bench=self._bench,
                images=self.dataset.images,
                made=self._made,
                recipes=self._recipes,
                pool=pool,
                scratch=scratch,
            )
            yield from chunks.pending([model.variant for model in self.selection.models])

    def resume_flags(self, run: AccuracyFolder) -> list[str]:
        """Return the images, the folders, the weights and the target's flags."""
        del run
        images = ("data", "list_file", "labels")
        return self.options.again(
            (*images, "results", "models", "cache", "weights"), self.tables.targets
        )


def resumed_selection(run: AccuracyFolder, options: Options) -> Selection:
    """Return what an unfinished run measures; raises InputError where a net is gone."""
    manifest = run.manifest()
    first = next(iter(manifest.cells.values()))
    return Selection(
        models=models_of(options, manifest.variants),
        runners=tuple(manifest.runners),
        batch=first.batch,
        threads=first.threads,
        target=manifest.target,
    )


def count_classes(variant: str, made: Made) -> int | None:
    """Return how many classes the net's first output has, by the reference of any artifact."""
    for cell, artifact in made.items():
        if cell.variant == variant and isinstance(artifact, Artifact):
            first = next(iter(read_reference(artifact.reference).outputs.values()))
            return int(np.prod(first.shape[1:]))
    return None


def _remarks(dataset: Dataset, classes: Mapping[str, int | None]) -> tuple[str, ...]:
    found = [check_labels(dataset, count) for count in classes.values() if count is not None]
    return tuple(dict.fromkeys(remark for remark in found if remark is not None))


def _model_fields(model: Model, classes: int | None, recipe: Recipe) -> ModelFields:
    return ModelFields(
        title=model.title,
        model_hash=model.hash,
        weights=model.weights.label,
        classes=classes,
        published=model.published,
        recipe=RecipeFields(
            short=recipe.short, height=recipe.height, width=recipe.width, decoder=decoder()
        ),
    )
