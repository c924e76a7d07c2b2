"""Whether the row of published.csv that a model claims is its own: by the costs of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.config.published import Published
from bench.storage.schema.latency import Costs

# FLOPs count a multiply-add once or twice, and parameters batch norm's mean and variance or not.
# Over the seven ShuffleNetV2 the counted ones are within 17% and 1% of the published ones then.
_FLOPS_SLACK, _PARAMS_SLACK = 1.2, 1.1
_SCALES = {"flops_m": 1e6, "page_flops_g": 1e9, "params_m": 1e6, "page_params_m": 1e6}


def contradiction(
    claimed: str | None, costs: Costs | None, published: Mapping[str, Published]
) -> str | None:
    """Return why the row `claimed` can't be that of a net of these costs, None: nothing tells."""
    if claimed is None:
        return None
    row = published.get(claimed)
    if row is None:
        return f"its `published` is {claimed}, and published.csv has no such row"
    if costs is None:
        return None
    flops = [it * factor for it in costs.operations or () for factor in (1, 2)]
    return _apart("FLOPs", flops, _FLOPS_SLACK, row, ("flops_m", "page_flops_g")) or _apart(
        "parameters", [costs.params], _PARAMS_SLACK, row, ("params_m", "page_params_m")
    )


def _apart(
    what: str, counted: Sequence[float], slack: float, row: Published, names: Sequence[str]
) -> str | None:
    """Return that none of the counted figures is the first of `names` that the row has."""
    name = next((name for name in names if name in row.figures), None)
    if name is None or not counted:
        return None
    stated = row.figures[name] * _SCALES[name]
    if any(0 < count <= slack * stated and stated <= slack * count for count in counted):
        return None
    own, stated_text = f"{counted[0] / 1e6:.2f} M {what}", f"{name} {row.texts[name]}"
    return f"{own} were counted, and the row {row.name} has {stated_text}: it is another net's"
