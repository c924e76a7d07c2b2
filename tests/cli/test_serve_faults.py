"""`bench serve` under clients and engines that misbehave: it lives, and answers rightly after."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.abuse import (
    Answer,
    Target,
    at_once,
    drop,
    in_binary,
    in_json,
    malformed,
    read,
    rss_kib,
    send,
)
from tests.fakes.net import infer
from tests.fakes.serving import CRASH, HANG, LONG, NAN, ONCE, SHAPE, WORK, Served, row, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "models"
    folder.mkdir()
    (folder / "catalog.toml").write_text(
        f'[models.one]\nfactory = "fake:net"\ninput = {list(SHAPE)}\n'
    )
    return folder


@pytest.fixture
def server(models: Path) -> Iterator[Served]:
    with served(models, "--max-batch", "4", "--max-requests", "8", "--timeout-s", "60") as one:
        yield one


def target_of(server: Served) -> Target:
    return Target(address=server.address, model="one", input="x", shape=(1, *SHAPE))


def asks(server: Served, first: float = 0.0, value: float = 0.5) -> Answer:
    return send(server.address, in_json(target_of(server), row(first, value)))


def right(answer: Answer, first: float = 0.0, value: float = 0.5) -> bool:
    wanted = infer(row(first, value)).ravel()
    return answer.status == 200 and np.allclose(answer.outputs, wanted, rtol=1e-6)


def metrics(server: Served) -> dict[str, float]:
    text = send(server.address, b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").body.decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never holds")


def test_a_request_that_no_engine_survives_takes_no_other_ones_answer(server: Served) -> None:
    target = target_of(server)
    values = [0.1 * at for at in range(6)]
    raws = [in_json(target, row(value=value)) for value in values]
    poison, *others = at_once([in_json(target, row(CRASH)), *raws], server.address)
    assert poison.status == 500
    assert "the engine fell over it: the child died of SIGSEGV" in poison.error
    assert [right(it, value=value) for it, value in zip(others, values, strict=True)] == [True] * 6
    assert metrics(server)["bench_engine_restarts_total"] == 2
    assert server.process.poll() is None
    assert "the engine fell, and is started again" in server.log.read_text()


def test_a_request_over_which_the_engine_falls_once_is_answered(server: Served) -> None:
    assert right(asks(server, ONCE), ONCE)
    assert metrics(server)["bench_engine_restarts_total"] == 1


def test_an_engine_that_is_killed_while_it_idles_is_started_again(server: Served) -> None:
    os.kill(server.engine_pid, signal.SIGKILL)
    assert right(asks(server))
    assert metrics(server)["bench_engine_restarts_total"] == 1


def test_an_engine_that_hangs_is_started_again(models: Path) -> None:
    with served(models, "--timeout-s", "1") as server:
        assert asks(server, HANG).status == 504
        until(lambda: metrics(server)["bench_engine_restarts_total"] > 0)
        until(lambda: metrics(server)["bench_ready"] == 1)
        assert right(asks(server))


def test_beyond_its_requests_a_server_says_503_and_answers_the_others(server: Served) -> None:
    answers = at_once([in_json(target_of(server), row(WORK))] * 24, server.address)
    statuses = Counter(it.status for it in answers)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 8
    assert all(right(it, WORK) for it in answers if it.status == 200)
    refused = next(it for it in answers if it.status == 503)
    assert "8 requests are here" in refused.error
    assert int(refused.headers["retry-after"]) >= 1
    counted = metrics(server)
    assert counted['bench_requests_total{status="200"}'] == statuses[200]
    assert counted['bench_requests_total{status="503"}'] == statuses[503]
    assert right(asks(server))


def test_sigterm_loses_no_request_that_is_in(server: Served) -> None:
    raw = in_json(target_of(server), row(WORK))
    host, _, port = server.address.rpartition(":")
    with (
        ThreadPoolExecutor(8) as pool,
        socket.create_connection((host, int(port))) as idle,
    ):
        pending = [pool.submit(send, server.address, raw) for _ in range(8)]
        until(lambda: metrics(server)["bench_queue_requests"] >= 4)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "no more requests are taken" in server.log.read_text())
        idle.sendall(raw)
        late = read(idle)
        answers = [it.result() for it in pending]
    # What hadn't come yet when the signal did is refused, as `late` is.
    refused = [it for it in answers if it.status == 503 and "shutting down" in it.error]
    assert [right(it, WORK) for it in answers if it not in refused] == [True] * (8 - len(refused))
    assert len(refused) <= 4
    assert late.status == 503
    assert "shutting down" in late.error
    assert late.headers["connection"] == "close"
    assert server.process.wait(30) == 0
    assert not Path(f"/proc/{server.engine_pid}").exists()


def test_sigterm_ends_though_a_client_reads_no_answer(models: Path) -> None:
    with served(models, "--timeout-s", "1") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = server.address.rpartition(":")
        client.connect((host, int(port)))
        client.settimeout(2)
        with suppress(TimeoutError):
            while True:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        assert server.end(within_s=15) == 0
        assert not Path(f"/proc/{server.engine_pid}").exists()


def test_a_request_whose_client_has_gone_is_not_inferred(server: Served) -> None:
    target = target_of(server)
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(asks, server, LONG)
        until(lambda: metrics(server)["bench_requests_in_flight"] == 1)
        drop(target, 5, row())
        until(lambda: metrics(server).get('bench_requests_total{status="499"}', 0) == 5)
        assert right(long.result(), LONG)
    assert metrics(server)["bench_rows_total"] == 1


def test_an_output_that_json_cannot_hold_is_refused_and_binary_has_it(server: Served) -> None:
    refused = asks(server, NAN)
    assert (refused.status, "ask for binary_data" in refused.error) == (422, True)
    binary = in_json(target_of(server), row(NAN), parameters={"binary_data_output": True})
    answer = send(server.address, binary)
    length = int(answer.headers["inference-header-content-length"])
    assert np.isnan(np.frombuffer(answer.body[length:], np.float32)).all()


def test_the_server_outlives_malformed_requests_overload_and_dropped_connections(
    server: Served,
) -> None:
    target = target_of(server)
    pids = (server.process.pid, server.engine_pid)

    def abuse(seed: int) -> None:
        for raw in malformed(target, 200, seed):
            answer = send(target.address, raw)
            assert answer.status == 0 or 400 <= answer.status < 500, (answer, raw[:200])
            if answer.headers.get("content-type") == "application/json":
                assert answer.error
        drop(target, 50, row(WORK), seed)
        assert {it.status for it in at_once([in_binary(target, row())] * 16, target.address)} <= {
            200,
            503,
        }
        until(lambda: metrics(server)["bench_queue_requests"] == 0)

    abuse(0)
    most = [1.05 * rss_kib(pid) for pid in pids]
    abuse(1)
    until(lambda: all(rss_kib(pid) <= limit for pid, limit in zip(pids, most, strict=True)))
    assert right(asks(server))
    assert metrics(server)["bench_engine_restarts_total"] == 0
    assert "Traceback" not in server.log.read_text()


def test_rows_of_many_requests_share_an_inference_and_a_request_may_bring_several(
    server: Served,
) -> None:
    target = target_of(server)
    rng = np.random.default_rng(1)
    xs = [rng.standard_normal((count, *SHAPE), dtype=np.float32) for count in (1, 3, 4, 2, 1, 1)]
    hold = in_json(target, row(WORK))
    answers = at_once([hold, *(in_binary(target, x) for x in xs)], server.address)[1:]
    for x, answer in zip(xs, answers, strict=True):
        np.testing.assert_allclose(answer.outputs, infer(x).ravel(), rtol=1e-6)
    counted = metrics(server)
    assert counted["bench_rows_total"] == 13
    assert sum(v for name, v in counted.items() if name.startswith("bench_inferences_total")) < 13
    refused = send(server.address, in_binary(target, np.zeros((5, *SHAPE), np.float32)))
    assert refused.status == 400
    assert (
        "takes a shape of [-1, 3, 8, 8], the first of them 1 to 4"
        in json.loads(refused.body)["error"]
    )
