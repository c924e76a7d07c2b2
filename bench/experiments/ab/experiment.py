"""A live comparison carried out: both arms prepared, measured by turns, stored, judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.analysis.interleaved import Growth
from bench.analysis.verdicts import Comparison
from bench.artifacts.builder import Artifact
from bench.config.catalog import Model, load_catalogue
from bench.config.suite import load_suite
from bench.core.cell import DEVICES, Cell, Sampling
from bench.core.paths import PROJECT
from bench.devices.host.facts import usable_cores
from bench.experiments.ab.arms import SUITES, Arm, Asked, TablesAt, cells_of, make_arm, target_of
from bench.experiments.ab.cells import (
    WARM,
    Prepared,
    check_pins,
    environment_names,
    make_artifacts,
    pairs_of,
    shown,
    source_of,
)
from bench.experiments.ab.device_session import DeviceSessionRunner
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import Observer, Pair, run_ab, verdicts
from bench.experiments.ab.resume import Planned, check_begun, gone_on, resume_command
from bench.experiments.ab.revisions import tables_at
from bench.experiments.ab.session import SessionRunner
from bench.experiments.ab.spec import ArmSpec
from bench.experiments.campaign import kept
from bench.experiments.context import Options, Tables
from bench.experiments.latency.manifest import make_provenance
from bench.experiments.provenance import command_line, hide
from bench.launcher.client import OpenWorker, open_worker
from bench.storage.directory import AbFolder, Store
from bench.storage.files import new_run_id, utc_now
from bench.storage.schema.ab import AbManifest, AbRecord, ArmFields, AxesFields, GrowthFields
from bench.storage.schema.common import System
from bench.targets.base import Target, opened
from bench.targets.requirements import check_target

RUNNER = "paddle"
PHONE_RUNNER = "paddle-lite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What a test may put in another's place: the project, how its revisions and arms are had."""

    project: Path = PROJECT
    read_tables: TablesAt = tables_at
    open_worker: OpenWorker = open_worker
    rule: Rule = field(default_factory=Rule)
    warm: Sampling = WARM


REAL = Seams()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a comparison left behind; `interrupted` by a person, it is of what there was."""

    folder: AbFolder
    records: Sequence[AbRecord]
    comparison: Comparison
    interrupted: bool = False


def compare_live(
    base: ArmSpec,
    head: ArmSpec,
    options: Options,
    tables: Tables,
    *,
    growth: Growth,
    say: Callable[[str], None],
    observer: Observer,
    seams: Seams,
    resumed: AbFolder | None = None,
) -> Outcome:
    """Compare `head` with `base` live, into a new folder of results or on in the `resumed` one.

    Raises InputError, Unavailable, and ResultsNotWritable.
    """
    arms = _arms(base, head, options, tables, seams)
    asked = _asked(options, arms[0])
    spec = options.own_target(target_of(arms, asked, tables))
    runners = f"runner {' and '.join(asked.runners)}"
    check_target(runners, spec, asked.runners, tables.runners)
    store = Store(options.results)
    store.check_writable()
    with opened(spec, tables.targets) as target:
        asked = replace(asked, cores=target.cores)
        planned = _planned(arms, asked, tables)
        if resumed is not None:
            check_begun(resumed, arms, planned, target, seams.rule)
        first, second = (
            _prepare(arm, cells, models, options, say)
            for arm, (cells, models) in zip(arms, planned, strict=True)
        )
        pairs = pairs_of(first, second, seams.warm)
        manifest = _manifest((first, second), pairs, asked, target, options, growth)
        folder = (
            gone_on(resumed, manifest)
            if resumed
            else AbFolder.create(store, manifest, target.system)
        )
        measure = _sessions(target, seams, tables)
        return _measured(folder, pairs, measure, growth, options, observer)


def _arms(
    base: ArmSpec, head: ArmSpec, options: Options, tables: Tables, seams: Seams
) -> tuple[Arm, Arm]:
    """Return both arms, their revisions checked out; raises InputError, and Unavailable."""
    make = partial(
        make_arm,
        options=options,
        tables=tables,
        project=seams.project,
        read_tables=seams.read_tables,
    )
    return make("base", base), make("head", head)


def _sessions(target: Target, seams: Seams, tables: Tables) -> SessionRunner | DeviceSessionRunner:
    """Return what runs the sessions at `place`: two live processes, or a device's own program."""
    if target.spec.kind not in DEVICES:
        return SessionRunner(
            rule=seams.rule, target=target, open_worker=seams.open_worker, scrub=shown
        )
    return DeviceSessionRunner(
        rule=seams.rule,
        target=target,
        launch=tables.launch,
        scrub=lambda text: hide(shown(text), target.spec.device),
    )


