"""Stored runs of loads, with plain fields; a test overrides those that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.analysis.serving import StoredServing
from bench.core.cell import Cell
from bench.storage.schema.common import CellFields
from bench.storage.schema.serving import (
    ClientFields,
    CostFields,
    LoadFields,
    LoadGenFields,
    ParityFields,
    PlannedLoad,
    RoundFields,
    ServedModel,
    ServerFields,
    ServingLine,
    ServingManifest,
    SettingFields,
)
from tests.fakes.records import MODEL_HASH, provenance, system

RUN_ID = "20240701T120000Z-0badc0de-00000001"
CELL = Cell(
    variant="x0_25", model_hash=MODEL_HASH, runner="onnxruntime", batch=1, threads=1,
)  # fmt: skip
MS = 1_000_000


def settings(scenario: Any = "single-stream", **fields: Any) -> SettingFields:
    bound = 50.0 if scenario == "server" else None
    values: dict[str, Any] = {
        "scenario": scenario, "duration_s": 30.0, "queries": 128, "percentile": 90.0,
        "connections": 1, "rate": None, "latency_ms": bound, "seed": 0,
    }  # fmt: skip
    return SettingFields(**(values | fields))


def loadgen(**fields: Any) -> LoadGenFields:
    values: dict[str, Any] = {
        "version": "6.0.17", "valid": True, "bound_met": None, "reason": "", "queries": 400,
        "over_latency": None, "scheduled_per_s": None, "completed_per_s": 200.0,
        "mean_ns": 5 * MS, "min_ns": 4 * MS, "max_ns": 9 * MS,
        "percentiles_ns": {"50": 5 * MS, "90": 6 * MS, "99": 8 * MS},
        "early_stopping_ns": {"90": 7 * MS}, "errors": 0,
    }  # fmt: skip
    return LoadGenFields(**(values | fields))


def client(**fields: Any) -> ClientFields:
    values: dict[str, Any] = {
        "requests": 400, "reopened": 0, "wall_ns": 2_000 * MS, "cpu_ns": 200 * MS, "null_ns": 3000,
        "all_busy_ns": 0, "most_in_flight": 1, "wait_ns": {"50": 1000, "99": 4000},
    }  # fmt: skip
    return ClientFields(**(values | fields))


def load(scenario: Any = "single-stream", **fields: Any) -> LoadFields:
    values: dict[str, Any] = {
        "settings": settings(scenario),
        "server": ServerFields(
            name="a server", version="2.1", model="sums", platform="numpy", binary=True
        ),
        "loadgen": loadgen(),
        "client": client(),
        "parity": ParityFields(
            reference=True, tolerance=1e-4, checked=100, wrong=0, relative_l2=1e-6
        ),
        "errors": {},
        "first_errors": {},
    }
    return LoadFields(**(values | fields))


def cost(*rounds_ms: tuple[float, float]) -> CostFields:
    """Return what rounds of medians in process and served, in ms, come to."""
    rounds = [
        RoundFields(
            in_process_ns=round(alone * MS),
            in_process=100,
            served_ns=round(served * MS),
            served=90,
        )
        for alone, served in rounds_ms
    ]
    return CostFields(rounds=rounds, relative_l2=1e-7, facts={"engine": "onnxruntime 1.20"})


def manifest(
    loads: Mapping[str, PlannedLoad], cell: Cell | None = CELL, **fields: Any
) -> ServingManifest:
    known = cell is not None
    values: dict[str, Any] = {
        "run_id": RUN_ID, "system_id": system().system_id, "status": "complete",
        "started": "2024-07-01T12:00:00+00:00", "target": "cpu", "provenance": provenance(),
        "suite": "serving" if known else None, "preset": "standard", "local": True, "seed": 0,
        "loads": loads,
        "cells": {cell.id: CellFields(**cell.to_json())} if cell is not None else {},
        "models": {
            cell.variant: ServedModel(
                title="ShuffleNetV2_x0_25", model_hash=MODEL_HASH, weights="seeded"
            )
        } if cell is not None else {},
    }  # fmt: skip
    return ServingManifest(**(values | fields))


def stored(
    *outcomes: LoadFields | CostFields | ServingLine, cell: Cell | None = CELL, **fields: Any
) -> StoredServing:
    """Return a run of these outcomes: of a cell, or of a server by its URL where `cell` is None."""
    loads, lines = dict[str, PlannedLoad](), list[ServingLine]()
    for it in outcomes:
        scenario = it.settings.scenario if isinstance(it, LoadFields) else None
        name = f"{cell.id if cell else 'url'}-{scenario or 'cost'}"
        if isinstance(it, ServingLine):
            name, line = it.load_id, it
        elif isinstance(it, LoadFields):
            line = ServingLine(load_id=name, load=it)
        else:
            line = ServingLine(load_id=name, cost=it)
        loads[name] = PlannedLoad(cell_id=None if cell is None else cell.id, scenario=scenario)
        lines.append(line)
    return StoredServing(manifest=manifest(loads, cell, **fields), lines=tuple(lines))
