"""Which engines can take which nets, and which the target serves: what is left out, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bench.artifacts.failures import no_way
from bench.artifacts.formats import ArtifactFormat, ways
from bench.config.axes import Selected
from bench.config.catalog import Model
from bench.core.errors import Unavailable
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.preparation import artifact_key
from bench.runners import RunnerEntry


def with_able_engines(
    selected: Selected,
    models: Sequence[Model],
    runners: Mapping[str, RunnerEntry],
    formats: Mapping[str, ArtifactFormat],
    envs: Collection[str],
) -> Selected:
    """Leave out the cells whose engine loads no format that the net can be made into, and those
    whose environment is a person's own and none of `envs`, which are given.

    For engines that nobody named: one that was named has a cell that says why it is skipped.
    """
    by_name = {model.variant: model for model in models}
    kept, notes = [], dict.fromkeys(selected.left_out)
    for cell in selected.cells:
        model, kind = by_name[cell.variant], artifact_key(cell, runners).kind
        if env := _own_env(runners[cell.runner], envs):
            notes[f"{cell.runner}: it takes a Python of your own, by --env {env}=PATH"] = None
        elif ways(formats, kind, model.origin):
            kept.append(cell)
        else:
            notes[f"{cell.runner}: {no_way(model, kind, formats).problem}"] = None
    return Selected(cells=tuple(kept), left_out=tuple(notes))


def _own_env(runner: RunnerEntry, envs: Collection[str]) -> str | None:
    """Return the environment of `runner` where only a person can bring it, and none did."""
    spec = ENVIRONMENTS.get(runner.env)
    return runner.env if spec and not spec.lock and runner.env not in envs else None


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
