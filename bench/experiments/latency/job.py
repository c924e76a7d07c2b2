"""What a run has to do: cells, models and sampling, from the command line or an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.config.catalog import Model, load_catalogue, parse_weights, resolve, select
from bench.config.suite import Suite, select_cells
from bench.config.sustained import sustained
from bench.core.cell import Cell, Sampling
from bench.core.errors import InputError, UnknownName
from bench.experiments.context import Options, Tables
from bench.experiments.latency.schedule import Plan, make_plan
from bench.storage.schema.latency import RunManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run before it begins."""

    suite: str
    suite_title: str
    target: str
    beside: tuple[str, ...]
    cells: tuple[Cell, ...]
    models: tuple[Model, ...]
    sampling: Sampling
    seed: int
    left_out: tuple[str, ...] = ()

    def plan(self) -> Plan:
        return make_plan(self.cells, self.sampling, seed=self.seed)


def new_job(options: Options, tables: Tables, suite: Suite, *, cores: int | None) -> Job:
    """Return the job that `options` ask for, where there are `cores` (None: not known).

    Raises InputError for what can't be.
    """
    suite = suite.in_preset(options.preset)
    sampling = suite.sampling(options.preset)
    if options.sustained_s is not None:
        sampling = sustained(sampling, options.sustained_s)
    models = models_of(options, options.variants)
    selected = select_cells(suite, models, options.axes, cores=cores, runners=tables.runners)
    if not selected.cells:
        raise InputError(
            f"no cell of suite {suite.name} is left: {'; '.join(selected.left_out)}",
            hint="ask for other axes, see `python -m bench plan`",
        )
    return Job(
        suite=suite.name,
        suite_title=suite.file.title,
        target=suite.file.target,
        beside=tuple(suite.file.beside),
        cells=selected.cells,
        models=models,
        sampling=sampling,
        seed=options.seed,
        left_out=selected.left_out,
    )


def resumed_job(manifest: RunManifest, options: Options, tables: Tables) -> Job:
    """Return the job of an interrupted run; raises InputError where it can't be gone on with."""
    cells = tuple(fields.to_cell() for fields in manifest.cells.values())
    for cell in cells:
        if cell.runner not in tables.runners:
            raise UnknownName("runner", cell.runner, tables.runners)
    variants = list(dict.fromkeys(cell.variant for cell in cells))
    models = models_of(options, variants)
    hashes = {model.variant: model.hash for model in models}
    for cell in cells:
        if hashes[cell.variant] != cell.model_hash:
            raise InputError(
                f"{cell.variant} isn't the net that run {manifest.run_id} began with",
                hint="give the same --weights and --models as then, or start a new run",
            )
    return Job(
        suite=manifest.suite,
        suite_title=manifest.suite_title,
        target=manifest.target,
        beside=tuple(manifest.beside),
        cells=cells,
        models=models,
        sampling=Sampling.from_json(manifest.sampling.model_dump()),
        seed=manifest.seed,
        left_out=tuple(manifest.left_out),
    )


def models_of(options: Options, variants: Sequence[str]) -> tuple[Model, ...]:
    """Return the models of `variants` (none: all) with their weights; raises InputError."""
    catalogue = load_catalogue(options.models)
    names = select(catalogue, variants)
    weights = parse_weights(options.weights)
    if weights.path is not None and len(names) > 1:
        raise InputError(
            f"--weights {options.weights} is one file and {len(names)} variants are asked for",
            hint="name the one that it belongs to with --variant",
        )
    return tuple(resolve(catalogue, name, options.models, weights) for name in names)
