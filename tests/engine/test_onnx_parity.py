"""The converted files compute what the nets do: each engine's output against Paddle's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.artifacts.builder import Key
from bench.environments.interpreters import Environments
from bench.runners import RUNNERS
from tests.engine.inferring import VARIANTS, distances

pytestmark = pytest.mark.engine

BATCHES = (1, 4, 8)
LIMIT = 1e-4


@pytest.fixture(scope="module")
def onnx(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> dict[Key, float]:
    """How far ONNX Runtime is from the reference, for every net and batch."""
    keys = [Key(variant, "onnx", batch) for variant in VARIANTS for batch in BATCHES]
    return distances("onnxruntime", keys, environments, tmp_path_factory.mktemp("parity"))


def test_there_are_seven_nets_at_three_batches(
    onnx: dict[Key, float], capsys: pytest.CaptureFixture[str]
) -> None:
    worst = max(onnx, key=lambda key: onnx[key])
    with capsys.disabled():
        print(f"\nworst: {worst.variant}, batch {worst.batch}: {onnx[worst]:.2g}")  # noqa: T201
    assert len(onnx) == 7 * 3


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_onnx_runtime_agrees_with_the_reference(
    variant: str, batch: int, onnx: dict[Key, float]
) -> None:
    away = onnx[Key(variant, "onnx", batch)]
    assert 0 < away <= LIMIT


@pytest.mark.parametrize("runner", ["openvino", "ncnn", "mnn"])
def test_the_other_engines_agree_with_the_reference_with_one_image_and_with_four(
    runner: str, environments: Environments, tmp_path: Path
) -> None:
    keys = [Key("x0_25", RUNNERS[runner].artifact, batch) for batch in (1, 4)]
    for key, away in distances(runner, keys, environments, tmp_path).items():
        assert 0 < away <= LIMIT, key
