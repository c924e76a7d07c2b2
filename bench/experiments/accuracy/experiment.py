"""An experiment of accuracies: a data set through every runner of every variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench.artifacts.builder import Artifact
from bench.artifacts.cached import WEIGHTS
from bench.config.catalog import Model
from bench.core.cell import TargetSpec
from bench.core.errors import InputError
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Bench, Made, Selection
from bench.experiments.accuracy.chunks import Chunks
from bench.experiments.accuracy.dataset import Dataset, check_labels
from bench.experiments.accuracy.engine import OpenEngine, open_engine
from bench.experiments.accuracy.preprocess import quiet_decoder
from bench.experiments.accuracy.recipes import Net, net_of, recipe_fields
from bench.experiments.context import Options, Tables
from bench.experiments.nets import OwnOptions, models_of
from bench.experiments.preparation import packages_of, reachable, settle
from bench.experiments.progress import Units
from bench.experiments.provenance import begun, make_provenance
from bench.experiments.resume import NETS, PACKAGES, PASSED, SYSTEM, Same
from bench.launcher.process import request_folder
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import AccuracyManifest, DataFields, ModelFields
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
            remedy="give the same `preprocess` and the Pillow of then",
        ),
        Same(path="cells", what="the list of cells", remedy="give the same flags as then"),
        PACKAGES,
        PASSED,
    )
    remarks: tuple[str, ...] = ()
    _bench: Bench = field(init=False)
    _made: Made = field(init=False)
    _nets: Mapping[str, Net] = field(init=False)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, of the first net that has some."""
        names = (net.names for net in self._nets.values())
        return next((it for it in names if it is not None), None)

    def spec(self) -> TargetSpec:
        """Return where the runners run."""
        runners = self.selection.runners
        return self.options.checked_target(
            " and ".join(runners), self.selection.target, self.tables.targets
        )

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Return the data set and the models' hashes."""
        del target
        return {
            "data": self._data().model_dump(),
            "models": {it.variant: {"model_hash": it.hash} for it in self.selection.models},
        }

    def _data(self) -> DataFields:
        return DataFields(
            images=len(self.dataset.images),
            layout="folders" if self.dataset.layout == "folders" else "list",
            digest=self.dataset.digest,
            of=self.dataset.of,
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
        self._choose_nets()
        able = reachable(cells, selection.models, tables.runners, tables.formats)
        able = [it for it in able if it.runner not in self._bench.refused]
        packages = packages_of(able, tables.runners, environments)
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
                it.variant: _model_fields(it, self._nets.get(it.variant), _facts(it, self._made))
                for it in selection.models
            },
        )

    def _choose_nets(self) -> None:
        """Tell how images go through each net, and check the labels against its outputs.

        Raises InputError where images go through none.
        """
        nets, problems = dict[str, Net](), list[InputError]()
        remarks: dict[str | None, None] = {}
        for model in self.selection.models:
            own = {cell: it for cell, it in self._made.items() if cell.variant == model.variant}
            first = next((it for it in own.values() if isinstance(it, Artifact)), None)
            try:
                if first is not None:
                    net = net_of(model, first)
                    remarks[check_labels(self.dataset, net.classes, net.of)] = None
                    nets[model.variant] = net
            except InputError as error:
                problems.append(error)
                why = self._bench.shown(settle(error))
                self._made |= dict.fromkeys(own, why)
        if len(problems) == len(self.selection.models):
            raise problems[0]
        self._nets = nets
        self.remarks = tuple(remark for remark in remarks if remark is not None)

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
                nets=self._nets,
                pool=pool,
                scratch=scratch,
            )
            yield from chunks.pending([model.variant for model in self.selection.models])

    def resume_flags(self, run: AccuracyFolder) -> list[str]:
        """Return nets by their files, images, folders, weights and the target's flags."""
        del run
        images = ("data", "list_file", "labels", "limit")
        again = (*images, "results", "models", "cache", "weights", "tolerance")
        flags = self.options.again(again, self.tables.targets)
        return [*self.options.of(OwnOptions).flags(), *flags]


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


def _facts(model: Model, made: Made) -> Mapping[str, Any]:
    """Return the facts of the net, by the first of its artifacts."""
    own = (it for cell, it in made.items() if cell.variant == model.variant)
    return next((it.facts for it in own if isinstance(it, Artifact)), {})


def _model_fields(model: Model, net: Net | None, facts: Mapping[str, Any]) -> ModelFields:
    sha256 = facts.get(WEIGHTS)
    return ModelFields(
        title=model.title,
        model_hash=model.hash,
        weights=model.weights.label,
        weights_sha256=sha256 if isinstance(sha256, str) else None,
        classes=None if net is None else net.classes,
        shares=None if net is None else net.shares,
        published=model.published,
        recipe=None if net is None else recipe_fields(net.recipe),
    )
