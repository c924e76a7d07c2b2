"""Which engines can take which nets: what `all` of them leaves out, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.artifacts.failures import no_way
from bench.artifacts.formats import ArtifactFormat, ways
from bench.config.axes import Selected
from bench.config.catalog import Model
from bench.experiments.preparation import artifact_key
from bench.runners import RunnerEntry


def with_able_engines(
    selected: Selected,
    models: Sequence[Model],
    runners: Mapping[str, RunnerEntry],
    formats: Mapping[str, ArtifactFormat],
) -> Selected:
    """Leave out the cells whose engine loads no format that the net can be made into.

    For engines that nobody named: one that was named has a cell that says why it is skipped.
    """
    by_name = {model.variant: model for model in models}
    kept, notes = [], dict.fromkeys(selected.left_out)
    for cell in selected.cells:
        model, kind = by_name[cell.variant], artifact_key(cell, runners).kind
        if ways(formats, kind, model.origin):
            kept.append(cell)
        else:
            notes[f"{cell.runner}: {no_way(model, kind, formats).problem}"] = None
    return Selected(cells=tuple(kept), left_out=tuple(notes))
