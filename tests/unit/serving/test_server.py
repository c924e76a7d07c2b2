"""A connection that brings no request is ended; one with a request isn't."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from bench.serving.server import Protocol

WHOLE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer after longer than a connection may idle."""
    del scope, receive
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"done"})


async def answers(sent: bytes) -> bytes:
    """Return all that comes on a connection until the server ends it."""
    config = uvicorn.Config(app, timeout_keep_alive=0.1, log_config=None, lifespan="off")  # type: ignore[arg-type]
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 60)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


def test_a_connection_without_a_request_is_ended() -> None:
    assert asyncio.run(answers(b"")) == b""


def test_a_connection_whose_request_never_goes_on_is_ended() -> None:
    assert asyncio.run(answers(WHOLE[:-4])) == b""


def test_a_request_that_takes_long_is_answered() -> None:
    assert b"done" in asyncio.run(answers(WHOLE))
