"""What the tests of the native TensorRT runner share: stand-ins in place, and sessions on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.runners.tensorrt import cuda as cudart
from bench.runners.tensorrt.cuda import Cuda
from bench.runners.tensorrt.native import TensorrtRunner, TensorrtSession
from tests.fakes.cuda import FakeCudart
from tests.fakes.trt import FakeTensorrt, onnx
from tests.fakes.values import cell

Open = Callable[..., AbstractContextManager[TensorrtSession]]


@pytest.fixture
def cuda() -> FakeCudart:
    return FakeCudart()


@pytest.fixture
def use(
    cuda: FakeCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FakeTensorrt]:
    """Put a fake TensorRT in place."""
    monkeypatch.setattr(cudart, "load", lambda: Cuda(cuda))
    monkeypatch.setitem(sys.modules, "pynvml", None)

    def put(**behaviour: Any) -> FakeTensorrt:
        trt = FakeTensorrt(cuda, **behaviour)
        monkeypatch.setitem(sys.modules, "tensorrt", trt)
        return trt

    return put


@pytest.fixture
def trt(use: Callable[..., FakeTensorrt]) -> FakeTensorrt:
    return use()


@pytest.fixture
def open_session(tmp_path: Path) -> Open:
    target = TargetSpec(kind="nvidia-gpu", gpu_name="Tesla T4", engines=str(tmp_path / "engines"))

    def call(**settings: str) -> AbstractContextManager[TensorrtSession]:
        asked = cell(runner="tensorrt", settings=tuple(sorted(settings.items())))
        return TensorrtRunner().at(target).open(asked, onnx(tmp_path))

    return call
