"""PyTorch's runner for a GPU on the real PyTorch: its module torch.cuda alone is a stand-in."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments, worker_of
from bench.runners import RUNNERS
from tests.engine.converting import ROOT, run

pytestmark = pytest.mark.engine

_DRIVER = """
import json, sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import torch
from bench.core.cell import Cell, TargetSpec
from bench.core.errors import BenchError
from bench.runners.torch import cuda

folder, mode, device, partly = json.load(sys.stdin)
calls = []
stream = SimpleNamespace(wait_stream=lambda other: None)
if device:
    cuda._DEVICE = device
    torch.cuda = SimpleNamespace(
        is_available=lambda: True, synchronize=lambda: calls.append("wait"),
        Stream=lambda: stream, current_stream=lambda: stream, stream=lambda it: nullcontext(),
        CUDAGraph=lambda: SimpleNamespace(replay=lambda: calls.append("replay")),
        graph=lambda it: nullcontext(),
    )
if partly:
    cuda.Graph = lambda torch, path, device: real(torch, path, "meta")
    from bench.runners.torch.runner import Graph as real
cell = Cell(
    variant="v", model_hash="m", runner="torch-cuda", batch=1, threads=1, settings=(("mode", mode),)
)
case = Path(folder) / "conv"
expected = np.load(case / "expected.npz")
try:
    with cuda.TorchCudaRunner().open(cell, case / "graph.json") as session:
        y = session.infer({"x": expected["x"]})["y"]
        samples, figures = session.sample(3), session.figures(2)
        away = float(np.linalg.norm(y - expected["y"]) / np.linalg.norm(expected["y"]))
        found = {"away": away, "samples": len(samples), "facts": session.facts,
                 "figures": {name: len(it) for name, it in figures.items()}, "calls": calls}
except BenchError as error:
    found = {"refused": str(error), "kind": type(error).__name__}
Path(sys.argv[1]).write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases of the operators, written by ONNX's own library."""
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


def answer(
    environments: Environments, folder: Path, scratch: Path, mode: str,
    device: str = "cpu", *, partly: bool = False,
) -> dict[str, Any]:  # fmt: skip
    try:
        python, variables = worker_of(RUNNERS["torch-cuda"], environments)
    except Unavailable as error:
        pytest.skip(f"environment torch: {error}")
    said = run(python, _DRIVER, [str(folder), mode, device, partly], scratch, variables)
    found: dict[str, Any] = json.loads(said)
    return found


@pytest.mark.parametrize("mode", ["eager", "cuda_graph"])
def test_a_net_is_computed_and_the_facts_say_what_is_effective(
    mode: str, environments: Environments, folder: Path, tmp_path: Path
) -> None:
    found = answer(environments, folder, tmp_path / "a", mode)
    assert found["away"] < 1e-6
    assert (found["samples"], found["figures"]) == (3, {"on_device": 2, "enqueue": 2})
    facts = found["facts"]
    assert (facts["mode"], facts["tf32"], facts["precision"]) == (mode, "off", "fp32")
    assert facts["device"] == "cpu"
    # One check of the outputs' place, the answer, three samples and two figures.
    assert found["calls"].count("replay") == (7 if mode == "cuda_graph" else 0)
    assert found["calls"].count("wait") == 3


def test_a_pytorch_without_a_gpu_is_not_measured_on_the_cpu(
    environments: Environments, folder: Path, tmp_path: Path
) -> None:
    found = answer(environments, folder, tmp_path / "a", "eager", "")
    assert found["kind"] == "Unavailable"
    assert "sees no GPU: it is built " in found["refused"]


def test_a_weight_that_is_not_on_the_gpu_is_no_figure(
    environments: Environments, folder: Path, tmp_path: Path
) -> None:
    found = answer(environments, folder, tmp_path / "a", "eager", partly=True)
    assert found["kind"] == "NotOffloaded"
    assert "on meta, not on the GPU" in found["refused"]
