"""Whole, valid values of the harness's own types, so that a test says only what matters to it.

Used by the tests of launch, child, worker, session, pipeline, store, artifacts, preparation,
progress and protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.config.catalog import Model, Weights
from bench.core.cell import Cell, Sampling
from bench.core.tensors import parse
from bench.storage.schema.common import CellFields, Failed, Provenance, SamplingFields, System
from bench.storage.schema.latency import JournalEntry, Measured, Record, RunManifest, Session

CELL = Cell(variant="x0_25", model_hash="abc", runner="fake", batch=1, threads=1, input="3x8x8")
SAMPLING = Sampling(
    preset="test", sessions=2, samples=4, min_samples=2, budget_s=10.0, warmup_calls=1,
    warmup_s=0.0, warmup_cap_s=0.0, steady_window=4, timeout_s=20.0,
)  # fmt: skip
SESSION = Session(
    started="2026-01-02T03:04:05+00:00", order=0, round=0, pid=7, wall_ns=900, load_ns=10,
    first_inference_ns=20, relative_l2=1e-7, steady=True, warmup_ns=[5, 6], samples_ns=[3, 2, 4],
    facts={"engine": "fake 1.0"}, covariates={"cpu_s": 0.25}, before={}, after={},
)  # fmt: skip
FAILED = Failed(failure="crash", message="the child died", hint="look", log_tail="a\nb")
SYSTEM = System(system_id="box-1", heading="A box", facts={"cores": 2, "simd": ["avx"]})


def cell(**changes: Any) -> Cell:
    return replace(CELL, **changes)


def session(order: int = 0, **changes: Any) -> Session:
    return SESSION.model_copy(update={"order": order, **changes})


def entry(of: Cell = CELL, order: int = 0, **changes: Any) -> JournalEntry:
    return JournalEntry(cell_id=of.id, session=session(order, **changes))


def failure(of: Cell = CELL) -> JournalEntry:
    return JournalEntry(cell_id=of.id, failed=FAILED)


def record(of: Cell = CELL, **changes: Any) -> Record:
    whole = Record(
        cell_id=of.id,
        cell=CellFields(**of.to_json()),
        plan_hash="p",
        sampling=SamplingFields(**SAMPLING.to_json()),
        outcome=Measured(),
        sessions=[SESSION],
    )
    return whole.model_copy(update=changes)


def manifest(run_id: str = "20260102T030405Z-0badc0de-00000001", **changes: Any) -> RunManifest:
    whole = RunManifest(
        run_id=run_id, system_id=SYSTEM.system_id, status="running", started=SESSION.started,
        suite="cpu", suite_title="CPU", target="cpu", beside=[], seed=0,
        sampling=SamplingFields(**SAMPLING.to_json()), rounds=[[CELL.id]],
        cells={CELL.id: CellFields(**CELL.to_json())}, models={}, left_out=[], weights="seeded",
        provenance=Provenance(
            commit=None, dirty=None, command=["python"], harness={}, environments={}, host="h",
            conditions={},
        ),
    )  # fmt: skip
    return whole.model_copy(update=changes)


def model(variant: str = "x0_25", **changes: Any) -> Model:
    whole = Model(
        variant=variant,
        title=variant,
        inputs={"x": parse("Nx3x8x8")},
        source={"factory": "fake:net"},
        weights=Weights(),
        hash=f"hash of {variant}",
    )
    return replace(whole, **changes)
