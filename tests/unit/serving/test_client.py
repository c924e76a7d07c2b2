"""A connection to a server: kept, opened again, and what goes wrong named by its kind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from bench.core.errors import InputError
from bench.serving.client import Connection, describe, parse_url
from bench.serving.messages import RequestFailed, encode
from tests.fakes.v2_server import MODEL, WIDTH, Behaviour, answer, v2_server

X = np.ones((1, WIDTH), np.float32)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(delay_s=0)


@pytest.fixture
def connection(behaviour: Behaviour) -> Iterator[Connection]:
    with v2_server(behaviour) as url, closing(Connection(parse_url(url), 5.0)) as one:
        yield one


def infer(connection: Connection) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    served = describe(connection, MODEL)
    return connection.infer(served.path, encode({"x": X}, ["y"], binary=served.binary))["y"]


@pytest.mark.parametrize("binary", [True, False])
def test_an_answer_comes_in_either_form(
    binary: bool, behaviour: Behaviour, connection: Connection
) -> None:
    behaviour.binary = binary
    np.testing.assert_allclose(infer(connection), answer(X), rtol=1e-6)


def test_what_the_server_closed_is_opened_again_once(connection: Connection) -> None:
    infer(connection)
    assert connection._http is not None
    assert connection._http.sock is not None
    connection._http.sock.shutdown(socket.SHUT_RDWR)
    infer(connection)
    assert connection.reopened == 1


def test_a_server_that_always_drops_is_a_failure(
    behaviour: Behaviour, connection: Connection
) -> None:
    behaviour.drop = True
    with pytest.raises(RequestFailed) as failed:
        infer(connection)
    assert failed.value.kind == "connection"


def test_a_refusal_has_its_status_and_the_server_s_words(
    behaviour: Behaviour, connection: Connection
) -> None:
    behaviour.refuse_every = 1
    with pytest.raises(RequestFailed, match="the queue is full") as failed:
        infer(connection)
    assert failed.value.kind == "status 503"


def test_no_answer_in_time_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RequestFailed, match=r"within 0\.2 s") as failed:
            Connection(parse_url(url), 0.2).get("/v2")
    assert failed.value.kind == "time-out"


def test_what_is_no_http_is_a_failure_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def answer_oddly() -> None:
            with odd.accept()[0] as one:
                one.recv(1000)
                one.sendall(b"220 ready for mail\r\n")

        thread = threading.Thread(target=answer_oddly)
        thread.start()
        with pytest.raises(RequestFailed):
            Connection(parse_url(f"http://127.0.0.1:{odd.getsockname()[1]}"), 5.0).get("/v2")
        thread.join()


def test_a_model_that_isn_t_there_is_named(connection: Connection) -> None:
    with pytest.raises(InputError, match="no model 'other'"):
        describe(connection, "other")


@pytest.mark.parametrize("how", [{"lists": True}, {"index": (MODEL,)}])
def test_the_only_model_of_a_server_that_lists_its_models_is_meant(
    how: dict[str, Any], behaviour: Behaviour, connection: Connection
) -> None:
    for name, value in how.items():
        setattr(behaviour, name, value)
    assert describe(connection, None).model == MODEL


def test_of_several_models_one_must_be_named(behaviour: Behaviour, connection: Connection) -> None:
    behaviour.index = ("one", "other")
    with pytest.raises(InputError, match="it has one, other"):
        describe(connection, None)


def test_a_model_must_be_named_where_the_server_lists_none(connection: Connection) -> None:
    with pytest.raises(InputError, match="which model") as error:
        describe(connection, None)
    assert "--model" in error.value.hint


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://localhost/v2/models/x", "http://localhost:80"),
        ("https://a.example/some/v2", "https://a.example:443/some"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_address_is_read(url: str, shown: str) -> None:
    assert parse_url(url).url == shown


@pytest.mark.parametrize(
    "url", ["", "8000", "localhost:8000", "ftp://a", "http://", "http://a:x", "http://u:p@a",
            "http://a?b=c", "http://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="http"):
        parse_url(url)
