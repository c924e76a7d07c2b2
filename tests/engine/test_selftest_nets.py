"""The nets of a self-test: one net twice, and one that is a few percent more work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.config.catalog import Weights, load_catalogue, resolve
from bench.core.tensors import read_reference
from bench.experiments.selftest import MODELS
from tests.engine.converting import PIR, convert

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def exported(
    paddle_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Facts of each arm's export, with its logits."""
    folder, catalogue = tmp_path_factory.mktemp("selftest"), load_catalogue(MODELS)
    found = {}
    for name in catalogue.models:
        model = resolve(catalogue, name, MODELS, Weights())
        inputs = {name: spec.text for name, spec in model.inputs.items()}
        source = {**model.source, "inputs": inputs, "weights": model.weights.source()}
        options = {
            "format": "pir", "batches": [1], "input_seed": 0,
            "weights_cache": str(folder / f"{name}.weights"),
        }  # fmt: skip
        out = folder / name
        out.mkdir()
        facts = convert(paddle_python, "paddle_export", source, options, out=out / "a", env=PIR)
        told = read_reference(out / "a" / facts["batches"]["1"]["reference"])
        logits = told.outputs["out0"]
        found[name] = facts | {"hash": model.hash, "logits": logits}
    return found


def test_the_slower_net_has_a_fifth_more_to_multiply(exported: dict[str, dict[str, Any]]) -> None:
    base, slower = (exported[name]["costs"] for name in ("base", "slower"))
    assert base["macs"] == 40_476_448
    # 768 more channels: 192 inputs each at 7 x 7 places, and 1000 classes.
    assert slower["macs"] - base["macs"] == 768 * (192 * 49 + 1000)
    assert base["uncounted"] == slower["uncounted"] == []


def test_base_and_again_are_one_net_to_the_bit(exported: dict[str, dict[str, Any]]) -> None:
    base, again = exported["base"], exported["again"]
    assert base["hash"] == again["hash"] != exported["slower"]["hash"]
    assert base["weights_sha256"] == again["weights_sha256"]
    assert (base["logits"] == again["logits"]).all()
    assert base["logits"].shape == exported["slower"]["logits"].shape == (1, 1000)
