"""Which engines can take which nets, and which the target serves: what is left out, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bench.artifacts.failures import no_way
from bench.artifacts.formats import ArtifactFormat, ways
from bench.config.axes import Selected
from bench.config.catalog import Model
from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.preparation import artifact_key
from bench.runners import RunnerEntry


def with_able_engines(
    selected: Selected,
    models: Sequence[Model],
    runners: Mapping[str, RunnerEntry],
    formats: Mapping[str, ArtifactFormat],
    environments: Environments,
    named: Collection[str],
) -> Selected:
    """Leave out the cells whose engine loads no format that the net can be made into, and those
    whose environment can't be had, but for engines that were `named` or whose Python was given.

    A named one has cells that say why they are skipped. Raises Unavailable where no environment
    can be had.
    """
    by_name = {model.variant: model for model in models}
    used = dict.fromkeys(runners[it.runner].env for it in selected.cells if it.runner not in named)
    built = [env for env in used if env not in environments.given]
    lacks = {env: problem for env in built if (problem := environments.problem(env)) is not None}
    kept, notes = [], dict.fromkeys(selected.left_out)
    for cell in selected.cells:
        model, kind = by_name[cell.variant], artifact_key(cell, runners).kind
        if cell.runner in named:
            kept.append(cell)
        elif not ways(formats, kind, model.origin):
            notes[f"{cell.runner}: {no_way(model, kind, formats).problem}"] = None
        elif (env := runners[cell.runner].env) in lacks:
            notes[f"{cell.runner}: {_without(env, lacks[env])}"] = None
        else:
            kept.append(cell)
    if not kept and lacks:
        raise next(iter(lacks.values()))
    return Selected(cells=tuple(kept), left_out=tuple(notes))


def _without(env: str, problem: Unavailable) -> str:
    """Return why environment `env` can't be had; some only a person can bring."""
    spec = ENVIRONMENTS.get(env)
    own = spec is not None and not spec.lock
    return f"it takes a Python of your own, by --env {env}=PATH" if own else str(problem)


def without_refused(
    selected: Selected, refused: Mapping[str, Unavailable], named: Collection[str]
) -> Selected:
    """Leave out the cells of runners that the target refuses, but those that were `named`.

    A named one has cells that say why they are skipped.
    """
    left_out = {name: it for name, it in refused.items() if name not in named}
    notes = {
        f"{it.runner}: {left_out[it.runner].problem}": None
        for it in selected.cells
        if it.runner in left_out
    }
    return Selected(
        cells=tuple(it for it in selected.cells if it.runner not in left_out),
        left_out=tuple(dict.fromkeys((*selected.left_out, *notes))),
    )
