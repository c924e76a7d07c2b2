"""An experiment of loads: a server by its URL, or one that is started for each cell of a suite."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from bench.config.loads import LoadPreset
from bench.core.cell import TargetSpec
from bench.core.units import significant, to_ms
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Unit, Units
from bench.experiments.provenance import begun, hidden, make_provenance
from bench.experiments.resume import NETS, PACKAGES, PASSED, SYSTEM, Same
from bench.experiments.session import outcome_of
from bench.launcher.client import WorkerFailed
from bench.reports.serving import figure_text
from bench.serving.load import Asked, Loader
from bench.serving.scenarios import SCENARIOS, Scenario
from bench.serving.subjects import Opened, Subject
from bench.storage.run_folders import ServingFolder
from bench.storage.schema.common import CellFields, Failed
from bench.storage.schema.latency import reason
from bench.storage.schema.serving import (
    PlannedLoad,
    ServedModel,
    ServingLine,
    ServingManifest,
)
from bench.targets.base import Target

COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What is loaded and how: scenarios, the served model's name, a file of what it must answer,
    and what takes the place of the preset's.
    """

    scenarios: Sequence[Scenario] = tuple(SCENARIOS)
    suite: str | None = None
    preset: str = "standard"
    served_model: str | None = None
    reference: Path | None = None
    latency_ms: float | None = None
    percentile: float | None = None
    target_qps: float | None = None
    connections: int | None = None
    duration_s: float | None = None
    max_batch: int | None = None
    max_delay_ms: float | None = None

    @property
    def serve(self) -> dict[str, str]:
        """Return the flags of `bench serve` that were given, with their values."""
        given = {"--max-batch": self.max_batch, "--max-delay-ms": self.max_delay_ms}
        return {flag: f"{value:g}" for flag, value in given.items() if value is not None}

    @property
    def asked(self) -> dict[str, float]:
        """Return what takes the place of the preset's, by name."""
        names = [it.name for it in fields(Asked)]
        return {name: it for name in names if (it := getattr(self, name)) is not None}

    def resuming(self, manifest: ServingManifest) -> LoadOptions:
        """Return the options that a run began with; where its server is must be given again."""
        scenarios = {it.scenario for it in manifest.loads.values()}
        limits = {name: float(value) for name, value in manifest.asked.items()}
        if "connections" in limits:
            limits["connections"] = int(limits["connections"])
        return replace(
            self,
            scenarios=[it for it in SCENARIOS if it in scenarios],
            suite=self.suite or manifest.suite,
            preset=manifest.preset,
            **limits,  # type: ignore[arg-type]
        )


class Source(Protocol):
    """Where the servers are from. Its methods are called in this order."""

    @property
    def suite(self) -> str | None: ...
    @property
    def local(self) -> bool: ...
    @property
    def serve(self) -> Mapping[str, str]: ...
    def choose(self, target: Target) -> Mapping[str, str]:
        """Return the hash of each model's net."""
        ...

    def make(self, target: Target, say: Callable[[str], None]) -> Mapping[str, Mapping[str, str]]:
        """Build what the servers need; return the packages of each environment."""
        ...

    def models(self) -> dict[str, ServedModel]: ...
    def subjects(self) -> Sequence[Subject]: ...
    def flags(self) -> list[str]:
        """Return what the command to resume needs beside the options."""
        ...


