"""A net whose activations are subnormal: counted at the export, flushed to zero by the engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import ARTIFACT_FORMATS, Artifact, Key, Workshop
from bench.config.catalog import load_catalogue, parse_weights, resolve
from bench.core.cell import Cell, Sampling
from bench.core.protocol import SessionRequest, request_for
from bench.environments.interpreters import Environments, worker_of
from bench.launcher.process import Replied, run_child
from bench.runners import RUNNERS
from tests.fakes.values import SAMPLING

pytestmark = pytest.mark.engine

_NET = """
import paddle
from paddle import nn


class Fading(nn.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Conv2D(3, 8, 3), nn.ReLU(), nn.Conv2D(8, 8, 3)
        for conv, scale in ((self.first, 1e-39), (self.third, 1e30)):
            conv.weight.set_value(paddle.full(conv.weight.shape, scale) / 27)
            conv.bias.set_value(paddle.zeros([8]))

    def forward(self, x):
        return self.third(self.second(self.first(x * x))).flatten(1)


def fading():
    return Fading()
"""
RUNNING = [name for name, it in RUNNERS.items() if it.target == "cpu" and it.worker_env is None]
# Zeros are 1 away from any reference.
ALL_AWAY = 1.0


@pytest.fixture(scope="module")
def made(
    environments: Environments, paddle_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The artifact, or the error in its place, by format."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "fading.py").write_text(_NET)
    (folder / "catalog.toml").write_text(
        "[models.fading]\nfactory = 'fading:fading'\ninput = [3, 8, 8]\n"
    )
    net = resolve(load_catalogue(folder), "fading", folder, parse_weights("seeded"))
    workshop = Workshop(folder / "cache", environments, ARTIFACT_FORMATS)
    keys = {Key("fading", RUNNERS[name].artifact, 1) for name in RUNNING}
    return {key.kind: it for key, it in workshop.make([net], keys, workers=2).items()}


def test_subnormal_weights_and_activations_are_counted_for_all_that_is_made_of_the_net(
    made: dict[str, Any],
) -> None:
    for kind in ("paddle-pir", "onnx", "ncnn"):
        told = dict(made[kind].session_facts)
        assert told.pop("reference").startswith("paddlepaddle ")
        assert told == {
            "subnormal_weights": str(8 * 3 * 9),
            "subnormal_activations": str(2 * 8 * 6 * 6),
        }


@pytest.mark.parametrize("name", RUNNING)
def test_an_engine_on_the_cpu_flushes_subnormals(
    name: str, environments: Environments, made: dict[str, Any]
) -> None:
    entry, cell = RUNNERS[name], Cell(variant="v", model_hash="m", runner=name, batch=1, threads=1)
    artifact = made[entry.artifact]
    if not isinstance(artifact, Artifact):
        pytest.skip(f"{name}: {artifact}")
    rule = Sampling.from_json({**SAMPLING.to_json(), "samples": 3, "min_samples": 3})
    request = SessionRequest(
        runner=entry.path, cell=cell, sampling=rule, artifact=artifact.main,
        reference=artifact.reference, tolerance=2.0,
    )  # fmt: skip
    python, told = worker_of(entry, environments, threads=1)
    result = run_child(
        request_for("measure", **request.to_json()), python=python, env=told, timeout_s=60
    )
    assert isinstance(result, Replied), result
    assert result.value["facts"]["subnormals"] == "flushed"
    assert result.value["relative_l2"] == pytest.approx(ALL_AWAY)
