"""Nets by their ONNX files behind `bench serve` on ONNX Runtime, judged by Triton's client."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from tests.cli.process import call, complaint
from tests.fakes.serving import started

pytestmark = pytest.mark.engine

WRITER = Path(__file__).with_name("own_onnx.py")
TOKENS = ("--input", "ids=Nx16:int64:0..99", "--input", "mask=Nx16:float32:0..1")


@pytest.fixture(scope="module")
def nets(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nets")
    try:
        python = environments.get("engines").python
    except Unavailable as error:
        pytest.skip(f"environment engines: {error}")
    subprocess.run([str(python), str(WRITER), str(folder)], check=True)
    return folder


def asked(address: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return both outputs of the net of tokens."""
    with triton.InferenceServerClient(address) as client:
        fed = []
        for name, array in inputs.items():
            kind = {"int64": "INT64", "float32": "FP32"}[array.dtype.name]
            fed.append(triton.InferInput(name, list(array.shape), kind).set_data_from_numpy(array))
        answer = client.infer("tokens", fed)
        return {name: answer.as_numpy(name) for name in ("hidden", "pooled")}


def test_two_inputs_and_two_outputs_in_batches_of_many_requests(nets: Path) -> None:
    rng = np.random.default_rng(3)
    requests = [
        {
            "ids": rng.integers(0, 100, (rows, 16)),
            "mask": rng.uniform(size=(rows, 16)).astype(np.float32),
        }
        for rows in (1, 2, 1, 3, 1, 4, 1, 1)
    ]
    words = (str(nets / "tokens.onnx"), "--max-batch", "4", "--max-delay-ms", "20", *TOKENS)
    with started("bench", words, nets / "log") as server:
        alone = [asked(server.address, it) for it in requests]
        with ThreadPoolExecutor(len(requests)) as pool:
            together = list(pool.map(lambda it: asked(server.address, it), requests * 4))
        assert server.end() == 0
    for at, answer in enumerate(together):
        for name, array in alone[at % len(requests)].items():
            np.testing.assert_allclose(answer[name], array, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(answer["pooled"], answer["hidden"].mean(axis=1), atol=1e-5)


def test_a_net_that_is_fixed_to_a_batch_shares_no_inference(nets: Path) -> None:
    done = call("serve", nets / "fixed.onnx", "--max-batch", "4", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    *_, refused = done.stderr.splitlines()
    assert "is fixed to batch 1: ask for --batch 1" in refused
    both = complaint(
        call("serve", nets / "fixed.onnx", "--max-batch", "4", "--batch", "1", "--port", "0")
    )
    assert "leave out one of them" in both
    with (
        started("bench", (str(nets / "fixed.onnx"), "--batch", "1"), nets / "log") as server,
        triton.InferenceServerClient(server.address) as client,
    ):
        (described,) = client.get_model_metadata("fixed")["inputs"]
        assert described["shape"] == [1, 3, 8, 8]
