"""Weights that PaddleClas's names are on, in the nets of the catalogue: the same outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.config.catalog import load_catalogue
from tests.engine.converting import PIR, ROOT, run

pytestmark = pytest.mark.engine

FAMILIES = {
    "ShuffleNetV2_swish": "shuffle_net_swish",
    "ShuffleNetV2": "shuffle_net",
    "MobileNetV1": "mobile_v1",
    "MobileNetV2": "mobile_v2",
    "MobileNetV3_large": "mobile_v3",
    "MobileNetV3_small": "mobile_v3_small",
    "GhostNet": "ghost_net",
    "ESNet": "es_net",
}
# Fine-tuned on classes of one's own; the others on ImageNet's 1,000.
CLASSES = {
    "x0_25": 7,
    "MobileNetV1_x0_25": 2,
    "MobileNetV2_x0_25": 3,
    "MobileNetV3_small_x0_35": 5,
    "GhostNet_x0_5": 20,
    "ESNet_x0_25": 102,
}

# Trains each stand-in for two steps, saves it as PaddleClas does, and compares it with the net.
_COMPARE = f"""
import json, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "models")!r}, {str(Path(__file__).parent)!r}]
import numpy as np
import paddle
import paddleclas_nets
from bench.converters import paddle_call, paddle_net
from bench.core.errors import ArtifactError
from pathlib import Path


def trained(function, scale, classes):
    paddle.seed(1)
    net = getattr(paddleclas_nets, function)(scale, classes)
    steps = paddle.optimizer.SGD(0.01, parameters=net.parameters())
    for step in range(2):
        x = paddle.to_tensor(rng.standard_normal((4, 3, 32, 32), dtype=np.float32))
        loss = paddle.nn.functional.cross_entropy(net(x), paddle.to_tensor([0, 1, 0, 1]))
        loss.backward()
        steps.step()
        steps.clear_grad()
    net.eval()
    return net


answers = {{}}
for variant, (factory, function, scale, classes) in json.load(sys.stdin).items():
    rng = np.random.default_rng(0)
    net = trained(function, scale, classes)
    x = rng.standard_normal((1, 3, 32, 32), dtype=np.float32)
    file = Path(sys.argv[1]).with_name("best_model.pdparams")
    paddle.save(net.state_dict(), str(file))
    try:
        ours, _ = paddle_net.prepare(
            factory, {{"kind": "file", "path": str(file)}}, {{}}, cache=file.parent
        )
    except ArtifactError as error:
        answers[variant] = error.problem
        continue
    wanted, got = (paddle_call.forward(it, {{"x": x}})["out0"] for it in (net, ours))
    answers[variant] = [list(got.shape), float(np.abs(wanted - got).max() / np.abs(wanted).max())]
open(sys.argv[1], "w").write(json.dumps(answers))
"""


def cases() -> dict[str, list[Any]]:
    """Return by variant its factory, its stand-in, and that one's width and classes."""
    found = {}
    for variant, entry in load_catalogue(ROOT / "models").models.items():
        name = str(entry.published).removesuffix("_ssld")
        function = next(it for start, it in FAMILIES.items() if name.startswith(start))
        width = name.rpartition("_x")[2].replace("_", ".") if "_x" in name else "1.0"
        classes = CLASSES.get(variant, 1000)
        found[variant] = [entry.factory, function, float(width), classes]
    return found


@pytest.fixture(scope="module")
def answers(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    scratch = tmp_path_factory.mktemp("trained") / "child"
    found: dict[str, Any] = json.loads(run(paddle_python, _COMPARE, cases(), scratch, PIR))
    return found


@pytest.mark.parametrize("variant", cases())
def test_a_net_gives_what_paddleclass_net_gives_with_the_weights_of_its_training(
    variant: str, answers: dict[str, Any]
) -> None:
    assert isinstance(answers[variant], list), answers[variant]
    shape, difference = answers[variant]
    assert shape == [1, CLASSES.get(variant, 1000)]
    assert difference < 1e-5
