"""Paddle Lite's opt on nets of operators whose definitions Paddle leaves out of its programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.converting import PROGRAM, Answer, attempt, convert
from tests.engine.own_nets import SEEDED, options
from tests.engine.test_paddle_export import relative_l2

pytestmark = pytest.mark.engine

_NETS = """
import paddle
from paddle import nn


class Net(nn.Layer):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2D(3, 8, 3), *layers)

    def forward(self, x):
        return self.layers(x).flatten(1)


def relu6():
    return Net(nn.ReLU6())


def swish():
    return Net(nn.Swish())


def instance_norm():
    return Net(nn.InstanceNorm2D(8))


def dropout():
    return Net(nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 4))


def downscaled_dropout():
    dropout = nn.Dropout(mode="downscale_in_infer")
    return Net(nn.AdaptiveAvgPool2D(1), nn.Flatten(), dropout, nn.Linear(8, 4))


def shuffle():
    class Shuffle(nn.Layer):
        def forward(self, x):
            n, c, h, w = x.shape
            return x.reshape([n, 2, c // 2, h, w]).transpose([0, 2, 1, 3, 4]).reshape([n, c, h, w])

    return Net(Shuffle(), nn.Conv2D(8, 4, 1))


def selu():
    return Net(nn.SELU())
"""
OWN = ("relu6", "swish", "instance_norm", "dropout", "downscaled_dropout", "shuffle", "selu")
ZOO = ("mobilenet_v2", "squeezenet1_1", "mobilenet_v3_small")


@pytest.fixture(scope="module")
def programs(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """{net: its model.pdmodel}."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "opnets.py").write_text(_NETS)
    factories = [f"opnets:{name}" for name in OWN]
    factories += [f"paddle.vision.models:{name}" for name in ZOO]
    cases = [
        (
            {
                "factory": factory,
                "search_path": [str(folder)],
                "inputs": {"x": "Nx3x64x64"},
                "weights": SEEDED,
            },
            options(folder / factory.partition(":")[2], "program"),
        )
        for factory in factories
    ]
    out = folder / "out"
    answers = attempt(paddle_python, "paddle_export", cases, out=out, env=PROGRAM)
    assert [answer for answer in answers if "facts" not in answer] == []
    return {
        name: out / str(index) / "b1" / "model.pdmodel" for index, name in enumerate((*OWN, *ZOO))
    }


def optimized(python: Path, model: Path, out: Path) -> Answer:
    source = {"model": str(model), "params": str(model.with_suffix(".pdiparams"))}
    return convert(python, "lite_opt", source, {"target": "arm"}, out=out, env={})


@pytest.mark.parametrize("name", [name for name in (*OWN, *ZOO) if name != "selu"])
def test_opt_takes_a_net_whose_ops_have_their_definitions_written_out(
    name: str, lite_python: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    assert optimized(lite_python, programs[name], tmp_path / "nb")["bytes"] > 1000


def test_opt_fuses_a_channel_shuffle(
    lite_python: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    optimized(lite_python, programs["shuffle"], tmp_path / "nb")
    made = (tmp_path / "nb" / "model.nb").read_bytes()
    assert b"shuffle_channel" in made
    assert b"transpose2" not in made


def test_paddle_gives_the_same_output_as_before(
    paddle_python: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    errors = relative_l2(paddle_python, list(programs.values()), tmp_path / "predict")
    assert max(errors) < 1e-4
