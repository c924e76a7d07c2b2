"""What Paddle Inference says where oneDNN lacks a form of an operator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.core.errors import BenchError
from bench.runners.paddle import PaddleSession


class Predictor:
    """A predictor whose run says what Paddle 3.3.1 says of an interpolation."""

    def run(self) -> None:
        raise NotImplementedError(
            "(Unimplemented) not support [pir::ArrayAttribute]\n  [Hint: ...]"
        )

    def get_input_names(self) -> list[str]:
        return ["x"]

    def get_output_names(self) -> list[str]:
        return ["y"]

    def get_input_handle(self, _: str) -> Any:
        return SimpleNamespace(copy_from_cpu=lambda _: None)

    get_output_handle = get_input_handle


def session(*, onednn: bool) -> PaddleSession:
    return PaddleSession(Predictor(), SimpleNamespace(mkldnn_enabled=lambda: onednn))


def test_the_setting_that_helps_is_named() -> None:
    with pytest.raises(BenchError) as caught:
        session(onednn=True).infer({"x": np.zeros(1, np.float32)})
    assert caught.value.problem.endswith(
        "oneDNN: (Unimplemented) not support [pir::ArrayAttribute]"
    )
    assert 'settings.paddle.onednn = "off"' in caught.value.hint


def test_without_onednn_it_is_paddles_own_error() -> None:
    with pytest.raises(NotImplementedError):
        session(onednn=False).infer({"x": np.zeros(1, np.float32)})
