"""Nets of all shapes on every engine of this machine's CPU: the outputs are Paddle's."""

from __future__ import annotations

import json

import pytest

from bench.artifacts.builder import Artifact, Key, Made, Workshop
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.config.project import default_cache
from bench.core.errors import ArtifactError, Unavailable
from bench.environments.interpreters import Environments, worker_of
from bench.runners import RUNNERS as TABLE
from scripts.any_net import OWN, RUNNERS, write_folder
from tests.engine.converting import run

pytestmark = pytest.mark.engine

Answers = dict[tuple[str, str], tuple[float | str, dict[str, str]]]
PAIRS = [(net, runner) for net in OWN for runner in RUNNERS]

_DRIVER = """
import json, sys
from pathlib import Path
from bench.core.cell import Cell
from bench.core.errors import BenchError
from bench.core.tensors import read_reference
from bench.worker.outputs import check_outputs
from bench.worker.serve import load

told = []
for runner, main, reference in json.load(sys.stdin):
    wanted = read_reference(Path(reference))
    cell = Cell(variant="v", model_hash="m", runner=runner[0], batch=1, threads=1)
    try:
        with load(runner[1])().open(cell, Path(main)) as session:
            outputs = session.infer(wanted.inputs)
            session.sample(2)
            told.append([check_outputs(outputs, wanted.outputs, 1.0), dict(session.facts)])
    except BenchError as error:
        told.append([str(error), {}])
Path(sys.argv[1]).write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def made(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The artifacts that the pairs need, in the user's cache; skips without an interpreter."""
    folder = tmp_path_factory.mktemp("models")
    write_folder(folder, OWN)
    catalogue = load_catalogue(folder)
    models = [resolve(catalogue, name, folder, Weights()) for name in OWN]
    keys = [Key(name, TABLE[runner].artifact, 1) for name in OWN for runner in RUNNERS]
    found = Workshop(default_cache(), environments).make(models, keys, workers=2)
    for it in found.values():
        if isinstance(it, Unavailable):
            pytest.skip(f"an artifact can't be made here: {it}")
    return found


@pytest.fixture(scope="module")
def answers(
    made: Made, environments: Environments, tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    """How far each pair's outputs are from the reference, or what went wrong, and its facts."""
    found: Answers = {}
    for runner in RUNNERS:
        entry, nets = TABLE[runner], [net for net, it in PAIRS if it == runner]
        artifacts = [made[Key(net, entry.artifact, 1)] for net in nets]
        files = [
            [[runner, entry.path], str(it.main), str(it.reference)] if isinstance(it, Artifact)
            else pytest.fail(f"{runner}: {it}")
            for it in artifacts
        ]  # fmt: skip
        python, variables = worker_of(entry, environments)
        scratch = tmp_path_factory.mktemp("inferring") / runner
        told = json.loads(run(python, _DRIVER, files, scratch, variables))
        found |= {(net, runner): (it[0], it[1]) for net, it in zip(nets, told, strict=True)}
    return found


@pytest.mark.parametrize(("net", "runner"), PAIRS)
def test_an_engine_gives_the_outputs_of_a_net_whatever_goes_in_and_comes_out(
    net: str, runner: str, answers: Answers
) -> None:
    away, _ = answers[net, runner]
    assert isinstance(away, float), away
    assert away < (1e-3 if net == "encoder" else 1e-4)


def test_a_loop_runs_in_mnns_modules_and_that_is_told(answers: Answers) -> None:
    assert answers["lstm", "mnn"][1]["api"] == "module"
    assert "api" not in answers["views", "mnn"][1]


def test_a_net_that_paddles_older_format_cannot_hold_goes_to_onnx_by_the_newer(made: Made) -> None:
    assert isinstance(made[Key("encoder", "paddle-program", 1)], ArtifactError)
    assert isinstance(made[Key("encoder", "onnx", 1)], Artifact)
