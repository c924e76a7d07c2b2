"""Paddle Lite on an Android phone: its .nb, run by the device program over ADB.

The program takes the samples by itself, one line each, and ends with its counts: a session that
lost a part of them is none. It can hold two models open and alternate them, for a live comparison.
With `TargetSpec.benchmark_bin` the official tool runs instead.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.errors import CommandFailed, DeviceNotFound, Unavailable
from bench.core.program import run_command
from bench.devices.android.adb.find import open_device
from bench.devices.android.device_program import PROGRAM, check_program
from bench.devices.android.workspace import Workspace
from bench.runners.base import (
    ArmFailure,
    Array,
    Capability,
    DeviceArm,
    DevicePair,
    DeviceSession,
    Turns,
)
from bench.runners.paddle_lite.agent_events import (
    AgentFailed,
    Watched,
    cores_of,
    effective,
)
from bench.runners.paddle_lite.agent_pairs import AgentPair, PairLines
from bench.runners.paddle_lite.agent_sessions import AgentLines, AgentRun, Events
from bench.runners.paddle_lite.benchmark_bin import Listed, by_tool, power_mode_of
from bench.runners.paddle_lite.causes import ProgramEnded

_SILENCE_S = 60.0
_KEPT = 0o644
_RUN = 0o755
_ARMS = ("a", "b")


class PaddleLiteRunner:
    """Runs `model.nb` on the phone that the target names."""

    capabilities: frozenset[Capability] = frozenset({"device", "pair"})

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        _require_fp32(cell)
        with closing(open_device(_serial(target), transport=target.transport)) as device:
            workspace = Workspace(device)
            if target.benchmark_bin is not None:
                tool = Path(target.benchmark_bin)
                model, listed = _push_tool(workspace, tool, x, artifact)
                return by_tool(workspace, tool.name, cell, model, Listed(listed, x.shape), sampling)
            given, model = _push(workspace, target, x, artifact)
            flags = agent_flags(cell, x.shape, sampling) | {"input": given, "model": model}
            started = time.perf_counter()
            reading = AgentLines()
            _by_agent(workspace, flags, reading)
            run = reading.finish()
            return _session(run, target, cell, device_s=time.perf_counter() - started)

    def run_pair(
        self,
        target: TargetSpec,
        cells: tuple[Cell, Cell],
        artifacts: tuple[Path, Path],
        x: Array,
        sampling: Sampling,
        turns: Turns,
    ) -> DevicePair:
        for cell in cells:
            _require_fp32(cell)
        with closing(open_device(_serial(target), transport=target.transport)) as device:
            workspace = Workspace(device)
            given, *models = _push(workspace, target, x, *artifacts)
            flags = agent_flags(cells[0], x.shape, sampling) | pair_flags(cells[1], turns)
            flags |= {"input": given, "model": models[0], "against": models[1]}
            started = time.perf_counter()
            reading = PairLines(flags["order"])
            try:
                _by_agent(workspace, flags, reading)
            except AgentFailed as error:
                if error.arm not in _ARMS:
                    raise
                raise ArmFailure(_ARMS.index(error.arm), error) from error
            run = reading.finish()
            return _pair(run, target, cells, device_s=time.perf_counter() - started)


def _require_fp32(cell: Cell) -> None:
    if cell.precision != "fp32":
        raise Unavailable(
            f"the paddle-lite runner has no {cell.precision} on this phone",
            hint="use precision fp32",
        )


def _serial(target: TargetSpec) -> str:
    if target.device is None:
        raise DeviceNotFound(None, hint=f"name one: `{run_command('arm', device='serial')}`")
    return target.device


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _name(artifact: Path) -> str:
    return f"{_digest(artifact.read_bytes())}.nb"


def _push(workspace: Workspace, target: TargetSpec, x: Array, *artifacts: Path) -> list[str]:
    """Push the device program, the input and the models; return the paths there of the latter.

    Raises Unavailable where the program's files aren't those of one build.
    """
    program = Path(target.agent or ".")
    check_program(program)
    names = [_name(artifact) for artifact in artifacts]
    files = dict(zip(names, ((artifact, _KEPT) for artifact in artifacts), strict=True))
    files |= _beside(program, ["[!.]*"])
    with _input_file(x, "input") as given:
        workspace.push_changed(files | {given.name: (given, _KEPT)})
    return [workspace.path(name) for name in (given.name, *names)]


def _push_tool(workspace: Workspace, tool: Path, x: Array, artifact: Path) -> list[str]:
    """Push benchmark_bin, the model and the input; return the paths there of the latter two."""
    with _input_file(x, "txt") as listed:
        files = {_name(artifact): (artifact, _KEPT), listed.name: (listed, _KEPT)}
        workspace.push_changed(files | _beside(tool.parent, [tool.name, "*.so"]))
        return [workspace.path(name) for name in files]


def _beside(folder: Path, patterns: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Return a program and its libraries, by name; notes about them (.json) stay here."""
    files = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    return {file.name: (file, _RUN) for file in files if file.is_file() and file.suffix != ".json"}


