"""Stored values with plain fields; a test overrides those that it is about.

stored(record(samples_ms=[[1.0], [1.2]]), record(batch=4, outcome=failed()), engine="paddle 3.2")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.analysis.brief import Brief
from bench.analysis.gather import gather
from bench.analysis.series import Series, StoredRun, View
from bench.core.cell import Cell
from bench.storage.schema.common import (
    CellFields,
    Failed,
    Provenance,
    SamplingFields,
    Skipped,
    System,
)
from bench.storage.schema.latency import (
    Bursts,
    Costs,
    Measured,
    ModelFacts,
    Record,
    RunManifest,
    Session,
    Storage,
)
from bench.storage.schema.profile import Operator, Profiled, ProfileRecord
from bench.storage.store import Store

ENGINE = "paddle 3.2.0"
MODEL_HASH = "0123456789abcdef"

_CELL: dict[str, Any] = {
    "variant": "x0_25", "model_hash": MODEL_HASH, "runner": "paddle", "batch": 1, "threads": 1,
    "precision": "fp32", "input": "3x224x224", "settings": {"onednn": "on"},
}  # fmt: skip

_SAMPLING: dict[str, Any] = {
    "preset": "standard", "sessions": 2, "samples": 30, "min_samples": 10, "budget_s": 1.5,
    "warmup_calls": 10, "warmup_s": 0.5, "warmup_cap_s": 2.0, "steady_window": 10,
    "steady_tolerance": 0.05, "statistic": "median", "timeout_s": 300.0,
}  # fmt: skip


def session(
    samples_ms: Sequence[float] = (2.0,), *, engine: str = ENGINE, **fields: Any
) -> Session:
    """Return a session of samples in ms; `fields` are those of a stored session."""
    values: dict[str, Any] = {
        "started": "2024-05-01T12:00:05+00:00", "order": 0, "round": 0, "pid": 4711,
        "wall_ns": 2_000_000_000, "load_ns": 90_000_000, "first_inference_ns": 8_000_000,
        "relative_l2": 1e-6, "steady": True, "warmup_ns": [3_000_000, 2_000_000],
        "samples_ns": [round(1e6 * sample) for sample in samples_ms],
        "facts": {"engine": engine}, "covariates": {"involuntary_switches": 0},
        "before": {"load_1m": 0.5}, "after": {"load_1m": 0.6},
    }  # fmt: skip
    return Session(**(values | fields))


def waited(*shares: float, samples: int = 2) -> dict[str, list[int]]:
    """Return bursts of 100 ms and so many samples: of each one's time others took that share."""
    lost = [round(1e8 * share) for share in shares]
    return {
        "samples": [samples] * len(lost),
        "wait_ns": lost,
        "cpu_ns": [100_000_000 - ns for ns in lost],
        "wall_ns": [100_000_000] * len(lost),
    }


def paced(
    bursts_ms: Sequence[float | Sequence[float]], canaries_us: Sequence[int], **columns: list[int]
) -> Session:
    """Return a session of bursts, each of its samples in ms or of one sample three times, with
    those canaries; `columns` are the bursts' other figures, by which else nothing happened.
    """
    bursts = [[ms] * 3 if isinstance(ms, int | float) else list(ms) for ms in bursts_ms]
    walls = [round(1e6 * sum(burst)) for burst in bursts]
    nothing = [0] * len(bursts)
    values = {
        "samples": [len(burst) for burst in bursts], "wait_ns": nothing, "cpu_ns": walls,
        "wall_ns": walls, "started_ns": [10**9 * (7 + index) for index in range(len(bursts))],
        "canary_ns": [1000 * us for us in canaries_us], "migrations": nothing,
    }  # fmt: skip
    samples_ms = [ms for burst in bursts for ms in burst]
    return session(samples_ms, bursts=Bursts.model_validate(values | columns))


def of_sessions(*sessions: Session, **fields: Any) -> Record:
    """Return a cell's record of these sessions; `fields` are those of `record`."""
    return record(**fields).model_copy(update={"sessions": list(sessions)})


