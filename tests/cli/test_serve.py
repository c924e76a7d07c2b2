"""`bench serve`, judged by Triton's client: health, metadata, inference, and how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton

from tests.cli.process import call, complaint
from tests.fakes.net import infer
from tests.fakes.serving import SHAPE, Served, row, served


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "models"
    folder.mkdir()
    (folder / "catalog.toml").write_text(
        f'[models.one]\nfactory = "fake:net"\ninput = {list(SHAPE)}\n'
    )
    return folder


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Served]:
    with served(models) as one:
        yield one


@pytest.fixture
def client(server: Served) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(server.address) as one:
        yield one


def test_triton_finds_server_and_model_ready_with_their_metadata(
    client: triton.InferenceServerClient,
) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("one")
    assert client.is_model_ready("one", "1")
    assert not client.is_model_ready("another")
    assert json.loads(client._get("v2/models", {}, {}).read()) == {"models": ["one"]}
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("one") == {
        "name": "one",
        "versions": ["1"],
        "platform": "paddle_paddle-pir",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, *SHAPE]}],
        "outputs": [{"name": "logits", "datatype": "FP32", "shape": [1, 10]}],
    }


def test_a_path_with_a_slash_too_many_is_no_path_and_sends_nobody_elsewhere(
    server: Served,
) -> None:
    with closing(HTTPConnection(server.address)) as connection:
        connection.request("POST", "/v2/models/one/infer/", b"{}", {"Host": "elsewhere.example"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (404, None)
        assert "there is no such path" in json.loads(answer.read())["error"]


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("returned", [True, False])
def test_triton_gets_the_nets_answer_as_binary_and_as_json(
    client: triton.InferenceServerClient, sent: bool, returned: bool
) -> None:
    x = np.random.default_rng(3).standard_normal((1, *SHAPE), dtype=np.float32)
    fed = triton.InferInput("x", list(x.shape), "FP32").set_data_from_numpy(x, binary_data=sent)
    wanted = triton.InferRequestedOutput("logits", binary_data=returned)
    answer = client.infer("one", [fed], outputs=[wanted], request_id="a 42")
    np.testing.assert_array_equal(answer.as_numpy("logits"), infer(x))
    assert answer.get_response()["id"] == "a 42"
    assert answer.get_response()["model_name"] == "one"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_server_and_its_engine(
    models: Path, number: signal.Signals, status: int
) -> None:
    with served(models) as server:
        with triton.InferenceServerClient(server.address) as client:
            fed = triton.InferInput("x", [1, *SHAPE], "FP32").set_data_from_numpy(row())
            client.infer("one", [fed])
            assert server.end(number) == status
        assert not Path(f"/proc/{server.engine_pid}").exists()
        assert "Traceback" not in server.log.read_text()


def test_what_cannot_be_served_is_one_sentence(models: Path, tmp_path: Path) -> None:
    shared = ("--models", str(models), "--cache", str(tmp_path))
    assert "serve takes one model" in complaint(call("serve", *shared))
    assert "there is no model or file 'nothing'" in complaint(call("serve", "nothing", *shared))
    assert "a server has one engine" in complaint(
        call("serve", "one", "--runner", "paddle,ncnn", *shared)
    )
    with served(models) as server:
        port = server.address.rpartition(":")[2]
        taken = complaint(call("serve", "one", "--port", port, *shared))
        assert f"nothing can be served at 127.0.0.1, port {port}: Address already in use" in taken
