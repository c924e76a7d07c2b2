"""An arm as it was asked for -> what runs: code, tables, interpreters, models, artifacts.

The parent stays the current harness. An arm of another revision gets that revision's worker,
runners, converters, locks and models, and its processes import from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.artifacts.builder import ArtifactFormat, Launch, Workshop
from bench.artifacts.formats import ways
from bench.config.net_files import FACTORY
from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.experiments.ab.revisions import RevisionTables, checkout, tables_at
from bench.experiments.ab.spec import ArmSpec
from bench.experiments.context import Options, Tables
from bench.launcher.git import check_history, repository_of
from bench.launcher.process import ChildResult
from bench.runners import RunnerEntry
from bench.storage.schema.ab import ArmName
from bench.targets import TargetEntry, entry_of

WORKER = Path("bench/worker/__main__.py")
_LOCKS = Path("bench/envs")
_SOURCES = Path("bench/runners/cpp")

TablesAt = Callable[[Path], RevisionTables]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of a comparison, ready to make artifacts and to start processes.

    `code` is another revision's folder, None for the harness's own; `models` a catalogue's folder,
    or an exported model's file.
    """

    name: ArmName
    spec: ArmSpec
    runners: Mapping[str, RunnerEntry]
    targets: Mapping[str, TargetEntry]
    formats: Mapping[str, ArtifactFormat]
    environments: Environments
    models: Path
    weights: str
    launch: Launch
    tolerance: float | None = None
    code: Path | None = None
    commit: str | None = None

    @property
    def env(self) -> dict[str, str]:
        """What its processes need in their environment."""
        return {} if self.code is None else {"PYTHONPATH": str(self.code)}

    def on_device(self, cell: Cell) -> bool:
        """Tell whether a program on the target itself runs the sessions of `cell`."""
        return entry_of(self.runners[cell.runner].target, self.targets).runs_sessions

    def environment_names(self, cell: Cell) -> list[str]:
        """Return the environments that shape `cell` of the arm, by name.

        A device has its engine itself: there they are those of the converters.
        """
        entry = self.runners[cell.runner]
        if not self.on_device(cell):
            return [entry.env]
        kind = entry.artifact_of(cell.precision)
        every = ways(self.formats, kind, FACTORY) if kind in self.formats else []
        return sorted({step.env for steps in every[:1] for step in steps})

    def workshop(self, cache: Path) -> Workshop:
        """Return the place where its artifacts are made, by its own converters."""
        workshop = Workshop(cache, self.environments, self.formats, self.launch)
        if self.code is not None:
            workshop.converters = self.code / "bench" / "converters"
        return workshop


def make_arm(
    name: ArmName,
    spec: ArmSpec,
    options: Options,
    tables: Tables,
    *,
    project: Path,
    read_tables: TablesAt = tables_at,
) -> Arm:
    """Return the arm, its revision checked out; nothing is built yet.

    Raises InputError, and Unavailable where the revision can't serve as an arm.
    """
    arm = Arm(
        name=name,
        spec=spec,
        runners=tables.runners,
        targets=tables.targets,
        formats=tables.formats,
        environments=Environments(
            options.cache, options.envs, pins=spec.pins, passed=options.passed
        ),
        models=spec.model or options.models,
        weights=spec.weights or options.weights,
        launch=tables.launch,
        tolerance=options.tolerance,
    )
    if spec.models_revision is not None:
        found = checkout(arm.models, spec.models_revision, options.cache)
        return replace(arm, models=found.folder, commit=found.commit)
    if spec.revision is None:
        return arm
    return _at_revision(arm, spec.revision, options, project, read_tables)


def _at_revision(
    arm: Arm, revision: str, options: Options, project: Path, read_tables: TablesAt
) -> Arm:
    check_history(project)
    found = checkout(project, revision, options.cache)
    if not (found.folder / WORKER).is_file():
        raise Unavailable(
            f"revision {revision} has no {WORKER}: its worker speaks another protocol",
            hint="take a later revision",
        )
    its = read_tables(found.folder)
    top, models = repository_of(project).resolve(), arm.models.resolve()
    if arm.spec.model is None and models.is_relative_to(top):
        models = checkout(models, revision, options.cache).folder
    return replace(
        arm,
        runners=its.runners,
        formats=its.formats,
        environments=Environments(
            options.cache,
            options.envs,
            locks=found.folder / _LOCKS,
            specs=its.environments,
            pins=arm.spec.pins,
            passed=options.passed,
            sources=found.folder / _SOURCES,
        ),
        models=models,
        launch=partial(_launch_there, arm.launch, found.folder),
        code=found.folder,
        commit=found.commit,
    )


def _launch_there(
    launch: Launch,
    code: Path,
    request: Mapping[str, object],
    *,
    python: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> ChildResult:
    return launch(
        request,
        python=python,
        env={**env, "PYTHONPATH": str(code)},
        timeout_s=timeout_s,
    )
