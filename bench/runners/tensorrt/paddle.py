"""Paddle Inference with its TensorRT sub-graph engine on an NVIDIA GPU, what the published V100
figures used.

A sample is end to end, as those are: copy in, run, copy out. Nothing of it counts unless Paddle's
own log says that TensorRT took the graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, TargetSpec
from bench.core.errors import BenchError, Unavailable
from bench.core.program import command
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, time_paced
from bench.runners.feeds import feeds_by
from bench.runners.gpu import Gauge, NotOffloaded, open_gauge, partly
from bench.runners.tensorrt import engine_cache
from bench.runners.tensorrt import paddle_log as stderr
from bench.runners.tensorrt import paddle_log as trt_log
from bench.runners.tensorrt.engine_cache import EngineKey, Slot

_WORKSPACE_BYTES = 1 << 30
_MEMORY_POOL_MIB = 256


class PaddleTensorrtRunner:
    """Opens `model.pdmodel` with the `.pdiparams` beside it, exported for one batch."""

    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged"})

    def __init__(self, target: TargetSpec | None = None) -> None:
        self._target = target or TargetSpec(kind="nvidia-gpu")

    def at(self, target: TargetSpec) -> PaddleTensorrtRunner:
        return PaddleTensorrtRunner(target)

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[PaddleTensorrtSession]:
        _check(cell)
        import paddle
        from paddle import inference

        root = Path(self._target.engines or artifact.parent / "engines")
        slot = engine_cache.choose(root, _key(inference, cell, self._target, artifact))
        config = partial(configure, inference, cell, artifact, slot.folder)
        made = make_predictor(inference, config, slot)
        engine_cache.mark_used(slot)
        facts = {
            "engine": f"paddlepaddle {paddle.__version__} {_dotted(inference)}",
            **_settings(cell, self._target, slot, made.built),
            "offload": offload_fact(made.offload, self._target.partial),
        }
        gauge = open_gauge(self._target.device)
        pause_s = int(dict(cell.settings).get("sleep_ms", "0")) / 1000
        yield PaddleTensorrtSession(paddle, made, facts, gauge, pause_s)


def _settings(cell: Cell, target: TargetSpec, slot: Slot, built: str) -> dict[str, str]:
    return {
        "threads": str(cell.threads),
        # TF32 is off by NVIDIA_TF32_OVERRIDE=0, which this runner's entry sets in the child.
        "precision": "fp32",
        "sleep_ms": dict(cell.settings).get("sleep_ms", "0"),
        "gpu": target.gpu_name or "unknown",
        "build": str(slot.build),
        "engine_cache": built,
    }


def _check(cell: Cell) -> None:
    if cell.precision != "fp32":
        raise Unavailable(
            f"the paddle-tensorrt runner has no {cell.precision}", hint="use precision fp32"
        )


def _dotted(inference: Any) -> str:
    """Return the TensorRT that was loaded; Paddle reports 0.0.0 where it could load none."""
    version = tuple(inference.get_trt_runtime_version())
    if not any(version):
        raise Unavailable(
            "Paddle can't load TensorRT", hint=f"{command('doctor --install')} shows why"
        )
    return f"TensorRT {'.'.join(map(str, version))}"


def _key(inference: Any, cell: Cell, target: TargetSpec, artifact: Path) -> EngineKey:
    files = (artifact, artifact.with_suffix(".pdiparams"))
    return EngineKey(
        runner="paddle-tensorrt",
        tensorrt=_dotted(inference),
        gpu=target.gpu_name or "unknown",
        model_sha256=engine_cache.files_sha256(files),
        batch=cell.batch,
        flags={"precision": cell.precision, "tf32": "off"},
    )


def configure(inference: Any, cell: Cell, artifact: Path, engines: Path) -> Any:
    """Return the predictor's Config, its engines kept in the folder `engines`.

    Raises Unavailable where Paddle turned TensorRT down, which it only logs.
    """
    fp32 = inference.PrecisionType.Float32
    config = inference.Config(str(artifact), str(artifact.with_suffix(".pdiparams")))
    config.enable_use_gpu(_MEMORY_POOL_MIB, 0, fp32)
    config.switch_ir_optim(True)  # noqa: FBT003 - the binding takes no keywords
    config.enable_memory_optim()
    config.set_optim_cache_dir(str(engines))
    config.enable_tensorrt_engine(
        workspace_size=_WORKSPACE_BYTES,
        max_batch_size=cell.batch,
        min_subgraph_size=3,
        precision_mode=fp32,
        use_static=True,
        use_calib_mode=False,
    )
    if not config.tensorrt_engine_enabled():
        raise Unavailable(
            "Paddle turned TensorRT off: it sees no GPU that it could use",
            hint="see log_tail in the cell's file, and `nvidia-smi`",
        )
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A predictor, how much TensorRT took, and whether its engine was built or a proved hit."""

    predictor: Any
    offload: trt_log.Offload
    built: str
    build_ns: int | None


