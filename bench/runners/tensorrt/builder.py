"""Build a TensorRT engine from ONNX, FP32 and nothing less.

`trt` is the module tensorrt, of 8.5 or later: names that versions differ in go through getattr.
Sources: TensorRT 8.5.3, 10 and 11 Python API references; the migration guides to 10 and to 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError, Unavailable

WORKSPACE_BYTES = 1 << 30

# Whole libraries, from which TensorRT may pick a kernel; 10 no longer does so by itself.
_LIBRARIES = ("CUBLAS", "CUBLAS_LT", "CUDNN")
_OWN = ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An engine's bytes, the timings that its builder now knows, and what was effective."""

    plan: bytes
    timings: bytes
    facts: Mapping[str, str]


def build(trt: Any, logger: Any, onnx: Path, *, tactics: str, timings: bytes) -> Built:
    """Build an engine of `onnx`. `timings` are those of earlier builds, empty for none.

    Raises ArtifactError where TensorRT can't parse or build it, Unavailable where it can't be
    kept at FP32.
    """
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags(trt))
    _parse(trt.OnnxParser(network, logger), onnx)
    config = builder.create_builder_config()
    facts = configure(trt, config, tactics)
    if not config.set_timing_cache(config.create_timing_cache(timings), ignore_mismatch=False):
        # Another driver or TensorRT made them.
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ArtifactError(
            "TensorRT built no engine",
            hint="see log_tail in the cell's file; less memory than 1 GiB may be free on the GPU",
        )
    timed = bytes(config.get_timing_cache().serialize())
    return Built(plan=bytes(plan), timings=timed, facts=facts)


def _network_flags(trt: Any) -> int:
    """Return EXPLICIT_BATCH where it has to be asked for: from 10 on there is nothing else."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    return 1 << int(flag) if flag is not None and major(trt) < 10 else 0


def major(trt: Any) -> int:
    """Return the first number of TensorRT's version."""
    return int(trt.__version__.split(".")[0])


def _parse(parser: Any, onnx: Path) -> None:
    if parser.parse(onnx.read_bytes()):
        return
    errors = [str(parser.get_error(index)) for index in range(parser.num_errors)]
    raise ArtifactError(
        f"TensorRT can't read the ONNX file: {errors[0] if errors else 'it says no reason'}",
        hint="see log_tail in the cell's file",
        log_tail="\n".join(errors),
    )


def configure(trt: Any, config: Any, tactics: str) -> dict[str, str]:
    """Set `config` up and return what it then reports as effective."""
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    tf32 = getattr(trt.BuilderFlag, "TF32", None)
    if tf32 is not None:
        config.clear_flag(tf32)
        if config.get_flag(tf32):
            raise Unavailable(
                "TensorRT keeps TF32 on, which is less than FP32", hint="use another TensorRT"
            )
    if tactics == "own":
        config.set_tactic_sources(config.get_tactic_sources() & ~_library_bits(trt))
    sources = config.get_tactic_sources()
    return {
        # Without the flag there is no such thing to turn off: FP32 is what the ONNX file says.
        "precision": "fp32",
        "tf32": "no such flag" if tf32 is None else "off",
        # From 10 on no library is a source by itself: all that there is may be TensorRT's own.
        "tactics": "all" if tactics != "own" or sources & _library_bits(trt) else "own",
        "tactic_sources": _names(trt, sources),
    }


def _names(trt: Any, bits: int) -> str:
    """Return the sources of tactics in `bits` that this TensorRT has names for."""
    known = {name: getattr(trt.TacticSource, name, None) for name in (*_LIBRARIES, *_OWN)}
    names = [
        name for name, source in known.items() if source is not None and bits & 1 << int(source)
    ]
    return "+".join(names).lower() or "unknown"


def _library_bits(trt: Any) -> int:
    known = (getattr(trt.TacticSource, name, None) for name in _LIBRARIES)
    return sum(1 << int(source) for source in known if source is not None)
