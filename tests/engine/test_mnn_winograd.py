"""MNN on a net of many 3x3 convolutions, where its fastest FP32 is far from the reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import load_catalogue, parse_weights, resolve
from bench.environments.interpreters import Environments, worker_of
from bench.runners import RUNNERS
from tests.engine.converting import run

pytestmark = pytest.mark.engine

_CATALOGUE = """
[models.resnet18]
factory = "paddle.vision.models:resnet18"
input = [3, 224, 224]
"""
_DRIVER = """
import json, sys
from pathlib import Path
import numpy as np
from bench.core.cell import Cell
from bench.core.tensors import only, read_reference
from bench.runners.mnn import MnnRunner

main, reference = json.load(sys.stdin)
told = read_reference(Path(reference))
logits = only(told.outputs)
away = []
for value in ("small", "large"):
    cell = Cell(variant="v", model_hash="m", runner="mnn", batch=1, threads=1,
                settings=(("winograd", value),))
    with MnnRunner().open(cell, Path(main)) as session:
        got = only(session.infer(told.inputs))
    away.append(float(np.linalg.norm(got - logits) / np.linalg.norm(logits)))
Path(sys.argv[1]).write_text(json.dumps(away))
"""


def test_small_blocks_keep_a_deep_net_within_fp32s_tolerance(
    environments: Environments, paddle_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "catalog.toml").write_text(_CATALOGUE)
    net = resolve(load_catalogue(tmp_path), "resnet18", tmp_path, parse_weights("seeded"))
    key = Key("resnet18", "mnn", 1)
    artifact = Workshop(tmp_path / "cache", environments).make([net], [key], workers=1)[key]
    assert isinstance(artifact, Artifact), artifact
    python, env = worker_of(RUNNERS["mnn"], environments)
    files = [str(artifact.main), str(artifact.reference)]
    small, large = json.loads(run(python, _DRIVER, files, tmp_path / "mnn", env))
    assert small < RUNNERS["mnn"].tolerance / 10
    assert large > RUNNERS["mnn"].tolerance
