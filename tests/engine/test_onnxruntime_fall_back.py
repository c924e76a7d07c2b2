"""What ONNX Runtime does for real where CUDA is asked for and can't be had."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.core.paths import import_root
from bench.environments.interpreters import Environments

pytestmark = pytest.mark.engine

_OPEN = """
import json, sys
from pathlib import Path
from onnx import TensorProto, helper
import onnx
from bench.core.cell import Cell
from bench.core.errors import BenchError
from bench.runners.onnxruntime_gpu import OnnxRuntimeCudaRunner

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
net = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
path = Path(sys.argv[1])
onnx.save(net, path)
cell = Cell(variant="v", model_hash="m", runner="onnxruntime-cuda", batch=1, threads=1)
try:
    with OnnxRuntimeCudaRunner().open(cell, path):
        print(json.dumps("opened"))
except BenchError as error:
    print(json.dumps([error.kind, error.problem]))
"""


def test_a_build_without_cuda_that_is_asked_for_it_is_not_measured_on_the_cpu(
    environments: Environments, tmp_path: Path
) -> None:
    done = subprocess.run(
        [environments.get("engines").python, "-c", _OPEN, tmp_path / "net.onnx"],
        env={"PYTHONPATH": str(import_root())}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kind, problem = json.loads(done.stdout)
    assert kind == "not-offloaded"
    assert problem == (
        "ONNX Runtime fell back to the CPU: the session's providers are CPUExecutionProvider, and "
        "CUDAExecutionProvider isn't among them"
    )
