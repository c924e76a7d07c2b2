"""A live comparison that ended early, gone on with: what it was asked for, is it the same still.

What was asked for stands in its manifest, without this machine's paths: an arm that was given by
one has to be named again. Both arms must be what they were: commits, code, nets, cells, packages,
and the files that their engines load.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.analysis.interleaved import Growth
from bench.config.catalog import Model
from bench.config.suite import Axes
from bench.core.cell import Cell
from bench.core.errors import InputError
from bench.experiments.ab.arms import Arm
from bench.experiments.ab.cells import source_of
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import pair_id, rule_fields
from bench.experiments.context import Options
from bench.storage.directory import AbFolder, Store
from bench.storage.schema.ab import AbManifest, ArmFields, ArmName
from bench.targets.base import Target

Planned = tuple[Sequence[Cell], Sequence[Model]]

_ANEW = "leave --resume out to compare anew"
_NEEDED = (
    "results", "models", "cache", "weights", "device", "agent", "transport", "gpu", "shared_gpu",
    "allow_partial",
)  # fmt: skip


def unfinished(store: Store, run_id: str) -> AbFolder:
    """Return the comparison of that id; raises InputError where it can't go on."""
    folder = AbFolder.find(store, run_id)
    manifest, name = folder.manifest(), folder.path.name
    if manifest.status == "complete":
        raise InputError(
            f"comparison {name} is complete", hint="leave --resume out to start a new one"
        )
    if manifest.axes is None:
        raise InputError(
            f"comparison {name} is of an earlier version, which didn't keep what it was asked for",
            hint=_ANEW,
        )
    return folder


def asked_before(folder: AbFolder, options: Options) -> Options:
    """Return `options` with an unfinished comparison's arms, cells and seed.

    Raises InputError for an arm that has to be named again and isn't.
    """
    manifest = folder.manifest()
    axes = manifest.axes
    assert axes is not None  # noqa: S101 - `unfinished` has seen to it
    return replace(
        options,
        base=options.base or _texts(manifest, "base"),
        head=options.head or _texts(manifest, "head"),
        variants=axes.variants,
        axes=Axes(runners=axes.runners, batches=axes.batches, threads=axes.threads),
        seed=manifest.seed,
    )


def _texts(manifest: AbManifest, name: ArmName) -> list[str]:
    arm = manifest.arms[name]
    if _lost(arm):
        raise InputError(
            f"{name} of comparison {manifest.run_id} was {arm.title}, and paths aren't stored",
            hint=f"give all of it again with --{name}",
        )
    return arm.asked


def _lost(arm: ArmFields) -> bool:
    """Tell whether the arm's texts, as they are stored, don't say the same again."""
    return any("…" in text or text.startswith("model:") or _is_file(text) for text in arm.asked)


def _is_file(text: str) -> bool:
    kind, _, value = text.partition(":")
    return kind == "weights" and value not in ("seeded", "pretrained")


def growth_before(folder: AbFolder) -> Growth:
    """Return when a cell of the comparison has enough sessions."""
    return Growth(**folder.manifest().growth.model_dump())


def resume_command(folder: AbFolder, options: Options) -> str:
    """Return the command that goes on with it, with the flags that it can't do without."""
    asked: Mapping[ArmName, Sequence[str]] = {"base": options.base, "head": options.head}
    words = [f"python -m bench ab --resume {folder.path.name}"]
    for name, arm in folder.manifest().arms.items():
        if _lost(arm):
            words += _flags(name, asked[name])
    return " ".join([*words, *options.again(_NEEDED)])


def _flags(name: ArmName, texts: Sequence[str]) -> list[str]:
    return [f"--{name} {shlex.quote(text)}" for text in texts]


