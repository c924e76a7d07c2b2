"""Plain values that many tests start from; a test replaces the field that it is about."""

from __future__ import annotations

from bench.catalog import Model, Weights
from bench.cell import Cell, Sampling
from bench.runners import RunnerEntry

CELL = Cell(
    variant="x0_5", model_hash="cafe", runner="paddle", batch=1, threads=2,
    settings=(("onednn", "on"),),
)  # fmt: skip

SAMPLING = Sampling(
    preset="standard", sessions=3, samples=30, min_samples=10, budget_s=1.5, warmup_calls=4,
    warmup_s=0.5, warmup_cap_s=2.0, steady_window=4,
)  # fmt: skip

SESSION: dict[str, object] = {
    "started": "2024-05-01T12:00:00Z", "order": 0, "round": 0, "pid": 4711, "wall_ns": 9_000,
    "load_ns": 100, "first_inference_ns": 50, "relative_l2": 1e-6, "steady": True,
    "warmup_ns": [30, 20], "samples_ns": [12, 11, 13], "facts": {"engine": "fake 1.0"},
    "covariates": {"steal_ms": 0}, "before": {"load_1m": 0.5}, "after": {"governor": "performance"},
}  # fmt: skip


def model(variant: str, digest: str = "cafe") -> Model:
    return Model(
        variant=variant, title=variant, input=(3, 8, 8), source={}, weights=Weights(), hash=digest
    )


def runner(**settings: tuple[str, ...]) -> RunnerEntry:
    return RunnerEntry(
        path="nowhere:Nothing", title="Nothing", env="harness", artifact="none", settings=settings
    )
