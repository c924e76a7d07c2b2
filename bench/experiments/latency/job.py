"""What a run of latencies measures: a suite's cells over models, new or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bench.config.axes import ALL_RUNNERS, Axes, select_cells
from bench.config.catalog import Model
from bench.config.suite import Suite, load_suite
from bench.config.sustained import sustained
from bench.core.cell import Cell, Sampling
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.core.program import command
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables
from bench.experiments.engine_formats import with_able_engines, without_refused
from bench.experiments.latency.schedule import Plan, make_plan
from bench.experiments.nets import OwnOptions, catalogue_of, models_of, models_of_suite
from bench.storage.schema.latency import RunManifest

SUITE, OWN_SUITE = "cpu", "engines"
LAPS = 20
"""The laps of a session where --turns asks for turns and the preset doesn't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """Which suite, how thoroughly, for how long where each cell has one long session, whether the
    cells of a table take turns where the preset says otherwise, and whether they are profiled.

    `suite` None: that of every engine for nets that are named by their files, else the CPU's.
    """

    suite: str | None = None
    preset: str = "standard"
    sustained_s: float | None = None
    turns: bool = False
    no_turns: bool = False
    profile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run measures: cells, models and sampling, and whether it profiles them."""

    suite: str
    suite_title: str
    target: str
    beside: tuple[str, ...]
    cells: tuple[Cell, ...]
    models: tuple[Model, ...]
    sampling: Sampling
    seed: int
    left_out: tuple[str, ...] = ()
    profile: bool = False

    def plan(self) -> Plan:
        return make_plan(self.cells, self.sampling, seed=self.seed)


def suite_of(options: Options) -> Suite:
    """Return the suite that `options` ask for; raises UnknownName and BrokenFile."""
    chosen = options.of(SuiteOptions).suite
    return load_suite(chosen or (OWN_SUITE if options.of(OwnOptions).model_files else SUITE))


def _axes(options: Options) -> Axes:
    """Return the axes, for a net's own file those of every runner unless they name any."""
    plain = options.axes.runners or options.of(SuiteOptions).suite
    if plain or not options.of(OwnOptions).model_files:
        return options.axes
    return replace(options.axes, runners=[ALL_RUNNERS])


def new_job(
    options: Options,
    tables: Tables,
    suite: Suite,
    *,
    cores: int | None,
    refused: Mapping[str, Unavailable] = MappingProxyType({}),
) -> Job:
    """Return the job of `options` on a target with `cores` (None: not known).

    `refused` are the runners that the target can't measure. Raises InputError for what can't be.
    """
    chosen = options.of(SuiteOptions)
    suite = suite.in_preset(chosen.preset)
    sampling = _sampling(chosen, suite)
    models = models_of_suite(options, suite)
    axes = _axes(options)
    selected = select_cells(suite, models, axes, cores=cores, runners=tables.runners)
    selected = without_refused(selected, refused, axes.runners)
    environments = Environments(options.cache, options.envs)
    engines = (tables.runners, tables.formats, environments)
    selected = with_able_engines(selected, models, *engines, axes.runners)
    if not selected.cells:
        raise InputError(
            f"no cell of suite {suite.name} is left: {'; '.join(selected.left_out)}",
            hint=f"ask for other axes, see {command('plan')}",
        )
    measured = {cell.variant for cell in selected.cells}
    return Job(
        suite=suite.name,
        suite_title=suite.file.title,
        target=suite.file.target,
        beside=tuple(suite.file.beside),
        cells=selected.cells,
        models=tuple(model for model in models if model.variant in measured),
        sampling=sampling,
        seed=options.seed,
        left_out=selected.left_out,
        profile=chosen.profile,
    )


def _sampling(chosen: SuiteOptions, suite: Suite) -> Sampling:
    """Return how the suite's cells are sampled; raises InputError."""
    sampling = suite.sampling(chosen.preset)
    sampling = replace(sampling, laps=_laps(chosen, sampling, suite.file.target))
    return sampling if chosen.sustained_s is None else sustained(sampling, chosen.sustained_s)


def _laps(chosen: SuiteOptions, sampling: Sampling, target: str) -> int | None:
    """Return the laps of a session, None where each cell is measured alone; raises InputError."""
    if chosen.turns and chosen.no_turns:
        raise InputError("--turns and --no-turns exclude each other", hint="leave one of them out")
    if chosen.no_turns or chosen.sustained_s is not None:
        if chosen.turns:
            raise InputError("--sustained is of one cell at a time", hint="leave --turns out")
        return None
    laps = sampling.laps or (LAPS if chosen.turns else None)
    if laps is not None and target != "cpu":
        raise InputError(
            f"cells take turns on this machine's CPU, and the suite is for {target}",
            hint=f"leave --turns (in a suite's file: laps) out; two arms take turns by "
            f"{command('ab')}",
        )
    return laps


def resumed_job(manifest: RunManifest, options: Options, tables: Tables) -> Job:
    """Return the job of an interrupted run; raises UnknownName where a runner is gone."""
    cells = tuple(fields.to_cell() for fields in manifest.cells.values())
    _check_known(manifest, options)
    for cell in cells:
        if cell.runner not in tables.runners:
            raise UnknownName("runner", cell.runner, tables.runners)
    return Job(
        suite=manifest.suite,
        suite_title=manifest.suite_title,
        target=manifest.target,
        beside=tuple(manifest.beside),
        cells=cells,
        models=models_of(options, list(dict.fromkeys(cell.variant for cell in cells))),
        sampling=Sampling.from_json(manifest.sampling.model_dump()),
        seed=manifest.seed,
        left_out=tuple(manifest.left_out),
        profile=manifest.profile,
    )


def _check_known(manifest: RunManifest, options: Options) -> None:
    """Raise InputError where the run has nets that `options` don't lead to, such as own files."""
    known = catalogue_of(options)[0].models
    gone = [it.variant for it in manifest.cells.values() if it.variant not in known]
    if gone:
        raise InputError(
            f"run {manifest.run_id} measures {gone[0]}, which isn't among the models",
            hint=f"name its models' files again, as in "
            f"{command(f'run --resume {manifest.run_id} MODEL')}, or its folder with --models",
        )