def make_predictor(inference: Any, config: Callable[[], Any], slot: Slot) -> Made:
    """Make the predictor with the engine in `slot`, or build one there; `config` makes its Config.

    A hit counts once Paddle's log says that it loaded as many engines as there are and built none,
    and the files are as they were kept. A kept engine that Paddle doesn't load, after an update of
    the driver say, is built again. Raises BenchError for anything in between.
    """
    kept = engine_cache.read(slot)
    if kept is None:
        return _built(inference, config(), slot, "built")
    position = stderr.mark()
    try:
        predictor = inference.create_predictor(config())
    except Exception:  # noqa: BLE001 - a class of Paddle's own; its text is on stderr
        predictor = None
    log = stderr.since(position)
    engines = trt_log.engines(log)
    if predictor is None or engines.built or engines.refused:
        del predictor
        engine_cache.clear(slot)
        return _built(inference, config(), slot, engine_cache.REBUILT)
    engine_cache.prove_hit(slot, kept)
    if not engines.loaded:
        raise BenchError(
            "the engine wasn't taken from the cache: the log names none that was loaded",
            hint="delete the folder engines in the cache and run again",
        )
    return Made(predictor=predictor, offload=trt_log.offload(log), built="hit", build_ns=None)


def _built(inference: Any, config: Any, slot: Slot, how: str) -> Made:
    position, started = stderr.mark(), time.perf_counter_ns()
    predictor = inference.create_predictor(config)
    spent_ns = time.perf_counter_ns() - started
    offload = trt_log.offload(stderr.since(position))
    if not isinstance(offload, trt_log.Nothing):
        engine_cache.keep(slot, build_ns=spent_ns, facts={})
    return Made(predictor=predictor, offload=offload, built=how, build_ns=spent_ns)


def offload_fact(offload: trt_log.Offload, partial: str) -> str:
    """Return how much TensorRT took, in words; raises NotOffloaded where `partial` refuses it."""
    if isinstance(offload, trt_log.Whole):
        return "whole"
    if isinstance(offload, trt_log.Nothing):
        raise NotOffloaded(
            "TensorRT took no part of the graph",
            hint="see log_tail in the cell's file; `--runner tensorrt` goes another way",
        )
    return partly(offload.sentence, partial)


class PaddleTensorrtSession:
    """A predictor with the handles of its inputs and outputs."""

    def __init__(
        self, paddle: Any, made: Made, facts: Mapping[str, str], gauge: Gauge, pause_s: float
    ) -> None:
        self._paddle, self._predictor = paddle, made.predictor
        self._gauge, self._pause_s = gauge, pause_s
        self.facts, self.build_ns = facts, made.build_ns
        handles = made.predictor.get_input_handle, made.predictor.get_output_handle
        self._inputs = {name: handles[0](name) for name in made.predictor.get_input_names()}
        self._outputs = {name: handles[1](name) for name in made.predictor.get_output_names()}
        self._copies: list[tuple[Any, Any]] = []

    def infer(self, feeds: Tensors) -> Tensors:
        named = feeds_by(list(self._inputs), feeds)
        self._copies = [(self._inputs[name], array) for name, array in named.items()]
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_paced(self._end_to_end, count, pause_s=self._pause_s)

    def _end_to_end(self) -> list[Any]:
        for handle, array in self._copies:
            handle.copy_from_cpu(array)
        self._predictor.run()
        # The one call that waits for the device.
        return [handle.copy_to_cpu() for handle in self._outputs.values()]

    def begin(self) -> None:
        self._gauge.begin()

    def end(self, count: int) -> Mapping[str, float]:
        return self._gauge.end(count)

    def figures(self, count: int) -> Mapping[str, list[int]]:
        """Time runs without copies: until `run` returns, and until the device is done."""
        there = self._paddle.CUDAPlace(0)
        on_gpu = [self._paddle.to_tensor(array, place=there) for _, array in self._copies]
        for (handle, _), tensor in zip(self._copies, on_gpu, strict=True):
            handle.share_external_data(tensor)
        wait, clock = self._paddle.device.cuda.synchronize, time.perf_counter_ns
        enqueue, on_device = [0] * count, [0] * count
        wait()
        for index in range(count):
            if self._pause_s:
                time.sleep(self._pause_s)
            started = clock()
            self._predictor.run()
            enqueue[index] = clock() - started
            wait()
            on_device[index] = clock() - started
        return {"on_device": on_device, "enqueue": enqueue}
