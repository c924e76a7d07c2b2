"""Servers started for the cells of a suite, and what serving adds to the call in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from bench.artifacts.builder import Artifact
from bench.config.axes import select_cells
from bench.config.catalog import Model
from bench.config.loads import LoadPreset
from bench.config.suite import Suite
from bench.core.cell import Cell
from bench.core.errors import InputError
from bench.core.units import NS_PER_S
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Bench, Made, Selection
from bench.experiments.accuracy.engine import Engine
from bench.experiments.context import Options, Tables
from bench.experiments.nets import models_of, models_of_suite
from bench.experiments.preparation import packages_of, reachable
from bench.experiments.session import start_of
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed
from bench.serving.load import Loader
from bench.serving.server_process import served
from bench.serving.subjects import Opened, Subject
from bench.serving.url_source import served_model
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.serving import CostFields, RoundFields, ServedModel
from bench.targets.base import Target

_WARM_UP_S = 0.5
_MOST_CALLS = 100_000


@dataclass(slots=True, kw_only=True)
class SuiteSource:
    """The cells of a suite, or of a run that is resumed, each behind a server of its own; `serve`
    are more of its flags.
    """

    options: Options
    tables: Tables
    of_suite: Suite
    preset: LoadPreset
    serve: Mapping[str, str]
    resumed: Sequence[Cell] | None = None
    local: bool = True
    _bench: Bench = field(init=False)
    _models: Sequence[Model] = field(init=False)
    _cells: Sequence[Cell] = field(init=False)
    _made: Made = field(init=False)

    @property
    def suite(self) -> str:
        return self.of_suite.name

    def choose(self, target: Target) -> Mapping[str, str]:
        """Choose the cells; return the models' hashes. Raises InputError."""
        options, tables = self.options, self.tables
        if self.resumed is None:
            self._models = models_of_suite(options, self.of_suite)
            self._cells = self._selected(target)
        else:
            names = dict.fromkeys(it.variant for it in self.resumed)
            self._models, self._cells = models_of(options, list(names)), self.resumed
        environments = Environments(options.cache, options.envs, passed=options.passed)
        self._bench = Bench(
            tables=tables, options=options, target=target, environments=environments
        )
        return {it.variant: it.hash for it in self._models}

    def _selected(self, target: Target) -> Sequence[Cell]:
        """Return the cells that are asked for; raises InputError where there are none to serve."""
        selected = select_cells(
            self.of_suite,
            self._models,
            self.options.axes,
            cores=target.cores,
            runners=self.tables.runners,
        )
        if not selected.cells:
            raise InputError(
                f"no cell of suite {self.suite} is left: {'; '.join(selected.left_out)}",
                hint="ask for other axes",
            )
        self._check_servable(selected.cells)
        return selected.cells

    def _check_servable(self, cells: Sequence[Cell]) -> None:
        """Raise InputError where a server couldn't be told what one of `cells` is."""
        plain = {it.variant: it.settings for it in self._models}
        for it in cells:
            settings = tuple(sorted(plain[it.variant].get(it.runner, {}).items()))
            if (it.batch, it.precision, it.settings) != (1, "fp32", settings):
                raise InputError(
                    f"a server has no cell {it.label}, of suite {self.suite}",
                    hint="load cells of batch 1, in FP32 and without settings; a server puts "
                    "requests together by --max-batch",
                )

    def make(self, target: Target, say: Callable[[str], None]) -> Mapping[str, Mapping[str, str]]:
        """Build environments and artifacts."""
        tables, bench = self.tables, self._bench
        say("environments and artifacts, each made on its first use")
        selection = Selection(
            models=tuple(self._models), runners=(), batch=1, threads=1, target=target.spec.kind
        )
        self._made = bench.make(selection, self._cells, say)
        able = reachable(self._cells, self._models, tables.runners, tables.formats)
        able = [it for it in able if it.runner not in bench.refused]
        return packages_of(able, tables.runners, bench.environments)

    def models(self) -> dict[str, ServedModel]:
        return {
            model.variant: served_model(
                model, [it for cell, it in self._made.items() if cell.variant == model.variant]
            )
            for model in self._models
        }

    def subjects(self) -> Sequence[Subject]:
        return [
            Subject(
                name=cell.id,
                label=cell.label,
                cell=cell,
                tolerance=self._tolerance(cell),
                open=partial(self._open, cell),
                compare=partial(self._compare, cell),
            )
            for cell in self._cells
        ]

    def _tolerance(self, cell: Cell) -> float:
        artifact, entry = self._made[cell], self.tables.runners[cell.runner]
        if isinstance(artifact, Artifact):
            return start_of(cell, artifact, entry, self._bench.environments).request.tolerance
        return entry.tolerance_of(cell.precision)

    @contextmanager
    def _open(self, cell: Cell) -> Iterator[Opened]:
        """Start the cell's server; raises WorkerFailed."""
        made = self._made[cell]
        if isinstance(made, Failed | Skipped):
            raise WorkerFailed(_failure(made))
        with served(self._words(cell), {}) as endpoint:
            yield Opened(
                endpoint=endpoint, model=cell.variant, reference=made.reference, compared=True
            )

    def _words(self, cell: Cell) -> list[str]:
        """Return the words of `bench serve` for a cell."""
        options = self.options
        envs = [f"{name}={path}" for name, path in options.envs.items()]
        return [
            cell.variant,
            *("--runner", cell.runner, "--threads", str(cell.threads)),
            *("--weights", options.weights, "--models", str(options.models.absolute())),
            *("--cache", str(options.cache.absolute())),
            *(word for env in envs for word in ("--env", env)),
            *(word for flag, value in self.serve.items() for word in (flag, value)),
        ]

    def _compare(self, cell: Cell, loader: Loader) -> CostFields:
        """Have the in-process call and the served one take turns; raises WorkerFailed."""
        made = self._made[cell]
        if isinstance(made, Failed | Skipped):
            raise WorkerFailed(_failure(made))
        with self._bench.open(cell, made) as engine:
            count = _calls(engine, self.preset.round_s)
            rounds = []
            for _ in range(self.preset.rounds):
                alone = engine.time(count)
                served_ns, queries = loader.median_ns(self.preset.round_s)
                rounds.append(
                    RoundFields(
                        in_process_ns=round(median(alone)),
                        in_process=len(alone),
                        served_ns=served_ns,
                        served=queries,
                    )
                )
            opened = engine.opened
        return CostFields(rounds=rounds, relative_l2=opened.relative_l2, facts=opened.facts)

    def flags(self) -> list[str]:
        return [] if self.suite == "serving" else [f"--suite {self.of_suite.path}"]


def _calls(engine: Engine, seconds: float) -> int:
    """Warm the engine up; return how many calls take so many seconds."""
    each = median(engine.time(10))
    warm = engine.time(max(1, min(_MOST_CALLS, round(_WARM_UP_S * NS_PER_S / each))))
    return max(10, min(_MOST_CALLS, round(seconds * NS_PER_S / median(warm))))


def _failure(why: Failed | Skipped) -> ChildFailed:
    """Return an outcome that a cell has already as the failure of its server."""
    if isinstance(why, Skipped):
        return ChildFailed(kind="unavailable", message=why.reason, hint=why.hint)
    return ChildFailed(kind=why.failure, message=why.message, hint=why.hint, log_tail=why.log_tail)
