"""A run on a stand-in over two nets on one thread, and what it left."""

from __future__ import annotations

from pathlib import Path

from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured
from tests.device.arm_run import Prepared, Ran, run_arm, unpublished
from tests.device.daemon import Device

PROGRAM = "/bench_agent --"
SUITE = """
title = "two nets on a stand-in"
target = "android"

[[cells]]
runner = ["paddle-lite"]
batch = [1]
threads = [1]
settings = { power_mode = "no_bind" }

[presets.standard]
sessions = 1
samples = 12
min_samples = 12
budget_s = 60.0
warmup_calls = 2
warmup_s = 0.0
warmup_cap_s = 60.0
steady_tolerance = "none"
"""
NETS = ("x0_25", "x0_33")


def run(device: Device, nets: Prepared, suite: Path, *flags: str | Path) -> Ran:
    results, models = suite.parent / "results", unpublished(suite.parent / "models")
    return run_arm(device.serial, nets.agent, results, "--suite", suite, "--models", models,
                   "--variant", ",".join(NETS), *flags)  # fmt: skip


def outcomes(ran: Ran) -> dict[str, Measured | Failed]:
    found = {record.cell.variant: record.outcome for record in ran.records}
    return {name: it for name, it in found.items() if isinstance(it, Measured | Failed)}


def left_on(device: Device) -> list[object]:
    return [*device.files(), *device.processes()]


def complaint_of(ran: Ran) -> str:
    return ran.done.stderr.strip().splitlines()[-1]
