"""Real engines over painted pictures: the same classes, and scikit-learn's share of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import top_k_accuracy_score

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.storage.run_folders import AccuracyFolder
from tests.cli.process import call
from tests.fakes.seeing import paint

pytestmark = pytest.mark.engine

RUNNERS = ("onnxruntime", "openvino")
IMAGES = 20


@pytest.fixture(scope="module")
def ready(environments: Environments) -> None:
    for name in ("paddle", "onnx", "engines"):
        try:
            environments.get(name)
        except Unavailable as error:
            pytest.skip(f"environment {name}: {error}")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several sizes; each is of its own size's class."""
    root = tmp_path_factory.mktemp("pictures")
    for at in range(IMAGES):
        paint(root / f"{at}.png", seed=at, size=(240 + 9 * at, 300 - 5 * at))
    return root


def measured(root: Path, labels: list[int], results: Path) -> Any:
    listing = root / "list.txt"
    listing.write_text("".join(f"{at}.png {label}\n" for at, label in enumerate(labels)))
    done = call(
        "accuracy", "--data", root, "--list", listing, "--runner", ",".join(RUNNERS),
        "--variant", "x0_25", "--batch", "4", "--results", results, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def best_of(results: Path) -> dict[str, list[list[int]]]:
    (path,) = results.glob("accuracy/*/*")
    (chunk,) = [line.chunk for line in AccuracyFolder(path).journal() if line.chunk]
    return chunk.best


@pytest.mark.usefixtures("ready")
def test_two_engines_see_the_same_and_what_they_saw_is_counted_rightly(
    pictures: Path, tmp_path: Path
) -> None:
    first = measured(pictures, [0] * IMAGES, tmp_path / "first")
    (agreement,) = first["agreement"]
    assert agreement["same_top1"]["hits"] == IMAGES
    assert 0 < agreement["worst_relative_l2"] < 1e-4

    # Labels from what they saw: a net that knows nothing is now sometimes right.
    ours = best_of(tmp_path / "first")[RUNNERS[0]]
    labels = [row[at % 8] if at % 8 < 5 else row[0] ^ 1 for at, row in enumerate(ours)]
    again = measured(pictures, labels, tmp_path / "second")
    scores = [[5 - row.index(at) if at in row else 0 for at in range(1000)] for row in ours]
    for result in again["results"]:
        for name, k in (("top1", 1), ("top5", 5)):
            hits = top_k_accuracy_score(labels, scores, k=k, labels=range(1000), normalize=False)
            assert result[name]["hits"] == hits
    assert again["results"][0]["top1"]["hits"] < again["results"][0]["top5"]["hits"] < IMAGES
