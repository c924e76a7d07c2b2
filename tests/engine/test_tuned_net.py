"""From training output to a measured and an evaluated row, as docs/weights.md has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.process import call
from tests.engine.converting import PIR, run

pytestmark = pytest.mark.engine

# A net of PaddleClas's names learns to tell two colours, and is saved as its trainer saves it.
_TRAIN = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np
import paddle
import paddleclas_nets
from PIL import Image

folder, output = json.load(sys.stdin)
paths = sorted(Path(folder).glob("*/*.png"))
labels = paddle.to_tensor([int(path.parent.name == "sea") for path in paths])
images = np.stack([np.asarray(Image.open(it).resize((224, 224)), np.float32) for it in paths])
mean, std = (np.array(it, np.float32) for it in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
x = paddle.to_tensor(((images / 255 - mean) / std).transpose(0, 3, 1, 2))
paddle.seed(0)
net = paddleclas_nets.shuffle_net(0.25, 2)
for layer in net.sublayers():
    if isinstance(layer, paddle.nn.BatchNorm):
        layer._momentum = 0.5
steps = paddle.optimizer.Adam(0.003, parameters=net.parameters())
for step in range(12):
    paddle.nn.functional.cross_entropy(net(x), labels).backward()
    steps.step()
    steps.clear_grad()
with paddle.no_grad():  # the norms' running statistics catch up
    for step in range(8):
        net(x)
paddle.save(net.state_dict(), output + "/best_model.pdparams")
paddle.save(steps.state_dict(), output + "/best_model.pdopt")
net.eval()
right = (net(x).argmax(1) == labels).sum().item()
open(sys.argv[1], "w").write(str(right))
"""
COLOURS = {"fire": (200, 60, 30), "sea": (30, 90, 190)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures a class, each of its colour with noise."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("pictures")
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for index in range(8):
            hue = rng.normal(colour, 8)
            pixels = rng.normal(hue, 10, (240, 260, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def output(paddle_python: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a training left."""
    folder = tmp_path_factory.mktemp("output")
    right = run(paddle_python, _TRAIN, [str(pictures), str(folder)], folder / "child", PIR)
    assert right == "16"
    return folder


def bench(*argv: str | Path) -> dict[str, Any]:
    done = call(*argv, "--variant", "x0_25", "--json", timeout_s=300)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_tuned_net_is_measured_with_its_own_classes_and_weights(
    output: Path, tmp_path: Path
) -> None:
    bench(
        "run", "--suite", "engines", "--runner", "onnxruntime", "--preset", "quick",
        "--weights", output / "best_model.pdparams", "--results", tmp_path,
    )  # fmt: skip
    (path,) = tmp_path.glob("runs/*/*/run.json")
    facts = json.loads(path.read_text())["models"]["x0_25"]
    assert facts["weights"].startswith("file ")
    assert facts["costs"]["params"] < 450_000  # the head of 1,000 classes alone has 513,000


def test_a_tuned_net_knows_its_pictures_on_each_engine(
    output: Path, pictures: Path, tmp_path: Path
) -> None:
    answer = bench(
        "accuracy", "--data", pictures, "--runner", "paddle,onnxruntime", "--batch", "4",
        "--weights", output / "best_model.pdparams", "--results", tmp_path,
    )  # fmt: skip
    assert [result["top1"]["hits"] for result in answer["results"]] == [16, 16]
