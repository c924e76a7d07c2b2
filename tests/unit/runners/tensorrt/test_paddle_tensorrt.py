"""Paddle with TensorRT against stand-ins for Paddle: nothing counts that its log doesn't prove."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import BenchError, Unavailable
from bench.core.tensors import only
from bench.runners import RUNNERS
from bench.runners.gpu import NotOffloaded
from bench.runners.tensorrt import paddle_log as stderr
from bench.runners.tensorrt.paddle import (
    PaddleTensorrtRunner,
    PaddleTensorrtSession,
)
from tests.fakes.net import infer
from tests.fakes.paddle_trt import LEFT, SUBGRAPH, FakePaddle
from tests.fakes.values import cell

X = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
Use = Callable[..., FakePaddle]
Open = Callable[..., AbstractContextManager[PaddleTensorrtSession]]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Use:
    """Put a fake Paddle in place; `capfd` makes stderr the file that the harness makes of it."""
    monkeypatch.setitem(sys.modules, "pynvml", None)

    def put(**behaviour: Any) -> FakePaddle:
        paddle = FakePaddle(**behaviour)
        monkeypatch.setitem(sys.modules, "paddle", paddle)
        return paddle

    return put


@pytest.fixture
def target(tmp_path: Path) -> TargetSpec:
    return TargetSpec(
        kind="nvidia-gpu", gpu_name="Tesla V100-SXM2-16GB", capability="7.0",
        engines=str(tmp_path / "engines"),
    )  # fmt: skip


@pytest.fixture
def open_session(tmp_path: Path, target: TargetSpec) -> Open:
    (tmp_path / "model.pdmodel").write_bytes(b"model")
    (tmp_path / "model.pdiparams").write_bytes(b"params")

    def call(where: TargetSpec = target, **settings: str) -> Any:
        asked = cell(runner="paddle-tensorrt", settings=tuple(settings.items()))
        return PaddleTensorrtRunner().at(where).open(asked, tmp_path / "model.pdmodel")

    return call


def test_the_output_is_the_nets(use: Use, open_session: Open) -> None:
    use()
    with open_session() as session:
        assert np.allclose(only(session.infer({"x": X})), infer(X))
        assert len(session.sample(5)) == 5
        assert np.allclose(only(session.infer({"x": X + 1})), infer(X + 1))


def test_the_engine_is_configured_as_the_published_figures_had_it(
    use: Use, open_session: Open, tmp_path: Path
) -> None:
    paddle = use()
    with open_session():
        [config] = paddle.configs
    assert config.files == (str(tmp_path / "model.pdmodel"), str(tmp_path / "model.pdiparams"))
    assert config.told["enable_tensorrt_engine"] == {
        "workspace_size": 1 << 30, "max_batch_size": 1, "min_subgraph_size": 3,
        "precision_mode": "fp32", "use_static": True, "use_calib_mode": False,
    }  # fmt: skip
    assert config.told["enable_use_gpu"] == (256, 0, "fp32")
    assert "disable_glog_info" not in config.told, "the log is the proof"


def test_a_whole_net_is_told_with_engine_and_build(use: Use, open_session: Open) -> None:
    use()
    with open_session() as session:
        facts = session.facts
    assert facts["engine"] == "paddlepaddle 2.6.2 TensorRT 8.5.3"
    assert (facts["offload"], facts["precision"], facts["threads"]) == ("whole", "fp32", "1")
    assert facts["gpu"] == "Tesla V100-SXM2-16GB"
    assert set(RUNNERS["paddle-tensorrt"].settings) <= set(facts)


def test_a_net_that_tensorrt_takes_in_part_has_failed(use: Use, open_session: Open) -> None:
    use(says=[LEFT, SUBGRAPH])
    with pytest.raises(NotOffloaded) as caught, open_session():
        pass
    assert caught.value.kind == "not-offloaded"
    assert caught.value.problem.endswith("1 sub-graph of 6 nodes in all, left out: shape")
    assert "--allow-partial" in caught.value.hint


def test_a_net_taken_in_part_is_measured_where_that_is_allowed_and_says_so(
    use: Use, open_session: Open, target: TargetSpec
) -> None:
    use(says=[LEFT, SUBGRAPH])
    with open_session(replace(target, partial="allowed")) as session:
        assert session.facts["offload"].startswith("partial (TensorRT took 1 sub-graph")


@pytest.mark.parametrize("partial", ["refused", "allowed"])
def test_a_net_that_tensorrt_takes_no_part_of_has_failed_in_any_case(
    partial: str, use: Use, open_session: Open, target: TargetSpec
) -> None:
    use(says=[LEFT])
    with (
        pytest.raises(NotOffloaded, match="no part"),
        open_session(replace(target, partial=partial)),
    ):
        pass


def test_engines_are_built_three_times_and_then_taken_in_turn(use: Use, open_session: Open) -> None:
    use()
    told = []
    for _ in range(4):
        with open_session() as session:
            told.append((session.facts["build"], session.facts["engine_cache"], session.build_ns))
    assert [(build, how) for build, how, _ in told] == [
        ("0", "built"), ("1", "built"), ("2", "built"), ("0", "hit"),
    ]  # fmt: skip
    assert all(ns is not None and ns > 0 for _, _, ns in told[:3])
    assert told[3][2] is None


def fill(open_session: Open) -> None:
    for _ in range(3):
        with open_session():
            pass


@pytest.mark.parametrize("driver", [{"rebuilds": True}, {"stale": True}])
def test_a_cached_engine_that_no_longer_loads_is_built_again_and_said(
    use: Use, open_session: Open, driver: dict[str, bool]
) -> None:
    use()
    fill(open_session)
    use(**driver)
    for _ in range(3):
        with open_session() as session:
            assert session.facts["engine_cache"].startswith("rebuilt: the cached engine")
            assert session.build_ns
    use(stale="stale" in driver)
    with open_session() as session:
        assert session.facts["engine_cache"] == "hit"


def test_a_hit_that_the_log_does_not_tell_is_no_hit(use: Use, open_session: Open) -> None:
    use()
    fill(open_session)
    use(tells=False)
    with pytest.raises(BenchError, match="the log names none that was loaded"), open_session():
        pass


@pytest.mark.parametrize("change", ["model.pdmodel", "model.pdiparams"])
def test_other_weights_get_an_engine_of_their_own(
    change: str, use: Use, open_session: Open, tmp_path: Path
) -> None:
    # Paddle's own key holds names and no weights.
    use()
    fill(open_session)
    (tmp_path / change).write_bytes(b"another")
    with open_session() as session:
        assert session.facts["engine_cache"] == "built"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ({"version": (0, 0, 0)}, "can't load TensorRT"),
        ({"enables": False}, "turned TensorRT off"),
    ],
)
def test_a_paddle_that_would_run_without_tensorrt_is_unavailable(
    behaviour: dict[str, Any], message: str, use: Use, open_session: Open
) -> None:
    use(**behaviour)
    with pytest.raises(Unavailable, match=message), open_session():
        pass


def test_another_precision_is_refused(use: Use, tmp_path: Path) -> None:
    use()
    asked = cell(runner="paddle-tensorrt", precision="fp16")
    with pytest.raises(Unavailable, match="no fp16"), PaddleTensorrtRunner().open(asked, tmp_path):
        pass


def test_a_run_whose_log_can_not_be_read_is_refused(
    use: Use, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BenchError("stderr is no file", hint="h")

    use()
    monkeypatch.setattr(stderr, "mark", refuse)
    with pytest.raises(BenchError, match="stderr is no file"), open_session():
        pass


def test_figures_come_for_each_run_and_handing_over_is_part_of_the_whole(
    use: Use, open_session: Open
) -> None:
    use()
    with open_session() as session:
        session.infer({"x": X})
        figures = session.figures(6)
        assert np.allclose(only(session.infer({"x": X + 1})), infer(X + 1)), (
            "the input is the session's again"
        )
    assert {name: len(values) for name, values in figures.items()} == {"on_device": 6, "enqueue": 6}
    pairs = zip(figures["enqueue"], figures["on_device"], strict=True)
    assert all(0 < enqueue <= whole for enqueue, whole in pairs)


def test_a_pause_is_made_before_each_run(
    use: Use, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("bench.runners.tensorrt.paddle.time.sleep", slept.append)
    use()
    with open_session(sleep_ms="10") as session:
        session.infer({"x": X})
        session.figures(2)
        assert session.facts["sleep_ms"] == "10"
    assert slept == [0.01] * 2


def test_it_offers_what_the_worker_asks_sessions_on_a_gpu_for(use: Use, open_session: Open) -> None:
    use()
    with open_session() as session:
        session.begin()
        assert session.end(5) == {}
