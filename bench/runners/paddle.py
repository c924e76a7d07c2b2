"""Paddle Inference on the CPU, through its Python API, oneDNN and the freeing of
tensors as the cell requests.

A sample is end to end, as the published figures are: copy in, run, copy out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import BenchError, Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import time_calls
from bench.runners.feeds import feeds_by

# Frees tensors once that many GB wait; a negative number: when the predictor goes (Paddle's
# documentation, "Memory management flags").
_TENSOR_GC = "FLAGS_eager_delete_tensor_gb"
_GC_GB = {"off": -1.0, "eager": 0.0}


class PaddleRunner:
    """Opens `model.json` (PIR) or `model.pdmodel` with the `.pdiparams` beside it."""

    imports = ("paddle", "paddle.inference")

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[PaddleSession]:
        if cell.precision != "fp32":
            raise Unavailable(
                f"the paddle runner has no {cell.precision} on the CPU", hint="use precision fp32"
            )
        import paddle
        from paddle import inference

        # Read when a predictor is made. Freeing tensors at once is the work of a second thread, a
        # quarter to a third of the first one's: cells of one thread have one only without it.
        paddle.set_flags({_TENSOR_GC: _GC_GB[dict(cell.settings).get("tensor_gc", "off")]})
        config = configure(inference, cell, artifact)
        yield PaddleSession(inference.create_predictor(config), config)


def configure(inference: Any, cell: Cell, artifact: Path) -> Any:
    """Return the predictor's Config; every default that differs between versions is set here."""
    config = inference.Config(str(artifact), str(artifact.with_suffix(".pdiparams")))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(cell.threads)
    config.switch_ir_optim(True)  # noqa: FBT003 - the binding takes no keywords
    if artifact.suffix == ".json":
        # Paddle 3.3 refuses enable_memory_optim() on a PIR file without these two.
        config.enable_new_ir()
        config.enable_new_executor()
    config.enable_memory_optim()
    if dict(cell.settings).get("onednn", "on") == "on":
        config.enable_mkldnn()
    else:
        config.disable_mkldnn()
    return config


class PaddleSession:
    """A predictor with the handles of its inputs and outputs."""

    def __init__(self, predictor: Any, config: Any) -> None:
        self._predictor = predictor
        self._config = config
        self._inputs = {it: predictor.get_input_handle(it) for it in predictor.get_input_names()}
        self._outputs = {it: predictor.get_output_handle(it) for it in predictor.get_output_names()}
        self._copies: list[tuple[Any, Any]] = []

    @property
    def facts(self) -> Mapping[str, str]:
        import paddle

        return {
            "engine": f"paddlepaddle {paddle.__version__}",
            "threads": str(self._config.cpu_math_library_num_threads()),
            "precision": "fp32",
            "onednn": "on" if self._config.mkldnn_enabled() else "off",
            "tensor_gc": "off" if paddle.get_flags(_TENSOR_GC)[_TENSOR_GC] < 0 else "eager",
            "ir": "pir" if self._config.new_ir_enabled() else "program",
        }

    def infer(self, feeds: Tensors) -> Tensors:
        named = feeds_by(list(self._inputs), feeds)
        self._copies = [(self._inputs[name], array) for name, array in named.items()]
        try:
            outputs = self._end_to_end()
        except NotImplementedError as error:
            if not self._config.mkldnn_enabled():
                raise
            first = str(error).strip().splitlines()[0]
            raise BenchError(
                f"Paddle Inference can't run this net with oneDNN: {first}",
                hint='give its entry in catalog.toml settings.paddle.onednn = "off"',
            ) from error
        return dict(zip(self._outputs, outputs, strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def _end_to_end(self) -> list[Any]:
        for handle, array in self._copies:
            handle.copy_from_cpu(array)
        self._predictor.run()
        return [handle.copy_to_cpu() for handle in self._outputs.values()]