@dataclass(slots=True, kw_only=True)
class ServingExperiment:
    """Loads of each subject of `source` in each scenario, and the cost of serving."""

    options: Options
    tables: Tables
    source: Source
    chosen: LoadOptions
    preset: LoadPreset
    seed: int
    verb: str = "load"
    directory: type[ServingFolder] = ServingFolder
    resume_identity: Sequence[Same] = (
        SYSTEM,
        NETS,
        Same(path="loads", what="the list of loads", remedy="give the same flags as then"),
        PACKAGES,
        PASSED,
    )
    _hashes: Mapping[str, str] = field(init=False)

    def spec(self) -> TargetSpec:
        """Return this machine: it makes the load, and serves what a suite has."""
        return self.options.checked_target("a load", "cpu", self.tables.targets)

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Choose what is served; return the models' hashes."""
        self._hashes = self.source.choose(target)
        return {"models": {name: {"model_hash": it} for name, it in self._hashes.items()}}

    def prepare(self, target: Target, say: Callable[[str], None]) -> ServingManifest:
        """Build environments and artifacts, and say what will be loaded."""
        packages = self.source.make(target, say)
        subjects = self.source.subjects()
        return ServingManifest(
            **begun(make_provenance(packages, self.options, target), target),
            target="cpu",
            suite=self.source.suite,
            preset=self.chosen.preset,
            local=self.source.local,
            serve=dict(self.source.serve),
            asked=self.chosen.asked,
            seed=self.seed,
            loads={
                f"{subject.name}-{what}": PlannedLoad(
                    cell_id=None if subject.cell is None else subject.cell.id,
                    scenario=None if what == COST else what,
                )
                for subject in subjects
                for what in self._wanted(subject)
            },
            cells={it.cell.id: CellFields(**it.cell.to_json()) for it in subjects if it.cell},
            models=self.source.models(),
        )

    def _wanted(self, subject: Subject) -> list[Any]:
        return [*([] if subject.compare is None else [COST]), *self.chosen.scenarios]

    def pending(self, run: ServingFolder, target: Target, clock: Callable[[], float]) -> Units:
        """Yield the loads that are left; a server stays open for all of its own."""
        del clock
        lines = (it for it in run.journal() if not (it.failed and it.failed.is_passing))
        done = {it.load_id for it in lines}
        wanted = [name for name in run.manifest().loads if name not in done]
        left = len(wanted)
        for subject in self.source.subjects():
            names = {f"{subject.name}-{it}": it for it in self._wanted(subject)}
            own = {name: it for name, it in names.items() if name in wanted}
            if own:
                yield from self._loads(run, subject, own, left, target)
                left -= len(own)

    def _loads(
        self,
        run: ServingFolder,
        subject: Subject,
        own: Mapping[str, Any],
        left: int,
        target: Target,
    ) -> Units:
        with ExitStack() as stack:
            opened: Opened | WorkerFailed
            try:
                opened = stack.enter_context(subject.open())
            except WorkerFailed as error:
                opened = error
            for done, (name, what) in enumerate(own.items()):

                def execute(name: str = name, what: Any = what) -> str:
                    line = self._line(run, subject, opened, name, what, target)
                    run.append(line)
                    return _said(line)

                label = f"{subject.label} {'in process and served' if what == COST else what}"
                yield Unit(label=label, left=left - done, execute=execute)

    def _line(
        self,
        run: ServingFolder,
        subject: Subject,
        opened: Opened | WorkerFailed,
        name: str,
        what: Any,
        target: Target,
    ) -> ServingLine:
        def clean(text: str) -> str:
            return hidden(text, target.spec.device)

        try:
            if isinstance(opened, WorkerFailed):
                raise opened
            loader = self._loader(subject, opened)
            if what == COST and subject.compare is not None:
                return ServingLine(load_id=name, cost=subject.compare(loader))
            loaded = loader.load(what)
        except WorkerFailed as error:
            why = outcome_of(error.failure, clean)
            failed, skipped = (why, None) if isinstance(why, Failed) else (None, why)
            return ServingLine(load_id=name, failed=failed, skipped=skipped)
        texts = {kind: clean(text) for kind, text in loaded.fields.first_errors.items()}
        fields = loaded.fields.model_copy(
            update={"first_errors": texts, "logs": run.write_logs(name, loaded.logs)}
        )
        return ServingLine(load_id=name, load=fields)

    def _loader(self, subject: Subject, opened: Opened) -> Loader:
        return Loader(
            endpoint=opened.endpoint,
            model=opened.model,
            reference=opened.reference,
            compared=opened.compared,
            tolerance=subject.tolerance,
            preset=self.preset,
            asked=Asked(**self.chosen.asked),  # type: ignore[arg-type]
            seed=self.seed,
        )

    def resume_flags(self, run: ServingFolder) -> list[str]:
        """Return the server's address or the suite, the folders and what the loads are asked."""
        del run
        names = ("reference", "results", "models", "cache", "weights", "tolerance")
        model = self.chosen.served_model
        named = [] if model is None else [f"--model {shlex.quote(model)}"]
        return [
            *self.source.flags(),
            *named,
            *self.options.again(names, self.tables.targets),
        ]


def _said(line: ServingLine) -> str:
    """Return what a load came to, in a few words."""
    if line.load is not None:
        return figure_text(line.load) if line.load.valid else f"INVALID: {line.load.reason}"
    if line.cost is not None:
        last = line.cost.rounds[-1]
        pair = f"{significant(to_ms(last.in_process_ns))} and {significant(to_ms(last.served_ns))}"
        return f"{pair} ms in the last of {len(line.cost.rounds)} rounds"
    why = line.failed or line.skipped
    return "no outcome" if why is None else reason(why)
