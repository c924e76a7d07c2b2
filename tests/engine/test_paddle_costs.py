from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.converting import PIR, PUBLISHED_NAMES, published, run

pytestmark = pytest.mark.engine

_COUNT = """
import contextlib, io, json, sys
from pathlib import Path

import paddle
from paddle import nn
from bench.converters.paddle_costs import count
from bench.core.tensors import TensorSpec


class Odd(nn.Layer):
    "Transposed convolutions, pooling, biases, leaky ReLU: what paddle.flops counts its own way."

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2DTranspose(3, 8, 3, stride=2),
            nn.Conv2DTranspose(8, 8, 3, stride=2, groups=8),
            nn.Conv2D(8, 4, 3),
            nn.AdaptiveAvgPool2D(7),
            nn.AvgPool2D(2),
            nn.LeakyReLU(),
            nn.Flatten(),
            nn.Linear(36, 5),
        )

    def forward(self, x):
        return self.body(x)


class Windows(nn.Layer):
    "Folds 4 x 4 windows into the batch, and multiplies activations by activations."

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(3, 3, bias_attr=False)

    def forward(self, x):
        x = x.reshape([-1, 3, 4, 8, 4, 8]).transpose([0, 2, 4, 3, 5, 1]).reshape([-1, 64, 3])
        return self.mix(paddle.matmul(paddle.matmul(x, x, transpose_y=True), x)).flatten().sum()


class Unknown(nn.Layer):
    "An op that the counter has never heard of."

    def forward(self, x):
        return paddle.linalg.det(x)


class Open(nn.Layer):
    "A convolution over an image of any height."

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 1)

    def forward(self, x):
        return self.conv(x)


def build(name):
    return globals()[name]() if name in globals() else getattr(paddle.vision.models, name)()


def export(net, path, shape, image=None):
    paddle.jit.save(net, path, input_spec=[paddle.static.InputSpec(shape, "float32", "x")])
    return count(Path(path), image and {"x": TensorSpec(shape=("N", *image))})


def export_words(path):
    "Tokens of any length, of the type that an embedding takes."
    net = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4))
    paddle.jit.save(net, path, input_spec=[paddle.static.InputSpec([-1, -1], "int64", "ids")])
    return count(Path(path), {"ids": TensorSpec(shape=("N", 6), dtype="int64")})


def official(net, shape):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        flops = paddle.flops(net, shape)
    return [flops, int(said.getvalue().split("Total Params:")[1])]


answers = {}
for index, (name, shapes, compare) in enumerate(json.load(sys.stdin)):
    net = build(name)
    net.eval()
    answers[name] = {"counts": [export(net, f"{sys.argv[1]}.{index}", s) for s in shapes]}
    if compare:
        answers[name]["official"] = official(net, shapes[0])
for image in ([3, 16, 32], [3, 16], [3, 16, 16]):
    costs = export(Open(), f"{sys.argv[1]}.open", [-1, 3, -1, 32], image)
    answers["Open"]["counts"].append(costs)
def export_memory(path, shape):
    "Both directions of two layers of an LSTM."
    net = nn.LSTM(8, 16, num_layers=2, direction="bidirect")
    paddle.jit.save(net, path, input_spec=[paddle.static.InputSpec(shape, "float32", "x")])
    return count(Path(path), {"x": TensorSpec(shape=("N", 12, 8))})


shapes = [1, 12, 8], [4, 12, 8], [-1, -1, 8]
memories = [export_memory(f"{sys.argv[1]}.memory{it}", shape) for it, shape in enumerate(shapes)]
answers["Memory"] = {"counts": memories}
answers["Words"] = {"counts": [export_words(f"{sys.argv[1]}.words")]}
Path(sys.argv[1]).write_text(json.dumps(answers))
"""

IMAGE = [1, 3, 224, 224]
ZOO = ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "resnet18"]
PURE_MACS_M = {
    "shufflenet_v2_x0_25": 17.576,
    "shufflenet_v2_x0_33": 22.455,
    "shufflenet_v2_x0_5": 40.476,
    "shufflenet_v2_x1_0": 144.908,
    "shufflenet_v2_x1_5": 295.759,
}