def check_begun(
    folder: AbFolder, arms: Sequence[Arm], planned: Sequence[Planned], target: Target, rule: Rule
) -> None:
    """Raise InputError where it isn't the same comparison, by what is known before preparing it."""
    then, here = folder.manifest(), target.system.system_id
    if then.system_id != here:
        raise InputError(
            f"comparison {then.run_id} began on {then.system_id}, and this is {here}",
            hint=f"go on with it there, or {_ANEW}",
        )
    for arm, (_, models) in zip(arms, planned, strict=True):
        _check_source(then, arm)
        _check_nets(then, arm, models)
    _check_cells(then, *(cells for cells, _ in planned))
    if any(record.rule != rule_fields(rule) for record in folder.begun()):
        raise InputError(
            f"the sessions of comparison {then.run_id} have other bursts than are taken now",
            hint=f"go on with it at the harness's commit of then, or {_ANEW}",
        )


def _check_source(then: AbManifest, arm: Arm) -> None:
    began, now = then.arms[arm.name], source_of(arm)
    if began.commit != now.commit:
        was, is_ = (it[:12] if it else "no known commit" for it in (began.commit, now.commit))
        back = f"{_back_to(arm, began.commit)}, or " if began.commit else ""
        raise InputError(
            f"{arm.name} of comparison {then.run_id} was at {was} and is at {is_} now",
            hint=f"{back}{_ANEW}",
        )
    if began.code != now.code:
        raise InputError(
            f"the code of {arm.name} has changed since comparison {then.run_id} began",
            hint=f"undo what was changed in bench/, or {_ANEW}",
        )


def _back_to(arm: Arm, commit: str) -> str:
    """Return how the arm gets to that commit again."""
    spec, short = arm.spec, commit[:12]
    moved = {
        f"rev:{spec.revision}": f"rev:{short}",
        f"models-rev:{spec.models_revision}": f"models-rev:{short}",
    }
    if moved.keys().isdisjoint(spec.texts):
        return f"check {short} out"
    texts = [moved.get(text, text) for text in spec.texts]
    return f"give {' '.join(_flags(arm.name, texts))}"


def _check_nets(then: AbManifest, arm: Arm, models: Sequence[Model]) -> None:
    for model in models:
        if then.arms[arm.name].models.get(model.variant) != model.hash:
            raise InputError(
                f"{model.variant} of {arm.name} isn't the net that comparison {then.run_id} began "
                "with",
                hint=f"give the same --weights, --models and --{arm.name} as then, or {_ANEW}",
            )


def _check_cells(then: AbManifest, base: Sequence[Cell], head: Sequence[Cell]) -> None:
    for cells in zip(base, head, strict=True):
        if pair_id(*cells) not in then.pairs:
            raise InputError(
                f"comparison {then.run_id} has no cell {pair_id(*cells)}",
                hint=f"give the same --base and --head as then, or {_ANEW}",
            )


def gone_on(folder: AbFolder, now: AbManifest) -> AbFolder:
    """Return the unfinished comparison's folder, running again.

    Raises InputError where the arms, prepared as in `now`, aren't what they were.
    """
    then = folder.manifest()
    for name, arm in now.arms.items():
        _check_packages(then, name, arm)
        _check_files(then, name, arm)
    folder.write_manifest(then.model_copy(update={"status": "running", "finished": None}))
    return folder


def _check_packages(then: AbManifest, name: ArmName, now: ArmFields) -> None:
    began = then.arms[name].environments
    for env in sorted({*began, *now.environments}):
        had, has = began.get(env, {}), now.environments.get(env, {})
        for package in sorted({*had, *has}):
            was, is_ = had.get(package, "none"), has.get(package, "none")
            if was != is_:
                raise InputError(
                    f"{package} of {name}'s environment '{env}' was {was} when comparison "
                    f"{then.run_id} began, and is {is_} now",
                    hint=f"give the same --env as then, or {_ANEW}",
                )


def _check_files(then: AbManifest, name: ArmName, now: ArmFields) -> None:
    """Check the files of the cells that had some: one without has ended and stays so."""
    for cell, files in then.arms[name].artifacts.items():
        if now.artifacts.get(cell) != files:
            raise InputError(
                f"{name}'s files of {cell} aren't those that comparison {then.run_id} began with",
                hint=f"give the same --cache as then, or {_ANEW}",
            )
