"""Paddle Lite on an Android phone: its .nb, run by the device program over ADB.

The program takes the samples by itself, one line each, and ends with its counts: a session that
lost a part of them is none. With `Target.benchmark_bin` the official tool runs instead, which
prints its own min, max and average and no output.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.adb.find import open_device
from bench.cell import Cell, Sampling, Target
from bench.errors import DeviceNotFound, Unavailable
from bench.phone.agent_lines import AgentLines, AgentRun, cores_of, in_force
from bench.phone.benchmark_bin import parse_benchmark
from bench.phone.workspace import Workspace
from bench.runners.base import Array, DeviceSession

PROGRAM = "bench_agent"
_SILENCE_S = 60.0
_KEPT = 0o644
_RUN = 0o755
_UNBOUND = ("no_bind", "full")
_POWER_MODES = {"high": 0, "low": 1, "full": 2, "no_bind": 3}


class PaddleLiteRunner:
    """Runs `model.nb` on the phone that the target names."""

    def run(
        self, target: Target, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        if cell.precision != "fp32":
            raise Unavailable(
                f"the paddle-lite runner has no {cell.precision} on this phone",
                hint="use precision fp32",
            )
        with closing(open_device(_serial(target), transport=target.transport)) as device:
            there = Workspace(device)
            model = f"{_digest(artifact.read_bytes())}.nb"
            files = {model: (artifact, _KEPT)}
            if target.benchmark_bin is not None:
                tool = Path(target.benchmark_bin)
                there.push_changed(files | _beside(tool.parent, [tool.name, "*.so"]))
                return _by_tool(there, tool.name, cell, there.path(model), sampling)
            files |= _beside(Path(target.agent or "."), ["[!.]*"])
            with _input_file(x) as given:
                there.push_changed(files | {given.name: (given, _KEPT)})
            flags = agent_flags(cell, x.shape, sampling)
            flags |= {"model": there.path(model), "input": there.path(given.name)}
            started = time.perf_counter()
            run = _by_agent(there, flags)
            return _session(run, target, cell, device_s=time.perf_counter() - started)


def _serial(target: Target) -> str:
    if target.device is None:
        raise DeviceNotFound(None, hint="name one: `make bench-arm DEVICE=serial`")
    return target.device


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _power_mode(cell: Cell) -> str:
    return dict(cell.settings).get("power_mode", "high")


def _beside(folder: Path, patterns: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Return a program and its libraries, by name; notes about them (.json) stay here."""
    found = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    return {file.name: (file, _RUN) for file in found if file.is_file() and file.suffix != ".json"}


@contextmanager
def _input_file(x: Array) -> Iterator[Path]:
    """Yield a file of the input's values, named by them."""
    content = x.astype("<f4").tobytes()
    with TemporaryDirectory(prefix="bench-") as holder:
        path = Path(holder) / f"{_digest(content)}.input"
        path.write_bytes(content)
        yield path


def _by_agent(there: Workspace, flags: Mapping[str, str]) -> AgentRun:
    """Run the device program and read its lines to their end."""
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    reading = AgentLines()
    with there.device.lines(_command(there, PROGRAM, words), silence_s=_SILENCE_S) as lines:
        for line in lines:
            reading.feed(line)
    return reading.finish()


def _command(there: Workspace, program: str, words: Sequence[str]) -> list[str]:
    return ["env", f"LD_LIBRARY_PATH={there.folder}", there.path(program), *words]


def agent_flags(cell: Cell, shape: tuple[int, ...], sampling: Sampling) -> dict[str, str]:
    """Return the device program's flags for a session, see android_agent/LINES.md."""
    return {
        "shape": ",".join(map(str, shape)),
        "threads": str(cell.threads),
        "power-mode": _power_mode(cell),
        "warmup": str(sampling.warmup_calls),
        "warmup-seconds": f"{sampling.warmup_s:g}",
        "warmup-cap-seconds": f"{sampling.warmup_cap_s:g}",
        "steady-window": str(sampling.steady_window),
        "steady-tolerance": f"{sampling.steady_tolerance or 0:g}",
        "repeats": str(sampling.samples),
        "min-repeats": str(sampling.min_samples),
        "seconds": f"{sampling.budget_s:g}",
    }


def _session(run: AgentRun, target: Target, cell: Cell, *, device_s: float) -> DeviceSession:
    big = frozenset(target.big_cores)
    facts = in_force(run, asked_threads=cell.threads, big_cores=big)
    mode = power_in_force(_power_mode(cell), cores_of(facts.get("allowed", "")), big)
    facts |= {"power_mode": mode} if mode else {}
    return DeviceSession(
        load_ns=run.load_ns,
        first_inference_ns=run.first_inference_ns,
        output=run.output,
        warmup_ns=run.warmup_ns,
        steady=run.steady,
        samples_ns=run.samples_ns,
        facts=_engine(run) | {"threads": str(cell.threads), "precision": "fp32", **facts},
        covariates={
            "peak_rss_mib": round(run.peak_rss_kib / 1024, 1),
            "device_s": round(device_s, 3),
        },
    )


def power_in_force(asked: str, allowed: frozenset[int], big: frozenset[int]) -> str:
    """Return the power mode that the cores which the workers may use stand for, '' if not told.

    A worker bound to all cores and one that is not bound look the same: both are what was asked.
    """
    if not allowed or not big:
        return ""
    if allowed <= big:
        return "high"
    if allowed.isdisjoint(big):
        return "low"
    return asked if asked in _UNBOUND else "no_bind"


def _engine(run: AgentRun) -> dict[str, str]:
    return {"engine": f"paddle-lite {run.library}", "agent": run.version}


def _by_tool(
    there: Workspace, tool: str, cell: Cell, model: str, sampling: Sampling
) -> DeviceSession:
    """Run the official benchmark_bin: success is a "Perf Info" block, never its exit status."""
    command = _command(there, tool, _tool_flags(cell, model, sampling))
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
        "power_mode": _POWER_MODES[_power_mode(cell)],
        "warmup": sampling.warmup_calls,
        "repeats": sampling.samples,
        "cpu_precision": "fp32",
    }
    return [f"--{name}={value}" for name, value in flags.items()]


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
