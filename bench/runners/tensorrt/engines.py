"""TensorRT's engines: loaded from the cache, or built into it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError
from bench.runners.tensorrt import engine_cache
from bench.runners.tensorrt.builder import build
from bench.runners.tensorrt.engine_cache import EngineKey, Kept, Slot
from bench.runners.tensorrt.inspector import LAYERS, inspected

_PLAN = "model.plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An engine, what was effective when it was built, and what building it took, if it was now.

    `runtime` must outlive the engine. `layers` is the inspector's JSON.
    """

    runtime: Any
    engine: Any
    layers: str
    facts: Mapping[str, str]
    build_ns: int | None


def make_engine(trt: Any, logger: Any, key: EngineKey, root: Path | None, onnx: Path) -> Made:
    """Load the engine of `key` whose turn it is, or build it; raises BenchError.

    A cached engine that doesn't load, after an update of the driver say, is built again.
    """
    root = root or onnx.parent / "engines"
    slot = engine_cache.choose(root, key)
    runtime, how = trt.Runtime(logger), "built"
    if kept := engine_cache.read(slot):
        if engine := _load(runtime, slot):
            engine_cache.prove_hit(slot, kept)
            return _made(runtime, engine, slot, kept, "hit")
        how = engine_cache.REBUILT
        engine_cache.clear(slot)
    build_ns, facts = _build(trt, logger, key, root, slot, onnx)
    engine = _load(runtime, slot)
    if engine is None:
        raise BenchError(
            "TensorRT can't load the engine that it has just built",
            hint="see log_tail in the cell's file; free memory of the GPU (`nvidia-smi`)",
        )
    started = time.perf_counter_ns()
    engine_cache.write(slot.folder / LAYERS, inspected(trt, engine).encode())
    build_ns += time.perf_counter_ns() - started
    kept = engine_cache.keep(slot, build_ns=build_ns, facts=facts)
    return _made(runtime, engine, slot, kept, how)


def _load(runtime: Any, slot: Slot) -> Any:
    """Return the engine in `slot`, None where TensorRT doesn't take it, which it only logs."""
    return runtime.deserialize_cuda_engine((slot.folder / _PLAN).read_bytes())


def _made(runtime: Any, engine: Any, slot: Slot, kept: Kept, how: str) -> Made:
    engine_cache.mark_used(slot)
    return Made(
        runtime=runtime,
        engine=engine,
        layers=(slot.folder / LAYERS).read_text(encoding="utf-8"),
        facts={**kept.facts, "build": str(slot.build), "engine_cache": how},
        build_ns=None if how == "hit" else kept.build_ns,
    )


def _build(
    trt: Any, logger: Any, key: EngineKey, root: Path, slot: Slot, onnx: Path
) -> tuple[int, Mapping[str, str]]:
    """Build into `slot`; return what that took in ns, and what was effective.

    Builds of one number share their timings, of different numbers don't: else every build would
    pick what the first one did.
    """
    timings = engine_cache.timings_path(root, key, slot)
    started = time.perf_counter_ns()
    built = build(
        trt, logger, onnx, tactics=key.flags["tactics"],
        timings=timings.read_bytes() if timings.exists() else b"",
    )  # fmt: skip
    build_ns = time.perf_counter_ns() - started
    engine_cache.write(slot.folder / _PLAN, built.plan)
    engine_cache.write(timings, built.timings)
    return build_ns, built.facts
