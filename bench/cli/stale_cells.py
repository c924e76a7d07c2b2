"""Which cells of a run still hold: what this machine has of their nets, engines and artifacts.

Builds and exports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.freshness import (
    CellCheck,
    Doubt,
    Stale,
    Unchecked,
    compare_artifact,
    compare_model,
    compare_packages,
    judge,
)
from bench.artifacts.builder import Key, Workshop
from bench.config.catalog import CATALOG, EXPORTED, Model, load_catalogue, parse_weights, resolve
from bench.core.digest import file_sha256
from bench.core.errors import BrokenFile, Unavailable
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables
from bench.experiments.preparation import artifact_key, artifact_name
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Skipped
from bench.storage.schema.latency import Measured, ModelFacts, Record, RunManifest


def check_cells(options: Options, tables: Tables, folder: RunFolder) -> list[CellCheck]:
    """Return of each cell of a run whether it is current, stale or can't be told here."""
    manifest = folder.manifest()
    records = {record.cell_id: record for record in folder.records([])}
    variants = {record.cell.variant for record in records.values()}
    today = _today(options, tables, {it: manifest.models.get(it) for it in variants})
    finished = [
        judge(cell_id, _doubts(record, manifest, today)) for cell_id, record in records.items()
    ]
    absent = [
        judge(cell_id, [_absent(manifest)]) for cell_id in manifest.cells if cell_id not in records
    ]
    return finished + absent


def _absent(manifest: RunManifest) -> Doubt:
    if manifest.status == "complete":
        return Stale("its record is gone, and the run is complete")
    return Unchecked("it isn't measured yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Today:
    """What this machine has now, asked for without making any of it."""

    models: Mapping[str, Model | Doubt]
    tables: Tables
    workshop: Workshop

    def packages(self, name: str) -> Mapping[str, str] | Doubt:
        environments = self.workshop.environments
        if not environments.is_built(name):
            return Unchecked(f"environment {name} isn't built here")
        try:
            return environments.get(name).packages
        except Unavailable as error:
            return Unchecked(str(error))

    def hashes(self, model: Model, key: Key, files: Sequence[str]) -> Mapping[str, str] | Doubt:
        """Return the SHA-256 of those of `files` that the cache has under today's key."""
        formats, name = self.workshop.formats, artifact_name(key)
        if key.kind not in formats:
            return Stale(f"there is no kind of artifact '{key.kind}' any more")
        for maker in self.workshop.makers(model, key.kind):
            if isinstance(self.packages(maker), Stale | Unchecked):
                return Unchecked(f"{name}: its key in the cache needs environment {maker}")
        folder = self.workshop.folder(model, key.kind, key.batch)
        if not folder.is_dir():
            return Unchecked(f"{name} isn't in the cache as today's code and packages make it")
        return {file: file_sha256(folder / file) for file in files if (folder / file).is_file()}


def _today(options: Options, tables: Tables, then: Mapping[str, ModelFacts | None]) -> _Today:
    """Return what there is now of the models that a run knew by variant."""
    catalogue, weights = load_catalogue(options.models), parse_weights(options.weights)

    def model(variant: str) -> Model | Doubt:
        facts = then[variant]
        if variant not in catalogue.models and facts and facts.weights == EXPORTED:
            return Unchecked(f"{variant} was named by its file, and is in no catalogue")
        if variant not in catalogue.models:
            return Stale(f"{variant} isn't in {options.models / CATALOG}")
        try:
            return resolve(catalogue, variant, options.models, weights)
        except BrokenFile as error:
            return Unchecked(str(error))

    environments = Environments(options.cache, options.envs)
    return _Today(
        models={variant: model(variant) for variant in then},
        tables=tables,
        workshop=Workshop(
            options.cache, environments, formats=tables.formats, launch=tables.launch
        ),
    )


def _doubts(record: Record, manifest: RunManifest, today: _Today) -> Iterator[Doubt]:
    cell = record.cell
    model, facts = today.models[cell.variant], manifest.models.get(cell.variant)
    if record.cell_id not in manifest.cells:
        yield Stale("run.json has no such cell")
    yield from compare_model(cell, facts.weights if facts else None, model)
    runner = today.tables.runners.get(cell.runner)
    if runner is None:
        yield Stale(f"there is no runner '{cell.runner}' any more")
        return
    environments = manifest.provenance.environments
    yield from compare_packages(
        runner.env, environments.get(runner.env), today.packages(runner.env)
    )
    # The cache keeps another net's artifacts under other keys: there is nothing to compare.
    if isinstance(model, Model) and model.hash == cell.model_hash:
        key = artifact_key(cell.to_cell(), today.tables.runners)
        then = (facts.artifacts if facts else {}).get(artifact_name(key), {})
        if then or isinstance(record.outcome, Measured):
            now = today.hashes(model, key, list(then))
            yield from compare_artifact(artifact_name(key), then, now)
        else:
            became = "was skipped" if isinstance(record.outcome, Skipped) else "failed"
            yield Unchecked(f"it {became} before {artifact_name(key)} was made")
