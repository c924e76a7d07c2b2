"""A live comparison: both arms prepared, measured by turns, stored, judged; or resumed.

What a comparison was started with stands in its manifest, without this machine's paths: an arm that
was given by one has to be named again.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.analysis.interleaved import Growth, Measure
from bench.config.axes import Axes
from bench.config.catalog import Model
from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.errors import InputError
from bench.core.paths import PROJECT
from bench.devices.host.facts import usable_cores
from bench.experiments.ab.alternators import DeviceProgram, TwoProcesses
from bench.experiments.ab.announcement import announce
from bench.experiments.ab.arms import Arm, TablesAt, make_arm
from bench.experiments.ab.cells import (
    WARM,
    Prepared,
    arm_fields,
    check_pins,
    environment_names,
    pairs_of,
    prepare_arm,
    source_of,
)
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import pair_id, rule_fields
from bench.experiments.ab.revisions import tables_at
from bench.experiments.ab.selection import Selection, cells_of, selected, target_of
from bench.experiments.ab.session import SessionRunner, sessions_left
from bench.experiments.ab.spec import ArmOptions, ArmSpec, parse_arm
from bench.experiments.ab.stored_arms import holds_path, stored_texts
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Units
from bench.experiments.provenance import begun, hidden, make_provenance
from bench.experiments.resume import ANEW, PASSED, SYSTEM, Same
from bench.launcher.client import OpenWorker, open_worker
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbManifest, AxesFields, GrowthFields
from bench.targets import TargetEntry
from bench.targets.base import Target

_OR_REVISION = "or give --{0} rev:{then}"
_SAME_ARMS = "give the same --base and --head as then"
_SAME_NETS = "give the same --weights, --models and --{0} as then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What a test may replace: the project, how its revisions and arms are had."""

    project: Path = PROJECT
    read_tables: TablesAt = tables_at
    open_worker: OpenWorker = open_worker
    rule: Rule = field(default_factory=Rule)
    warm: Sampling = WARM
    clock: Callable[[], int] = time.perf_counter_ns


REAL = Seams()


