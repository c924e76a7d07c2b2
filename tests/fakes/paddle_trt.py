"""Stand-ins for the modules paddle and paddle.inference of the GPU wheel.

Making a predictor writes to stderr what the real one's TensorRT pass does (tests/unit/gpu has the
lines), and leaves an engine's file in the cache where it builds one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

AT = "I1124 09:16:39.912177 28121 tensorrt_subgraph_pass.cc:"
SUBGRAPH = f"{AT}126] ---  detect a sub-graph with 6 nodes"
WHOLE = f"{AT}241] The entire graph is offloaded to TensorRT."
PREPARES = f"{AT}347] Prepare TRT engine (Optimize model structure, Select OP kernel etc)."
LOADS = f"{AT}802] Load TRT Optimized Info from /cache/trt_serialized_1"
LEFT = f"{AT}211] shape op is not in TensorRT"


class FakeConfig:
    """A Config that keeps what it was told, by the method's name."""

    def __init__(self, world: FakePaddle, model: str, params: str) -> None:
        self._world, self.files = world, (model, params)
        self.told: dict[str, Any] = {}

    def tensorrt_engine_enabled(self) -> bool:
        return self._world.enables

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def tell(*values: Any, **named: Any) -> None:
            self.told[name] = named or values

        return tell


class FakePaddle:
    """The module paddle; `inference` is its submodule.

    `says` are the lines of the pass beside those on the engine. `rebuilds` stands for an engine
    that is built again though its file is there, `stale` for
    engines of before that don't load.
    """

    __version__ = "2.6.2"
    device = SimpleNamespace(cuda=SimpleNamespace(synchronize=lambda: None))

    def __init__(
        self,
        *,
        says: Sequence[str] = (SUBGRAPH, WHOLE),
        version: tuple[int, int, int] = (8, 5, 3),
        enables: bool = True,
        rebuilds: bool = False,
        tells: bool = True,
        stale: bool = False,
    ) -> None:
        self.says, self.version, self.enables = says, version, enables
        self.rebuilds, self.tells, self.stale = rebuilds, tells, stale
        self.configs: list[FakeConfig] = []
        self.inference = SimpleNamespace(
            PrecisionType=SimpleNamespace(Float32="fp32"),
            Config=self._config,
            create_predictor=self._predictor,
            get_trt_runtime_version=lambda: self.version,
        )

    def CUDAPlace(self, index: int) -> str:  # noqa: N802 - Paddle's name
        return f"gpu:{index}"

    def to_tensor(self, x: Any, place: str) -> Any:
        assert place == "gpu:0"
        return x

    def _config(self, model: str, params: str) -> FakeConfig:
        self.configs.append(FakeConfig(self, model, params))
        return self.configs[-1]

    def _predictor(self, config: FakeConfig) -> FakePredictor:
        engine = Path(config.told["set_optim_cache_dir"][0]) / "trt_serialized_1"
        if self.stale and engine.exists() and engine.read_bytes() != b"new engine":
            raise RuntimeError("(Fatal) Building TRT cuda engine failed when deserializing")
        for line in self.says:
            say(line)
        if SUBGRAPH in self.says:
            builds = self.rebuilds or not engine.exists()
            if self.tells:
                say(PREPARES if builds else LOADS)
            if builds:
                engine.write_bytes(b"new engine" if self.stale else b"engine")
        return FakePredictor()


def say(line: str) -> None:
    """Write past Python, as glog does."""
    os.write(2, line.encode() + b"\n")


class FakePredictor:
    """Gives twice the mean of each image, plus the number of the class."""

    def __init__(self) -> None:
        self.x: Any = None
        self.logits: Any = None

    def get_input_names(self) -> list[str]:
        return ["x"]

    def get_output_names(self) -> list[str]:
        return ["logits"]

    def get_input_handle(self, _: str) -> Any:
        return SimpleNamespace(copy_from_cpu=self._take, share_external_data=self._take)

    def get_output_handle(self, _: str) -> Any:
        return SimpleNamespace(copy_to_cpu=lambda: self.logits)

    def _take(self, x: Any) -> None:
        self.x = x

    def run(self) -> None:
        means = self.x.reshape(len(self.x), -1).mean(axis=1, keepdims=True)
        self.logits = 2 * means + np.arange(10, dtype=np.float32)