def _planned(arms: Sequence[Arm], asked: Asked, tables: Tables) -> list[Planned]:
    """Return each arm's cells and models; raises InputError, and Unavailable."""
    planned: list[Planned] = [
        cells_of(arm, asked, tables, beside=other.models) for arm, other in (arms, arms[::-1])
    ]
    for arm, (cells, _) in zip(arms, planned, strict=True):
        check_pins(arm, cells)
    return planned


def _measured(
    folder: AbFolder,
    pairs: Sequence[Pair],
    measure: SessionRunner | DeviceSessionRunner,
    growth: Growth,
    options: Options,
    observer: Observer,
) -> Outcome:
    with kept(folder, resume_command(folder, options)) as end:
        run_ab(
            pairs,
            measure=measure,
            write=folder.write_record,
            observer=observer,
            rule=measure.rule,
            growth=growth,
            seed=options.seed,
            begun=folder.begun(),
        )
        done = {"status": "complete", "finished": utc_now()}
        folder.write_manifest(folder.manifest().model_copy(update=done))
    records = list(folder.records())
    return Outcome(
        folder=folder,
        records=records,
        comparison=comparison_of(folder, records, measure.target.system),
        interrupted=end.interrupted,
    )


def comparison_of(folder: AbFolder, records: Sequence[AbRecord], system: System) -> Comparison:
    """Return the verdicts of a stored comparison; on an emulated `system` they are advice."""
    manifest = folder.manifest()
    titles = {name: arm.title for name, arm in manifest.arms.items()}
    gate = load_suite(SUITES[manifest.target]).file.gate
    doubts = ["the system is emulated"] if system.emulated else []
    return verdicts(records, base=titles["base"], head=titles["head"], gate=gate, doubts=doubts)


def _asked(options: Options, base: Arm) -> Asked:
    axes, variants = options.axes, list(options.variants)
    if not variants and base.models.is_dir():
        variants = list(load_catalogue(base.models).models)
    return Asked(
        variants=variants,
        runners=axes.runners or [RUNNER if options.device is None else PHONE_RUNNER],
        batches=axes.batches or [1],
        threads=axes.threads or [1],
        cores=usable_cores(),
    )


def _prepare(
    arm: Arm,
    cells: Sequence[Cell],
    models: Sequence[Model],
    options: Options,
    say: Callable[[str], None],
) -> Prepared:
    say(f"{arm.name}: {arm.spec.title}")
    for name in sorted(environment_names(arm, cells)):
        arm.environments.get(name)  # better known now than as each cell's failure
    artifacts = make_artifacts(
        arm,
        cells,
        models,
        cache=options.cache,
        workers=usable_cores(),
        on_done=lambda what: say(f"{arm.name}: {what}"),
    )
    return Prepared(arm=arm, cells=cells, models=models, artifacts=artifacts)


def _manifest(
    arms: Sequence[Prepared],
    pairs: Sequence[Pair],
    asked: Asked,
    target: Target,
    options: Options,
    growth: Growth,
) -> AbManifest:
    origin = make_provenance({}, options.command, target)
    return AbManifest(
        run_id=new_run_id(origin.commit),
        system_id=target.system.system_id,
        status="running",
        started=utc_now(),
        target=target.spec.kind,
        seed=options.seed,
        growth=GrowthFields(
            sessions=growth.sessions,
            max_sessions=growth.max_sessions,
            half_width=growth.half_width,
            grow_for_s=growth.grow_for_s,
        ),
        axes=AxesFields(
            variants=list(asked.variants),
            runners=list(asked.runners),
            batches=list(asked.batches),
            threads=list(asked.threads),
        ),
        arms={one.arm.name: _fields(one) for one in arms},
        pairs=[pair.id for pair in pairs],
        provenance=origin,
    )


def _fields(prepared: Prepared) -> ArmFields:
    arm, source = prepared.arm, source_of(prepared.arm)
    asked = command_line(arm.spec.texts, PROJECT)
    return ArmFields(
        asked=asked,
        title=", ".join(asked) or "as it is",
        commit=source.commit,
        dirty=source.dirty,
        code=source.code,
        environments={
            name: dict(arm.environments.get(name).packages)
            for name in sorted(environment_names(arm, prepared.cells))
        },
        models={model.variant: model.hash for model in prepared.models},
        artifacts={
            cell.id: dict(found.files)
            for cell, found in prepared.artifacts.items()
            if isinstance(found, Artifact)
        },
    )
