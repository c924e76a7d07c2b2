"""Both arms of a live comparison, prepared -> the pairs of cells that are measured."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.artifacts.builder import Artifact, Key
from bench.config.catalog import Model
from bench.core.cell import Cell, Sampling
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BenchError, InputError
from bench.core.paths import PROJECT
from bench.environments.overrides import locked_packages
from bench.experiments.ab.arms import Arm
from bench.experiments.ab.progress import Pair
from bench.experiments.preparation import COSTS_FORMAT, artifact_key, counted, settle
from bench.experiments.provenance import command_line, hidden
from bench.experiments.session import Start, start_of
from bench.launcher.git import git_state
from bench.storage.schema.ab import ArmFailed, ArmFields, ArmName
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Costs

_CODE = (".py", ".cpp", ".hpp")
# How an arm warms up: shorter than a session that stands alone, since what is left of the warm-up
# is in both arms alike.
WARM = Sampling(
    preset="ab",
    sessions=3,
    samples=1,
    min_samples=1,
    budget_s=0.0,
    warmup_calls=10,
    warmup_s=0.3,
    warmup_cap_s=1.5,
    steady_window=6,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One arm with its cells, each with an artifact or the failure in its place.

    `costs` are those of its nets by variant, as far as they are known.
    """

    arm: Arm
    cells: Sequence[Cell]
    models: Sequence[Model]
    artifacts: Mapping[Cell, Artifact | BenchError]
    costs: Mapping[str, Costs | None]

    def failure(self, cell: Cell) -> ArmFailed | None:
        """Return why there is no artifact of `cell`, None where there is one."""
        found = self.artifacts[cell]
        if isinstance(found, Artifact):
            return None
        why = settle(found)
        if isinstance(why, Failed):
            texts = {name: hidden(getattr(why, name)) for name in ("message", "hint", "log_tail")}
            why = why.model_copy(update=texts)
        return ArmFailed(arm=self.arm.name, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an arm's code is from; of two revisions of the models alone, where those are from.

    `code` is a digest of the code that its processes import: no commit tells what isn't committed.
    """

    commit: str | None
    dirty: bool | None
    code: str


def source_of(arm: Arm) -> Source:
    """Return where `arm` is from, as it is now."""
    folder = arm.code or PROJECT
    git = git_state(folder)
    files = sorted(it for it in (folder / "bench").rglob("*") if it.suffix in _CODE)
    code = [[str(path.relative_to(folder)), file_sha256(path)] for path in files]
    return Source(commit=arm.commit or git.commit, dirty=git.dirty, code=canonical_digest(code))


def environment_names(arm: Arm, cells: Sequence[Cell]) -> set[str]:
    """Return the environments that shape what `cells` of `arm` measure."""
    return {name for cell in cells for name in arm.environment_names(cell)}


def check_pins(arm: Arm, cells: Sequence[Cell]) -> None:
    """Raise InputError where a pinned package is in no environment that shapes the arm's cells."""
    names = environment_names(arm, cells)
    for name in names & set(arm.environments.given):
        if arm.spec.pins:
            raise InputError(
                f"--env gives environment '{name}', and {arm.name} pins {arm.spec.pins[0]}",
                hint="leave one of them out",
            )
    locks = [arm.environments.lock(name) for name in names if name in arm.environments.specs]
    held = frozenset[str]().union(*(locked_packages(lock) for lock in locks))
    for pin in arm.spec.pins:
        if pin.package not in held:
            raise InputError(
                f"no package {pin.package} is in the environment of {', '.join(sorted(names))}",
                hint=f"pin one of {', '.join(sorted(held)) or 'none: it is built from no lock'}",
            )


def prepare_arm(
    arm: Arm,
    cells: Sequence[Cell],
    models: Sequence[Model],
    *,
    cache: Path,
    workers: int,
    on_done: Callable[[str], None],
) -> Prepared:
    """Make for each cell the file that its engine loads, and count what its net costs."""
    keys = {cell: artifact_key(cell, arm.runners) for cell in cells}
    counts = {Key(model.variant, COSTS_FORMAT, 1) for model in models}
    wanted = {*keys.values(), *(key for key in counts if key.kind in arm.formats)}
    made = arm.workshop(cache).make(models, wanted, workers=workers, on_done=on_done)
    return Prepared(
        arm=arm,
        cells=cells,
        models=models,
        artifacts={cell: made[key] for cell, key in keys.items()},
        costs={model.variant: counted(model.variant, made)[0] for model in models},
    )


def arm_fields(prepared: Prepared) -> ArmFields:
    """Return the arm as a manifest holds it."""
    arm, source = prepared.arm, source_of(prepared.arm)
    texts = command_line(arm.spec.texts, PROJECT)
    return ArmFields(
        asked=texts,
        title=", ".join(texts) or "as it is",
        commit=source.commit,
        dirty=source.dirty,
        code=source.code,
        environments={
            name: dict(arm.environments.get(name).packages)
            for name in sorted(environment_names(arm, prepared.cells))
        },
        models={model.variant: model.hash for model in prepared.models},
        artifacts={
            cell.id: dict(it.files)
            for cell, it in prepared.artifacts.items()
            if isinstance(it, Artifact)
        },
    )


def pairs_of(base: Prepared, head: Prepared, warm: Sampling) -> list[Pair]:
    """Return the cells of both arms side by side, in the order in which they were asked for."""
    return [
        Pair(
            base=ours,
            head=theirs,
            start=partial(_starts, {"base": (base, ours), "head": (head, theirs)}, warm),
            failed=base.failure(ours) or head.failure(theirs),
        )
        for ours, theirs in zip(base.cells, head.cells, strict=True)
    ]


def _starts(
    cells: Mapping[ArmName, tuple[Prepared, Cell]], warm: Sampling, chance: random.Random
) -> dict[ArmName, Start]:
    """Return how both arms are started in one session, on the same cores of this machine."""
    devices = any(arm.arm.on_device(cell) for arm, cell in cells.values())
    cores = None if devices else cores_for([cell for _, cell in cells.values()], chance)
    return {name: _start(arm, cell, warm, cores) for name, (arm, cell) in cells.items()}


def cores_for(cells: Sequence[Cell], chance: random.Random) -> list[int] | None:
    """Return the cores that both arms are bound to, None: all that there are.

    Where each has one thread they share one core, drawn anew for each session: on 2 shared cores
    that halved the ratio's SD (docs/regression.md).
    """
    if any(cell.threads > 1 for cell in cells) or not hasattr(os, "sched_getaffinity"):
        return None
    return [chance.choice(sorted(os.sched_getaffinity(0)))]


def _start(prepared: Prepared, cell: Cell, warm: Sampling, cores: list[int] | None) -> Start:
    arm, artifact = prepared.arm, prepared.artifacts[cell]
    assert isinstance(artifact, Artifact)  # noqa: S101 - a pair without one is settled
    entry = arm.runners[cell.runner]
    start = start_of(cell, artifact, entry, arm.environments, sampling=warm, cores=cores)
    # A device's worker is the harness's own for both arms, whatever revision made their models.
    env = {} if arm.on_device(cell) else {**start.env, **arm.env}
    return replace(start, env=env, costs=prepared.costs[cell.variant])