@pytest.fixture(scope="module")
def counted(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Counts of every net below, from one child: {name: {"counts": [...], "official": ...}}."""
    small = [1, 3, 32, 32]
    cases: list[tuple[str, list[list[int]], bool]] = [
        *((name, [IMAGE], False) for name in PUBLISHED_NAMES),
        *((name, [IMAGE], True) for name in ZOO),
        ("Odd", [small, [4, *small[1:]], [-1, *small[1:]]], True),
        ("Windows", [small, [-1, *small[1:]]], False),
        ("Unknown", [small], False),
        ("Open", [[-1, 3, -1, 32]], False),
    ]
    scratch = tmp_path_factory.mktemp("costs") / "nets"
    answers: dict[str, Any] = json.loads(run(paddle_python, _COUNT, cases, scratch, PIR))
    return answers


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_each_net_costs_what_is_published_to_the_last_digit(
    name: str, counted: dict[str, Any]
) -> None:
    [costs] = counted[name]["counts"]
    assert f"{costs['flops_paddle'] / 1e6:.2f}" == published(name)["flops_m"]
    assert f"{costs['params'] / 1e6:.2f}" == published(name)["params_m"]
    assert costs["uncounted"] == []


@pytest.mark.parametrize("name", PURE_MACS_M)
def test_pure_macs_leave_out_batch_norm_and_pooling(name: str, counted: dict[str, Any]) -> None:
    [costs] = counted[name]["counts"]
    assert round(costs["macs"] / 1e6, 3) == PURE_MACS_M[name]


@pytest.mark.parametrize("name", [*ZOO, "Odd"])
def test_the_paddle_convention_agrees_with_paddle_flops(name: str, counted: dict[str, Any]) -> None:
    costs = counted[name]["counts"][0]
    assert [costs["flops_paddle"], costs["params"]] == counted[name]["official"]


def test_trainable_parameters_leave_out_the_statistics_of_batch_norms(
    counted: dict[str, Any],
) -> None:
    [costs] = counted["resnet18"]["counts"]
    # torchvision's resnet18, whose parameters() have no running statistics, has as many.
    assert costs["params_trainable"] == 11_689_512


def test_a_transposed_convolution_spends_one_mac_a_tap_of_each_input_element(
    counted: dict[str, Any],
) -> None:
    first = 32 * 32 * 3 * 8 * 9
    depthwise = 65 * 65 * 8 * 9
    plain = 129 * 129 * 4 * 8 * 9
    assert counted["Odd"]["counts"][0]["macs"] == first + depthwise + plain + 36 * 5


def test_costs_are_per_image_whatever_the_batch(counted: dict[str, Any]) -> None:
    one, four, dynamic = counted["Odd"]["counts"]
    assert one == four == dynamic


def test_windows_in_a_dynamic_batch_are_all_counted(counted: dict[str, Any]) -> None:
    fixed, dynamic = counted["Windows"]["counts"]
    attention, mix = 2 * 16 * 64 * 64 * 3, 16 * 64 * 3 * 3
    assert fixed["macs"] == attention + mix
    assert fixed["flops_paddle"] == mix
    assert dynamic == fixed


def test_an_op_that_is_not_known_is_named(counted: dict[str, Any]) -> None:
    [costs] = counted["Unknown"]["counts"]
    assert costs["uncounted"] == ["pd_op.det"]


def test_an_op_of_open_shape_is_named_too(counted: dict[str, Any]) -> None:
    costs = counted["Open"]["counts"][0]
    assert costs["uncounted"] == ["pd_op.add", "pd_op.conv2d"]
    assert costs["params"] == 16


def test_an_open_extent_is_that_of_the_image_that_is_given(counted: dict[str, Any]) -> None:
    _, fits, short, other = counted["Open"]["counts"]
    assert (fits["uncounted"], fits["macs"]) == ([], 16 * 32 * 4 * 3)
    assert short["uncounted"] == ["pd_op.add", "pd_op.conv2d"]
    assert other["macs"] == fits["macs"], "32 wide by its own word"


def test_an_input_of_whole_numbers_is_run_for_its_shapes_too(counted: dict[str, Any]) -> None:
    [costs] = counted["Words"]["counts"]
    assert (costs["uncounted"], costs["macs"]) == ([], 6 * 8 * 4)


def test_each_step_of_a_sequence_meets_the_matrices_of_an_lstm(counted: dict[str, Any]) -> None:
    gates, (one, four, dynamic) = 4 * 16, counted["Memory"]["counts"]
    assert one["macs"] == 12 * 2 * (gates * (8 + 16) + gates * (32 + 16))
    assert one == four == dynamic
    assert one["uncounted"] == []