def contended(one: Record, *shares: float) -> Record:
    """Return the record with bursts in which others took those shares, the same in each session."""
    sessions = [
        it.model_copy(
            update={"bursts": Bursts(**waited(*shares, samples=len(it.samples_ns) // len(shares)))}
        )
        for it in one.sessions
    ]
    return Record.model_validate(one.model_copy(update={"sessions": sessions}).model_dump())


def failed(message: str = "the child died of SIGSEGV", **fields: Any) -> Failed:
    values: dict[str, Any] = {
        "failure": "crash",
        "hint": "see log_tail",
        "log_tail": "the engine's last words",
    }
    return Failed(message=message, **(values | fields))


def skipped(reason: str = "this chip has no such unit") -> Skipped:
    return Skipped(reason=reason, hint="take another chip")


def record(
    variant: str = "x0_25",
    *,
    samples_ms: Sequence[Sequence[float]] = ((2.0,), (2.1,)),
    outcome: Failed | Skipped | None = None,
    engine: str = ENGINE,
    steady: bool = True,
    sampling: Mapping[str, Any] | None = None,
    **cell_fields: Any,
) -> Record:
    """Return a cell's record: a session for each of `samples_ms`, none where `outcome` is given.

    `cell_fields` are those of `bench.core.cell.Cell`, `sampling` those of
    `bench.core.cell.Sampling`.
    """
    values = _CELL | {"variant": variant} | cell_fields
    cell = Cell.from_json(values)
    sessions = [
        session(samples, engine=engine, steady=steady, order=order, round=order)
        for order, samples in enumerate(samples_ms if outcome is None else ())
    ]
    return Record(
        cell_id=cell.id,
        cell=CellFields(**values),
        plan_hash="0" * 12,
        sampling=sampling_fields(**(sampling or {})),
        outcome=outcome or Measured(),
        sessions=sessions,
    )


def sampling_fields(**fields: Any) -> SamplingFields:
    return SamplingFields(**(_SAMPLING | fields))


def costs(**fields: Any) -> Costs:
    values: dict[str, Any] = {
        "params": 607_712, "params_trainable": 600_000, "macs": 17_576_000,
        "flops_paddle": 18_945_136, "uncounted": [],
    }  # fmt: skip
    return Costs(**(values | fields))


def storage(size: int = 2_835_000) -> Storage:
    return Storage(
        format="Paddle Lite .nb, arm", bytes=size, sha256_body="e" * 64, converter="paddlelite 2.13"
    )


def facts(published: str | None = "ShuffleNetV2_x0_25", **fields: Any) -> ModelFacts:
    """Return what a run knows of a model: all of it, unless `fields` say otherwise."""
    values: dict[str, Any] = {
        "title": published or "a net of one's own", "model_hash": MODEL_HASH,
        "weights": "seeded", "costs": costs(), "storage": storage(),
    }  # fmt: skip
    return ModelFacts(published=published, **(values | fields))


def system(heading: str = "AMD EPYC, 2 cores", **fields: Any) -> System:
    values: dict[str, Any] = {"system_id": "amd-epyc-2c-0123abcd", "facts": {"memory_gib": 24}}
    return System(heading=heading, **(values | fields))


PUBLISHED_NAMES = {
    "x0_25": "ShuffleNetV2_x0_25",
    "x0_5": "ShuffleNetV2_x0_5",
    "x1_0": "ShuffleNetV2",
    "swish": "ShuffleNetV2_swish",
}


def manifest(
    *records: Record,
    run_id: str = "20240501T120000Z-0badc0de-00000001",
    on: System | None = None,
    **fields: Any,
) -> RunManifest:
    """Return the manifest of a complete run of `records`; models that it isn't told of are known
    by the names in PUBLISHED_NAMES.
    """
    models = {
        r.cell.variant: facts(
            PUBLISHED_NAMES.get(r.cell.variant),
            model_hash=r.cell.model_hash,
            weights=fields.get("weights", "seeded"),
        )
        for r in records
    }
    values: dict[str, Any] = {
        "run_id": run_id, "system_id": (on or system()).system_id, "status": "complete",
        "started": "2024-05-01T12:00:00+00:00", "finished": "2024-05-01T12:10:00+00:00",
        "suite": "cpu", "suite_title": "Local CPU", "target": "cpu", "beside": [], "seed": 0,
        "sampling": sampling_fields(), "rounds": [[r.cell_id for r in records]],
        "cells": {r.cell_id: r.cell for r in records}, "left_out": [], "weights": "seeded",
        "provenance": provenance(),
    }  # fmt: skip
    return RunManifest(**(values | fields | {"models": models | fields.get("models", {})}))


def provenance(**fields: Any) -> Provenance:
    values: dict[str, Any] = {
        "commit": "0badc0de" * 5, "dirty": False, "command": ["python", "-m", "bench", "run"],
        "harness": {"numpy": "2.2"}, "environments": {"paddle": {"paddlepaddle": "3.2.0"}},
        "host": "0123456789ab", "conditions": {"load_1m": 0.5, "governor": "performance"},
    }  # fmt: skip
    return Provenance(**(values | fields))


def stored(
    *records: Record,
    on: System | None = None,
    profiles: Any = (),
    **fields: Any,
) -> StoredRun:
    """Return a run of `records` and ProfileRecords; `fields` are those of `manifest`."""
    where = on or system()
    about = manifest(*records, on=where, **fields)
    return StoredRun(manifest=about, system=where, records=records, profiles=profiles)


def operator(name: str, kind: str, us: float, kernel: str = "CPU", calls: float = 1.0) -> Operator:
    return Operator(name=name, type=kind, ns=1000 * us, kernel=kernel, calls=calls)


def profiled(*operators: Operator, plain_us: int = 100, cost: float = 1.5) -> Profiled:
    """Return a profile of inferences that take `plain_us` without it, `cost` times that with it."""
    return Profiled(
        relative_l2=1e-6,
        facts={"engine": ENGINE},
        plain_ns=[1000 * plain_us] * 3,
        profiled_ns=[round(1000 * plain_us * cost)] * 3,
        resolution_ns=1000,
        operators=list(operators),
    )


def profile(of: Record, outcome: Profiled | Skipped | Failed) -> ProfileRecord:
    """Return the profile of a record's cell."""
    started = "2024-05-01T12:09:00+00:00"
    return ProfileRecord(cell_id=of.cell_id, cell=of.cell, started=started, outcome=outcome)


def view(
    *runs: StoredRun | Brief, order: Sequence[str] = ("x0_25", "x0_5", "x1_0"), **known: Any
) -> View:
    """Return the view of `runs`, oldest first; `known`: `published` and `faults`."""
    return gather(runs, order=order, **({"published": {}, "faults": ()} | known))


def only_series(shown: View) -> Series:
    """Return the view's one series."""
    (series,) = shown.series
    return series


def put(run: StoredRun, results: Path) -> Path:
    """Write `run` into a results folder and return its own."""
    folder = Store(results).create(run.manifest, run.system)
    for one in run.records:
        folder.write_record(one)
    for profile in run.profiles:
        folder.write_profile(profile)
    return folder.path
