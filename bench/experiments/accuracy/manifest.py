"""An accuracy run's manifest: as it begins, and what an unfinished one goes on with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.artifacts.builder import Artifact
from bench.config.catalog import Model
from bench.core.errors import InputError
from bench.experiments.accuracy.cells import Asked, Bench, Made
from bench.experiments.accuracy.dataset import Dataset
from bench.experiments.accuracy.preprocess import Recipe, decoder
from bench.experiments.context import Options
from bench.experiments.latency.job import models_of
from bench.experiments.latency.manifest import make_provenance
from bench.storage.directory import AccuracyFolder
from bench.storage.files import new_run_id, utc_now
from bench.storage.schema.accuracy import AccuracyManifest, DataFields, ModelFields, RecipeFields
from bench.storage.schema.common import CellFields

_CHUNK = 64


def count_classes(variant: str, made: Made) -> int | None:
    """Return how many outputs the net has, by the reference of any of its artifacts."""
    for cell, artifact in made.items():
        if cell.variant == variant and isinstance(artifact, Artifact):
            with np.load(artifact.reference) as arrays:
                return int(arrays["logits"].shape[-1])
    return None


def make_manifest(
    asked: Asked,
    dataset: Dataset,
    bench: Bench,
    classes: Mapping[str, int | None],
    recipes: Mapping[str, Recipe],
) -> AccuracyManifest:
    """Return the manifest of a run that starts now; `classes` and `recipes` are by variant."""
    cells, target = asked.cells(), bench.target
    origin = make_provenance(bench.packages(cells), bench.options.command, target)
    return AccuracyManifest(
        run_id=new_run_id(origin.commit),
        system_id=target.system.system_id,
        status="running",
        started=utc_now(),
        target=asked.target,
        data=DataFields(
            images=len(dataset.images),
            layout="folders" if dataset.layout == "folders" else "list",
            digest=dataset.digest,
        ),
        chunk=-(-_CHUNK // asked.batch) * asked.batch,
        variants=[model.variant for model in asked.models],
        runners=list(asked.runners),
        cells={cell.id: CellFields(**cell.to_json()) for cell in cells},
        models={
            model.variant: _model_fields(model, classes[model.variant], recipes[model.variant])
            for model in asked.models
        },
        provenance=origin,
    )


def _model_fields(model: Model, classes: int | None, recipe: Recipe) -> ModelFields:
    return ModelFields(
        title=model.title,
        model_hash=model.hash,
        weights=model.weights.kind,
        classes=classes,
        published=model.published,
        recipe=RecipeFields(
            short=recipe.short, height=recipe.height, width=recipe.width, decoder=decoder()
        ),
    )


def asked_before(folder: AccuracyFolder, options: Options) -> Asked:
    """Return what an unfinished run was asked for; raises InputError where it can't go on."""
    manifest = folder.manifest()
    name = folder.path.name
    if manifest.status == "complete":
        raise InputError(
            f"accuracy run {name} is complete", hint="leave --resume out to start a new run"
        )
    models = models_of(options, manifest.variants)
    for model in models:
        if model.hash != manifest.models[model.variant].model_hash:
            raise InputError(
                f"{model.variant} isn't the net that accuracy run {name} began with",
                hint="give the same --weights and --models as then, or start a new run",
            )
    first = next(iter(manifest.cells.values()))
    return Asked(
        models=models,
        runners=tuple(manifest.runners),
        batch=first.batch,
        threads=first.threads,
        target=manifest.target,
    )


def gone_on(folder: AccuracyFolder, now: AccuracyManifest) -> AccuracyFolder:
    """Return the unfinished run's folder, running again; raises InputError where `now` differs."""
    then = folder.manifest()
    differs = [what for what, same in _same(then, now).items() if not same]
    if differs:
        raise InputError(
            f"{differs[0]} isn't what accuracy run {then.run_id} began with",
            hint="give the same flags as then, or leave --resume out to start a new run",
        )
    folder.write_manifest(then.model_copy(update={"status": "running"}))
    return folder


def _same(then: AccuracyManifest, now: AccuracyManifest) -> dict[str, bool]:
    return {
        "this machine": then.system_id == now.system_id,
        "the data set": then.data == now.data,
        "how images are prepared": then.models == now.models,
        "the engines' environment": then.provenance.environments == now.provenance.environments,
    }