@contextmanager
def _input_file(x: Array, suffix: str) -> Iterator[Path]:
    """Yield a file of the input's values, named by them: as text (txt) or as float32 (input)."""
    content = x.astype("<f4").tobytes()
    if suffix == "txt":
        content = "".join(f"{value:.9g}\n" for value in x.ravel()).encode()
    with TemporaryDirectory(prefix="bench-") as holder:
        path = Path(holder) / f"{_digest(content)}.{suffix}"
        path.write_bytes(content)
        yield path


def _by_agent(workspace: Workspace, flags: Mapping[str, str], reading: Events) -> None:
    """Run the device program and have its lines read to their end; raises ProgramEnded, too."""
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    try:
        with workspace.device.lines(
            workspace.command(PROGRAM, words), silence_s=_SILENCE_S
        ) as lines:
            for line in lines:
                reading.feed(line)
    except CommandFailed as error:
        sys.stderr.write(error.stderr)
        raise ProgramEnded(
            PROGRAM, error.status, "\n".join([*reading.foreign, error.stderr])
        ) from None


def agent_flags(cell: Cell, shape: tuple[int, ...], sampling: Sampling) -> dict[str, str]:
    """Return the device program's flags for a session, see paddle_lite/agent/LINES.md."""
    return {
        "shape": ",".join(map(str, shape)),
        "threads": str(cell.threads),
        "power-mode": power_mode_of(cell),
        "warmup": str(sampling.warmup_calls),
        "warmup-seconds": f"{sampling.warmup_s:g}",
        "warmup-cap-seconds": f"{sampling.warmup_cap_s:g}",
        "steady-window": str(sampling.steady_window),
        "steady-tolerance": f"{sampling.steady_tolerance or 0:g}",
        "repeats": str(sampling.samples),
        "min-repeats": str(sampling.min_samples),
        "seconds": f"{sampling.budget_s:g}",
    }


def pair_flags(against: Cell, turns: Turns) -> dict[str, str]:
    """Return the flags that two models take over those of one, see paddle_lite/agent/LINES.md."""
    return {
        "against-threads": str(against.threads),
        "against-power-mode": power_mode_of(against),
        "order": "".join(_ARMS[index] for index in turns.order),
        "burst-seconds": f"{turns.burst_s:g}",
        "least-calls": str(turns.least_calls),
        "most-calls": str(turns.most_calls),
    }


def _session(run: AgentRun, target: TargetSpec, cell: Cell, *, device_s: float) -> DeviceSession:
    return DeviceSession(
        load_ns=run.load_ns,
        first_inference_ns=run.first_inference_ns,
        output=run.output,
        warmup_ns=run.warmup_ns,
        steady=run.steady,
        samples_ns=run.samples_ns,
        figures_ns={"run": run.run_ns},
        facts=_facts(run, run, target, cell),
        covariates=_covariates(run.peak_rss_kib, device_s),
    )


def _pair(
    run: AgentPair, target: TargetSpec, cells: tuple[Cell, Cell], *, device_s: float
) -> DevicePair:
    """Return both arms, in the order in which they were opened."""
    first, second = (
        DeviceArm(
            load_ns=arm.load_ns,
            first_inference_ns=arm.first_inference_ns,
            output=arm.output,
            warmup_ns=arm.warmup_ns,
            steady=arm.steady,
            facts=_facts(run, arm, target, cell),
        )
        for arm, cell in zip((run.arms[letter] for letter in _ARMS), cells, strict=True)
    )
    return DevicePair(
        arms=(first, second),
        bursts=[(_ARMS.index(arm), ns) for arm, ns in run.bursts],
        covariates=_covariates(run.peak_rss_kib, device_s),
    )


def _facts(
    run: AgentRun | AgentPair, watched: Watched, target: TargetSpec, cell: Cell
) -> dict[str, str]:
    big = frozenset(target.big_cores)
    facts = effective(watched, asked_threads=cell.threads, big_cores=big)
    facts["power_mode"] = effective_power_mode(
        watched.power_mode,
        cores_of(facts.get("allowed", "")),
        threads=watched.threads,
        big=big,
    )
    engine = {"engine": f"paddle-lite {run.library}", "agent": run.version}
    return engine | {"threads": str(watched.threads), "precision": "fp32", **facts}


def _covariates(peak_rss_kib: int, device_s: float) -> dict[str, float]:
    return {"peak_rss_mib": round(peak_rss_kib / 1024, 1), "device_s": round(device_s, 3)}


def effective_power_mode(
    reported: str, allowed: frozenset[int], *, threads: int, big: frozenset[int]
) -> str:
    """Return the power mode that was effective: the library's word, checked by the workers' cores.

    Bound, the library gives its `threads` threads as many cores: workers that may use more weren't
    bound, which it doesn't report. `big` are all cores but the slowest cluster's; the library
    counts fewer (those with a clock from the middle of its range on, or by the chip's name), so
    "high" has big cores alone, "low" also those of `big` that it takes for little, and "full" any.
    Where `allowed` or `big` is unknown, and so empty, its word stands.
    """
    if reported == "no_bind" or not allowed:
        return reported
    if len(allowed) > threads:
        return "no_bind"
    binds_to_big = reported in ("high", "rand_high")
    if big and binds_to_big and not allowed <= big:
        return "low" if allowed.isdisjoint(big) else "full"
    if big and reported in ("low", "rand_low") and allowed <= big:
        return "high"
    return reported
