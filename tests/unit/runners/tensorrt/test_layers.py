"""The layers of TensorRT's engines: what the inspector tells, kept with each build."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from bench.runners.tensorrt.inspector import layers_of
from tests.fakes.cuda import FakeCudart
from tests.fakes.trt import FakeTensorrt
from tests.unit.runners.conftest import Open


@pytest.mark.parametrize("version", ["8.5.3.1", "10.3.0", "11.4.0"])
def test_a_session_tells_the_kernel_of_each_layer(
    version: str, use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    use(version=version)
    with open_session() as session:
        assert session.layers() == [
            {"name": "conv1+relu1", "type": "Convolution", "kernel": "sm75_winograd",
             "tactic": "0x1", "precision": "fp32"},
            {"name": "fc", "type": "Convolution", "kernel": "sm75_gemm", "tactic": "0x1",
             "precision": "fp32"},
        ]  # fmt: skip


def test_the_layers_of_a_build_are_kept_with_it(trt: FakeTensorrt, open_session: Open) -> None:
    trt.tactics = ["first", "second", "third"]
    told = []
    for _ in range(4):
        with open_session() as session:
            told.append((session.facts["engine_cache"], session.layers()[0]["kernel"]))
            trt.inspects = session.facts["build"] != "2"  # a hit asks no inspector
    assert told == [("built", "first"), ("built", "second"), ("built", "third"), ("hit", "first")]


def test_an_engine_that_tells_nothing_is_measured_all_the_same_and_the_log_says_why(
    trt: FakeTensorrt, open_session: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    trt.inspects = False
    with open_session() as session:
        assert session.layers() == []
        assert session.sample(1)
    assert "engine inspector tells nothing" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"Layers": 7}', "{}", '{"Layers": [7]}'])
def test_what_is_no_list_of_layers_is_none(text: str) -> None:
    assert layers_of(text) == []


def test_without_detail_there_are_names_alone() -> None:
    [layer] = layers_of('{"Layers": ["conv1"]}')
    assert layer == {"name": "conv1", "type": "", "kernel": "", "tactic": "", "precision": ""}


def test_layers_of_the_same_name_are_numbered() -> None:
    text = json.dumps({"Layers": [{"Name": "copy"}, {"Name": "relu"}, {"Name": "copy"}]})
    assert [layer["name"] for layer in layers_of(text)] == ["copy", "relu", "copy (2)"]


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ("Row major linear FP32", "fp32"),
        ("Channel major FP16 format where channel % 8 == 0.", "fp16"),
        ("Thirty-two wide channel vectorized row major Int8 format.", "int8"),
        ("Row major linear BFloat16 format", "bf16"),
        ("Row major linear FP8 format", "fp8"),
        ("Half", "fp16"),
        ("Float", "fp32"),
        ("Unknown format", ""),
    ],
)
def test_the_precision_is_read_off_the_outputs(told: str, precision: str) -> None:
    layer = {"Name": "a", "LayerType": "kgen", "Outputs": [{"Format/Datatype": told}]}
    assert layers_of(json.dumps({"Layers": [layer]}))[0]["precision"] == precision


X = np.zeros((1, 3, 8, 8), np.float32)


@pytest.mark.parametrize("version", ["8.5.3.1", "10.3.0", "11.4.0"])
@pytest.mark.parametrize("graph", ["off", "on"])
def test_a_profile_tells_each_layers_time_and_kernel(
    version: str, graph: str, use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    use(version=version)
    with open_session(cuda_graph=graph) as session:
        session.infer({"x": X})
        taken = session.profile(3)
    assert len(taken.samples_ns) == 3
    assert [(it.name, it.type, round(it.ns), it.calls, it.kernel) for it in taken.operators] == [
        ("conv1+relu1", "Convolution", 200_000, 1.0, "sm75_winograd"),
        ("fc", "Convolution", 40_000, 1.0, "sm75_gemm"),
        ("fc (2)", "", 10_000, 1.0, ""),
    ]


def test_a_profile_leaves_nothing_on_the_device_and_the_session_as_it_was(
    trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    with open_session() as session:
        session.infer({"x": X})
        before = len(cuda.memory), len(cuda.handles)
        session.profile(2)
        assert (len(cuda.memory), len(cuda.handles)) == before
        assert len(session.sample(2)) == 2
