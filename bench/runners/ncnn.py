"""ncnn on the CPU, through its Python API.

A sample is end to end: inputs copied in, the net run, outputs copied out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import ArtifactError, Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, require_precision, time_calls
from bench.runners.feeds import feeds_by
from bench.runners.profiling import Profile, Tally

# The options that lower FP32, most of them on by default where the chip has such instructions.
# Those for INT8 act on nets that were quantised, and on no others.
_LOWERING = {
    "use_fp16_packed": "fp16",
    "use_fp16_storage": "fp16",
    "use_fp16_arithmetic": "fp16",
    "use_bf16_packed": "bf16",
    "use_bf16_storage": "bf16",
}
# They stand for a chip that converts FP16 (on x86 by F16C, which comes with AVX2), and of one that
# computes in it. Without either, the options are accepted and change nothing.
_CONVERTS = ("cpu_support_x86_avx2", "cpu_support_arm_vfpv4", "cpu_support_arm_asimdhp")
_COMPUTES = "cpu_support_arm_asimdhp"
_BATCH_AXIS = 0
_AS_IT_IS = 1  # a blob in the layout and precision in which it lies


class NcnnRunner:
    """Opens `model.ncnn.param` with the `model.ncnn.bin` beside it."""

    imports = ("ncnn",)
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[NcnnSession]:
        require_precision(cell, "fp32", "bf16", "fp16")
        engine = import_engine("ncnn", env="engines")
        require_chip(cell, engine)
        net = engine.Net()
        # Read while the weights are loaded: they must be set before.
        net.opt.num_threads = cell.threads
        net.opt.use_vulkan_compute = False
        for option, precision in _LOWERING.items():
            setattr(net.opt, option, precision == cell.precision)
        _load(net, artifact)
        yield NcnnSession(net, engine)


def require_chip(cell: Cell, engine: Any) -> None:
    """Raise Unavailable where `cell` asks for FP16 and the chip can't even convert it."""
    if cell.precision == "fp16" and not any(getattr(engine, name)() for name in _CONVERTS):
        raise Unavailable("ncnn has no fp16 on this chip", hint="use precision fp32 or bf16")


def _load(net: Any, artifact: Path) -> None:
    if net.load_param(str(artifact)) != 0 or net.load_model(str(artifact.with_suffix(".bin"))) != 0:
        raise ArtifactError(
            f"ncnn can't load {artifact.name}", hint="delete it from the cache and run again"
        )


def _check(status: int, name: str) -> None:
    if status != 0:
        raise RuntimeError(f"ncnn's extract of {name} returned {status}")


class NcnnSession:
    """A net with the inputs that it is run on."""

    def __init__(self, net: Any, engine: Any) -> None:
        self._net = net
        self._engine = engine
        self._outputs = list(net.output_names())
        self._feeds: dict[str, Any] = {}

    @property
    def facts(self) -> Mapping[str, str]:
        options = self._net.opt
        lowered = sorted({name for flag, name in _LOWERING.items() if getattr(options, flag)})
        computes = {"fp16_arithmetic": "on" if getattr(self._engine, _COMPUTES)() else "off"}
        return {
            "engine": f"ncnn {self._engine.__version__}",
            "threads": str(options.num_threads),
            "precision": " and ".join(lowered) or "fp32",
            "vulkan": "on" if options.use_vulkan_compute else "off",
            "winograd": "on" if options.use_winograd_convolution else "off",
            **(computes if "fp16" in lowered else {}),
        }

    def infer(self, feeds: Tensors) -> Tensors:
        named = feeds_by(list(self._net.input_names()), feeds)
        # pnnx makes 64-bit whole numbers 32-bit ones, and ncnn reads what it is given as such.
        self._feeds = {
            name: it.astype("int32") if it.dtype == "int64" else it for name, it in named.items()
        }
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def _end_to_end(self) -> list[Any]:
        with self._net.create_extractor() as extractor:
            self._feed(extractor)
            return [self._extracted(extractor, name) for name in self._outputs]

    def _feed(self, extractor: Any) -> None:
        for name, x in self._feeds.items():
            # A Mat over an array shares its memory; its clone is ncnn's own.
            axis = {"batch_index": _BATCH_AXIS} if x.ndim > 1 else {}  # a vector has no batch
            extractor.input(name, self._engine.Mat(x, **axis).clone())

    def profile(self, count: int) -> Profile:
        """Time each layer by extracting what it gives: no layer runs before that is asked for."""
        blobs = self._net.blobs()
        layers = [it for it in self._net.layers() if it.type != "Input" and it.tops]
        gives = [blobs[it.tops[0]].name for it in layers]
        self._layer_by_layer(gives, Tally())
        tally = Tally()
        samples = time_calls(partial(self._layer_by_layer, gives, tally), count)
        operators = [
            tally.operator(blob, name=layer.name, kind=layer.type)
            for layer, blob in zip(layers, gives, strict=True)
        ]
        return Profile(samples_ns=samples, operators=operators)

    def _layer_by_layer(self, gives: Sequence[str], tally: Tally) -> list[Any]:
        """Run the net and tell `tally` what each layer took, by the first blob that it gives."""
        clock = time.perf_counter_ns
        tally.begin()
        # What lies in the extractor's own pool would be copied as it is extracted.
        pool = self._engine.PoolAllocator()
        with self._net.create_extractor() as extractor:
            extractor.set_blob_allocator(pool)
            self._feed(extractor)
            for name in gives:
                started = clock()
                # The blob isn't kept: a layer that works in place would copy it.
                status = extractor.extract(name, _AS_IT_IS)[0]
                tally.add(name, clock() - started)
                _check(status, name)
            return [self._extracted(extractor, name) for name in self._outputs]

    def _extracted(self, extractor: Any, name: str) -> Any:
        status, output = extractor.extract(name)
        _check(status, name)
        return output.numpy(batch_index=_BATCH_AXIS).copy()
