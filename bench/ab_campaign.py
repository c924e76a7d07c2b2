"""A live comparison carried out: both arms prepared, measured by turns, stored, judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.ab import Observer, Pair, run_ab, verdicts
from bench.ab_pairs import WARM, Prepared, check_pins, make_artifacts, pairs_of, shown
from bench.ab_record import AbManifest, AbRecord, ArmFields, GrowthFields
from bench.ab_session import SessionRunner
from bench.ab_store import AbFolder, create
from bench.arm_spec import ArmSpec
from bench.arms import (
    SUITES,
    Arm,
    Asked,
    TablesAt,
    cells_of,
    make_arm,
    target_of,
)
from bench.artifacts import Artifact
from bench.catalog import Model, load_catalogue
from bench.cell import Cell, Sampling
from bench.compare import Comparison
from bench.errors import ResultsNotWritable
from bench.host import usable_cores
from bench.launch import PROJECT
from bench.live import OpenArm, open_arm
from bench.manifest import make_provenance
from bench.options import Options, Tables
from bench.pingpong import Growth, Rule
from bench.places import Place, opened
from bench.provenance import command_line, git_state
from bench.store import Store, new_run_id, utc_now
from bench.suite import load_suite
from bench.worktree import tables_at

RUNNER = "paddle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What a test may put in another's place: the project, how its revisions and arms are had."""

    project: Path = PROJECT
    read_tables: TablesAt = tables_at
    open_arm: OpenArm = open_arm
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
) -> Outcome:
    """Compare `head` with `base` live, into a new folder of results.

    Raises InputError's kinds, Unavailable, and ResultsNotWritable.
    """
    make = partial(
        make_arm,
        options=options,
        tables=tables,
        project=seams.project,
        read_tables=seams.read_tables,
    )
    arms = (make("base", base), make("head", head))
    asked = _asked(options, arms[0])
    target = target_of(arms, asked, tables)
    store = Store(options.results)
    store.check_writable()
    with opened(options.target(target), tables.places) as place:
        planned = [
            cells_of(arm, asked, tables, beside=other.models) for arm, other in (arms, arms[::-1])
        ]
        for arm, (cells, _) in zip(arms, planned, strict=True):
            check_pins(arm, cells)
        first, second = (
            _prepare(arm, cells, models, options, say)
            for arm, (cells, models) in zip(arms, planned, strict=True)
        )
        pairs = pairs_of(first, second, seams.warm)
        manifest = _manifest((first, second), pairs, place, options, growth)
        folder = create(store, manifest, place.system)
        measure = SessionRunner(rule=seams.rule, place=place, open_arm=seams.open_arm, scrub=shown)
        return _measured(folder, pairs, measure, growth, options, observer)


def _measured(
    folder: AbFolder,
    pairs: Sequence[Pair],
    measure: SessionRunner,
    growth: Growth,
    options: Options,
    observer: Observer,
) -> Outcome:
    manifest, interrupted = folder.manifest(), False
    try:
        run_ab(
            pairs,
            measure=measure,
            write=folder.write_record,
            observer=observer,
            rule=measure.rule,
            growth=growth,
            seed=options.seed,
        )
    except KeyboardInterrupt:
        interrupted = True
    except ResultsNotWritable:
        raise
    except BaseException:
        folder.write_manifest(manifest.model_copy(update={"status": "interrupted"}))
        raise
    done = {"status": "interrupted" if interrupted else "complete", "finished": utc_now()}
    folder.write_manifest(manifest.model_copy(update=done))
    records = list(folder.records())
    return Outcome(
        folder=folder,
        records=records,
        comparison=comparison_of(folder, records),
        interrupted=interrupted,
    )


def comparison_of(folder: AbFolder, records: Sequence[AbRecord]) -> Comparison:
    """Return the verdicts of a stored comparison."""
    manifest = folder.manifest()
    titles = {name: arm.title for name, arm in manifest.arms.items()}
    gate = load_suite(SUITES[manifest.target]).file.gate
    return verdicts(records, base=titles["base"], head=titles["head"], gate=gate)


def _asked(options: Options, base: Arm) -> Asked:
    axes, variants = options.axes, list(options.variants)
    if not variants and base.models.is_dir():
        variants = list(load_catalogue(base.models).models)
    return Asked(
        variants=variants,
        runners=axes.runners or [RUNNER],
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
    for name in sorted({arm.runners[cell.runner].env for cell in cells}):
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
    place: Place,
    options: Options,
    growth: Growth,
) -> AbManifest:
    origin = make_provenance({}, options.command, place)
    return AbManifest(
        run_id=new_run_id(origin.commit),
        system_id=place.system.system_id,
        status="running",
        started=utc_now(),
        target=place.target.kind,
        seed=options.seed,
        growth=GrowthFields(
            sessions=growth.sessions,
            max_sessions=growth.max_sessions,
            half_width=growth.half_width,
            grow_for_s=growth.grow_for_s,
        ),
        arms={one.arm.name: _fields(one) for one in arms},
        pairs=[pair.id for pair in pairs],
        provenance=origin,
    )


def _fields(prepared: Prepared) -> ArmFields:
    arm, git = prepared.arm, git_state(prepared.arm.code or PROJECT)
    asked = command_line(arm.spec.texts, PROJECT)
    return ArmFields(
        asked=asked,
        title=", ".join(asked) or "as it is",
        commit=arm.commit or git.commit,
        dirty=git.dirty,
        environments={
            name: dict(arm.environments.get(name).packages)
            for name in sorted({arm.runners[cell.runner].env for cell in prepared.cells})
        },
        models={model.variant: model.hash for model in prepared.models},
        artifacts={
            cell.id: dict(found.files)
            for cell, found in prepared.artifacts.items()
            if isinstance(found, Artifact)
        },
    )
