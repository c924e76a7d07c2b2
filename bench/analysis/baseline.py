"""Which run may be a baseline, and what is kept beside it: how to measure it again. Pure.

A baseline is a run that somebody accepted. Its figures stay in the run; results/baselines holds
which run that is, by cell, and the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.analysis.grade import findings, grade
from bench.core.errors import InputError
from bench.storage.schema.baseline import Baseline, ModelRecipe, Recipe
from bench.storage.schema.common import Provenance, System
from bench.storage.schema.latency import (
    Measured,
    Record,
    RunManifest,
)

_WORST = "D"


def check_acceptable(manifest: RunManifest, system: System, records: Sequence[Record]) -> None:
    """Raise InputError, with every reason and its cells, for a run that can't be a baseline."""
    faults = list(_faults(manifest, system, records))
    if faults:
        raise InputError(
            f"run {manifest.run_id} can't be a baseline: {'; '.join(faults)}",
            hint="measure all of its cells again on real hardware, from a commit without changes, "
            "with `--preset standard`",
        )


def make_baseline(manifest: RunManifest, *, accepted: str, locks: Mapping[str, str]) -> Baseline:
    """Return the baseline that run is from `accepted` (UTC) on.

    `locks` has the SHA-256 of the commit's lock files, by environment. Raises InputError where the
    run has no commit.
    """
    return Baseline(
        system_id=manifest.system_id,
        accepted=accepted,
        suite=manifest.suite,
        preset=manifest.sampling.preset,
        recipe=_recipe(manifest, locks),
        cells=dict.fromkeys(manifest.cells, manifest.run_id),
    )


def commit_of(manifest: RunManifest) -> str:
    """Return the commit that a run was measured at; raises InputError where it is not known."""
    commit = manifest.provenance.commit
    if commit is None:
        raise InputError(
            f"run {manifest.run_id} has no commit", hint="measure it in a clone of the repository"
        )
    return commit


def _recipe(manifest: RunManifest, locks: Mapping[str, str]) -> Recipe:
    origin: Provenance = manifest.provenance
    return Recipe(
        commit=commit_of(manifest),
        command=origin.command,
        locks=dict(locks),
        harness=origin.harness,
        environments=origin.environments,
        models={
            variant: ModelRecipe(
                model_hash=facts.model_hash,
                weights=facts.weights,
                weights_sha256=facts.weights_sha256,
                artifacts=facts.artifacts,
            )
            for variant, facts in manifest.models.items()
        },
    )


def _faults(manifest: RunManifest, system: System, records: Sequence[Record]) -> Iterator[str]:
    if system.emulated:
        yield f"{system.system_id} is emulated"
    if manifest.status != "complete":
        yield f"it is {manifest.status}"
    if manifest.provenance.commit is None:
        yield "its commit is not known"
    elif manifest.provenance.dirty is not False:
        yield "its tree had changes that are in no commit"
    known = {record.cell_id: record for record in records}
    lacking = [
        cell_id
        for cell_id in manifest.cells
        if cell_id not in known or not isinstance(known[cell_id].outcome, Measured)
    ]
    if lacking or not manifest.cells:
        yield f"no figure: {', '.join(lacking) or 'it has no cell'}"
    weak = [record.cell_id for record in records if grade(findings(record)) == _WORST]
    if weak:
        yield f"grade {_WORST}: {', '.join(weak)}"
