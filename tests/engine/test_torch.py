"""PyTorch's runner: every operator against ONNX Runtime, and what it says of itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments, worker_of
from bench.runners import RUNNERS
from bench.runners.torch.operators import BINDERS
from tests.engine.converting import ROOT, run
from tests.engine.torch_cases import CASES, REFUSED

pytestmark = pytest.mark.engine

_DRIVER = """
import json, sys
from pathlib import Path
import numpy as np
from bench.core.cell import Cell
from bench.core.errors import BenchError
from bench.runners.torch.runner import TorchRunner

folder, mode = json.load(sys.stdin)
cell = Cell(
    variant="v", model_hash="m", runner="torch", batch=1, threads=2, settings=(("mode", mode),)
)
found = {}
for case in sorted(Path(folder).iterdir()):
    expected = np.load(case / "expected.npz")
    try:
        with TorchRunner().open(cell, case / "graph.json") as session:
            y = session.infer({"x": expected["x"]})["y"]
            samples = session.sample(3)
            facts = dict(session.facts)
    except BenchError as error:
        found[case.name] = str(error)
        continue
    away = float("inf")
    if (y.shape, y.dtype) == (expected["y"].shape, expected["y"].dtype):
        away = float(np.linalg.norm(y - expected["y"]) / np.linalg.norm(expected["y"]))
    found[case.name] = [away, len(samples), facts]
Path(sys.argv[1]).write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases, written by ONNX's own library."""
    try:
        python = environments.get("engines").python
    except Unavailable as error:
        pytest.skip(f"environment engines: {error}")
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run(
        [python, ROOT / "tests/engine/torch_cases.py", folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    return folder


def answers(environments: Environments, folder: Path, scratch: Path, mode: str) -> dict[str, Any]:
    try:
        python, variables = worker_of(RUNNERS["torch"], environments, threads=2)
    except Unavailable as error:
        pytest.skip(f"environment torch: {error}")
    found: dict[str, Any] = json.loads(
        run(python, _DRIVER, [str(folder), mode], scratch / mode, variables)
    )
    return found


@pytest.fixture(scope="module")
def eager(
    environments: Environments, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    return answers(environments, folder, tmp_path_factory.mktemp("answers"), "eager")


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_onnx_runtime_computes(name: str, eager: dict[str, Any]) -> None:
    away, samples, _ = eager[name]
    assert away < 1e-6
    assert samples == 3


@pytest.mark.parametrize("what", REFUSED)
def test_what_pytorch_computes_otherwise_is_refused(what: str, eager: dict[str, Any]) -> None:
    assert what in eager[what]
    assert "measure it with another runner" in eager[what]


def test_a_session_says_what_is_effective(eager: dict[str, Any]) -> None:
    facts = eager["conv"][2]
    assert re.match(r"torch \d", facts["engine"])
    assert facts["threads"] == "2"
    assert (facts["precision"], facts["device"], facts["mode"]) == ("fp32", "cpu", "eager")


def test_a_mode_that_this_pytorch_has_not_says_so_or_computes_the_same(
    environments: Environments, folder: Path, tmp_path: Path
) -> None:
    answer = answers(environments, folder, tmp_path, "inductor")["gemm"]
    if isinstance(answer, str):
        assert "has no torch.compile" in answer
    else:
        assert answer[0] < 1e-5


def test_every_operator_has_a_case_or_is_one_of_its_kind() -> None:
    tried = {op for op, *_ in CASES.values()}
    untried = {
        "And", "Cast", "Ceil", "Cos", "Dropout", "Equal", "Gelu", "Greater", "Identity", "Less",
        "Log", "Not", "Or", "Reciprocal", "Sin", "Split", "Sqrt", "Where",
    }  # fmt: skip
    assert BINDERS.keys() - tried == untried