@dataclass(slots=True, kw_only=True)
class AbExperiment:
    """Sessions of two arms, each cell until its interval is narrow enough."""

    base: ArmSpec
    head: ArmSpec
    options: Options
    tables: Tables
    growth: Growth
    measure: Measure = "wall"
    seams: Seams = REAL
    resumed: AbFolder | None = None
    verb: str = "ab"
    directory: type[AbFolder] = AbFolder
    resume_identity: Sequence[Same] = (
        SYSTEM,
        PASSED,
        Same(
            path="arms.*.commit",
            what="the commit of {0}",
            remedy="check {then} out, " + _OR_REVISION,
            shown=True,
        ),
        Same(path="arms.*.code", what="the code of {0}", remedy="undo the changes in bench/"),
        Same(path="arms.*.models.*", what="the net {1} of {0}", remedy=_SAME_NETS),
        Same(
            path="pairs", what="the list of cells", remedy="give the same --base and --head as then"
        ),
        Same(
            path="arms.*.environments.*.*",
            what="{2} of {0}'s environment '{1}'",
            remedy="give the same --env as then",
            shown=True,
        ),
        # A cell without files has failed, and stays so.
        Same(
            path="arms.*.artifacts.*",
            what="the artifact that {0} loads for {1}",
            remedy="give the same --cache as then",
            grows=True,
        ),
    )
    _arms: tuple[Arm, Arm] = field(init=False)
    _selection: Selection = field(init=False)
    _planned: Sequence[tuple[Sequence[Cell], Sequence[Model]]] = field(init=False)
    _prepared: tuple[Prepared, Prepared] = field(init=False)

    def spec(self) -> TargetSpec:
        """Return where both arms' runners run; check their revisions out."""
        make = partial(
            make_arm,
            options=self.options,
            tables=self.tables,
            project=self.seams.project,
            read_tables=self.seams.read_tables,
        )
        self._arms = make("base", self.base), make("head", self.head)
        self._selection = selected(self.options, self._arms[0])
        runners = self._selection.runners
        kind = target_of(self._arms, self._selection, self.tables)
        if self.measure == "cpu":
            check_cpu_time(kind, self.tables.targets)
        what = f"runner {' and '.join(runners)}"
        return self.options.checked_target(what, kind, self.tables.targets)

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Choose each arm's cells; return the arms' code and nets."""
        self._selection = replace(self._selection, cores=target.cores)
        first, second = self._arms
        self._planned = [
            cells_of(arm, self._selection, self.tables, beside=other.models)
            for arm, other in ((first, second), (second, first))
        ]
        for arm, (cells, _) in zip(self._arms, self._planned, strict=True):
            check_pins(arm, cells)
            refused = target.refusals(arm.runners, arm.environments)
            for error in (refused[it.runner] for it in cells if it.runner in refused):
                raise error
        return {
            "arms": {
                arm.name: {
                    "commit": source_of(arm).commit,
                    "code": source_of(arm).code,
                    "models": {model.variant: model.hash for model in models},
                }
                for arm, (_, models) in zip(self._arms, self._planned, strict=True)
            },
            "pairs": self._pair_ids(),
        }

    def _pair_ids(self) -> list[str]:
        (base, _), (head, _) = self._planned
        return [pair_id(*cells) for cells in zip(base, head, strict=True)]

    def prepare(self, target: Target, say: Callable[[str], None]) -> AbManifest:
        """Say what is compared, and build both arms' environments and artifacts."""
        (base, head), (ours, theirs) = self._arms, self._planned
        if self.resumed is None:
            announce(
                (self.base.title, self.head.title),
                cells=len(self._pair_ids()),
                growth=self.growth,
                session_s=2 * (self.seams.rule.pairs * self.seams.rule.burst_s)
                + 2 * self.seams.warm.warmup_s,
            )
        self._prepared = self._prepare(base, *ours, say), self._prepare(head, *theirs, say)
        origin = make_provenance({}, self.options, target)
        axes = self._selection
        return AbManifest(
            **begun(origin, target),
            target=target.spec.kind,
            seed=self.options.seed,
            growth=GrowthFields(**asdict(self.growth)),
            measure=self.measure,
            axes=AxesFields(
                variants=list(axes.variants),
                runners=list(axes.runners),
                batches=list(axes.batches),
                threads=list(axes.threads),
            ),
            arms={one.arm.name: arm_fields(one) for one in self._prepared},
            pairs=self._pair_ids(),
        )

    def _prepare(
        self, arm: Arm, cells: Sequence[Cell], models: Sequence[Model], say: Callable[[str], None]
    ) -> Prepared:
        say(f"{arm.name}: {arm.spec.title}")
        for name in sorted(environment_names(arm, cells)):
            arm.environments.get(name)  # better known now than as each cell's failure
        return prepare_arm(
            arm,
            cells,
            models,
            cache=self.options.cache,
            workers=usable_cores(),
            on_done=lambda what: say(f"{arm.name}: {what}"),
        )

    def pending(self, run: AbFolder, target: Target, clock: Callable[[], float]) -> Units:
        """Yield the sessions that are left."""
        seams = self.seams
        runner = SessionRunner(
            rule=seams.rule,
            target=target,
            alternate=(
                DeviceProgram(launch=self.tables.launch)
                if self.tables.targets[target.spec.kind].runs_sessions
                else TwoProcesses(open_worker=seams.open_worker)
            ),
            scrub=partial(hidden, device=target.spec.device),
            ratio_of=self.measure,
            clock=seams.clock,
        )
        pairs = pairs_of(*self._prepared, seams.warm)
        return sessions_left(
            pairs, runner, run, growth=self.growth, seed=self.options.seed, clock=clock
        )

    def resume_flags(self, run: AbFolder) -> list[str]:
        """Return the arms that are given by a path, the folders, weights and target's flags."""
        given = {"base": self.base.texts, "head": self.head.texts}
        arms = [
            f"--{name} {shlex.quote(text)}"
            for name, arm in run.manifest().arms.items()
            if holds_path(arm)
            for text in given[name]
        ]
        kept = ("results", "models", "cache", "weights", "tolerance")
        return [*arms, *self.options.again(kept, self.tables.targets)]


def check_cpu_time(
    kind: str, targets: Mapping[str, TargetEntry], system: str = sys.platform
) -> None:
    """Raise InputError where the CPU time of what runs on a target of that kind isn't known."""
    if kind == "cpu" and system == "linux":
        return
    where = system if kind == "cpu" else targets[kind].title
    raise InputError(
        f"--measure cpu: the CPU time of a burst isn't known on {where}",
        hint="leave it out, which compares latencies",
    )


def resumed_experiment(
    run: AbFolder, options: Options, tables: Tables, seams: Seams
) -> AbExperiment:
    """Return what `run` began with, its arms as `options` name them again.

    Raises InputError for an arm that has to be named again and isn't, and for one of an earlier
    version.
    """
    manifest, name = run.manifest(), run.path.name
    axes = manifest.axes
    if axes is None:
        raise InputError(
            f"comparison {name} is of an earlier version, which didn't store its axes", hint=ANEW
        )
    if any(record.rule != rule_fields(seams.rule) for record in run.begun()):
        raise InputError(
            f"the sessions of comparison {name} have other bursts than are taken now",
            hint=f"resume it at the harness's commit of then, or {ANEW}",
        )
    return AbExperiment(
        base=parse_arm(options.of(ArmOptions).base or stored_texts(manifest, "base")),
        head=parse_arm(options.of(ArmOptions).head or stored_texts(manifest, "head")),
        options=replace(
            options,
            variants=axes.variants,
            axes=Axes(runners=axes.runners, batches=axes.batches, threads=axes.threads),
            seed=manifest.seed,
        ),
        tables=tables,
        growth=Growth(**manifest.growth.model_dump()),
        measure=manifest.measure,
        seams=seams,
        resumed=run,
    )
