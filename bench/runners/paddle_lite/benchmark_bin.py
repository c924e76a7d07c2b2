"""Paddle Lite's own benchmark_bin in the place of the device program.

It prints its min, max and average and no output, so that there is nothing to check.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.core.cell import Cell, Sampling
from bench.devices.android.workspace import Workspace
from bench.runners.base import DeviceSession
from bench.runners.paddle_lite.benchmark_bin_output import parse_benchmark

_POWER_MODES = {"high": 0, "low": 1, "full": 2, "no_bind": 3}


def power_mode_of(cell: Cell) -> str:
    """Return the power mode that `cell` asks for, by its name."""
    return dict(cell.settings).get("power_mode", "high")


def by_tool(
    there: Workspace, tool: str, cell: Cell, model: str, sampling: Sampling
) -> DeviceSession:
    """Run the official benchmark_bin: success is a "Perf Info" block, never its exit status."""
    command = there.command(tool, _tool_flags(cell, model, sampling))
    done = there.device.run(command, timeout_s=sampling.timeout_s)
    reported = parse_benchmark(done.text)
    return DeviceSession(
        load_ns=_ns(reported.init_ms or 0),
        first_inference_ns=_ns(reported.first_ms or 0),
        reported_ns={
            "min": _ns(reported.min_ms), "max": _ns(reported.max_ms), "avg": _ns(reported.avg_ms),
        },
        facts={
            "engine": "paddle-lite by its benchmark_bin",
            "precision": "fp32",
            **({"note": reported.note} if reported.note else {}),
        },
        covariates={},
    )  # fmt: skip


def _tool_flags(cell: Cell, model: str, sampling: Sampling) -> list[str]:
    flags: Mapping[str, object] = {
        "optimized_model_file": model,
        "input_shape": f"{cell.batch},{cell.input.replace('x', ',')}",
        "backend": "arm",
        "threads": cell.threads,
        "power_mode": _POWER_MODES[power_mode_of(cell)],
        "warmup": sampling.warmup_calls,
        "repeats": sampling.samples,
        "cpu_precision": "fp32",
    }
    return [f"--{name}={value}" for name, value in flags.items()]


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
