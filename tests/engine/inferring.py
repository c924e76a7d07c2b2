"""Nets made into what an engine loads, and run once by its runner in a child."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import Weights, load_catalogue, resolve, select
from bench.config.project import default_cache
from bench.core.errors import ArtifactError, Unavailable
from bench.environments.interpreters import Environments, worker_of
from bench.runners import RUNNERS
from tests.engine.converting import ROOT, run

MODELS = ROOT / "models"
# Those that every suite measures. Of the others the sessions of suite mobile check each output.
VARIANTS = tuple(select(load_catalogue(MODELS), []))

_DRIVER = """
import json, sys
from pathlib import Path
import numpy as np
from bench.core.cell import Cell
from bench.core.tensors import only, read_reference
from bench.worker.serve import load

request, distances = json.load(sys.stdin), []
for runner, batch, main, reference in request:
    told = read_reference(Path(reference))
    logits = only(told.outputs)
    cell = Cell(variant="v", model_hash="m", runner=runner[0], batch=batch, threads=1)
    with load(runner[1])().open(cell, Path(main)) as session:
        got = np.asarray(only(session.infer(told.inputs)), dtype=np.float64)
    assert got.shape == logits.shape == (batch, 1000), got.shape
    distances.append(float(np.linalg.norm(got - logits) / np.linalg.norm(logits)))
Path(sys.argv[1]).write_text(json.dumps(distances))
"""


def made(keys: Iterable[Key], environments: Environments) -> dict[Key, Artifact]:
    """Return the artifacts, made in the user's cache; skips where an interpreter can't be had."""
    wanted = list(keys)
    catalogue, names = load_catalogue(MODELS), dict.fromkeys(key.variant for key in wanted)
    models = [resolve(catalogue, name, MODELS, Weights()) for name in names]
    found = Workshop(default_cache(), environments).make(models, wanted, workers=2)
    for it in (found[key] for key in wanted):
        if isinstance(it, Unavailable):
            pytest.skip(f"an artifact can't be made here: {it}")
        if isinstance(it, ArtifactError):
            pytest.fail(f"{it}\n{it.log_tail}")
    return {key: it for key, it in found.items() if key in wanted and isinstance(it, Artifact)}


def distances(
    runner: str, keys: Iterable[Key], environments: Environments, scratch: Path
) -> dict[Key, float]:
    """Return how far `runner`'s output is from the reference (relative L2), by artifact."""
    entry, artifacts = RUNNERS[runner], made(keys, environments)
    request = [
        ((runner, entry.path), key.batch, str(it.main), str(it.reference))
        for key, it in artifacts.items()
    ]
    python, env = worker_of(entry, environments)
    told: list[float] = json.loads(run(python, _DRIVER, request, scratch / runner, env))
    return dict(zip(artifacts, told, strict=True))
