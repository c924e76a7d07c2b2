"""Serve until a signal comes, then answer what is in flight and end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from bench.core.errors import InputError
from bench.serving.app import Service

_BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """Return a socket at `host` and `port`, 0: any that is free. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol left to the system, asyncio wouldn't set TCP_NODELAY: 40 ms an answer.
    own = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind((host, port))
    except (OSError, OverflowError) as error:
        own.close()
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"nothing can be served at {host}, port {port}: {why}",
            hint="choose another one with --port, 0 for any that is free",
        ) from None
    return own


def url_of(own: socket.socket) -> str:
    """Return where clients find the server of a socket."""
    host, port = own.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server, which drains at the first signal and ends at once at the second."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service
        self.ended_by: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, or end where that has begun; uvicorn calls it at a signal."""
        del frame
        if self.ended_by is not None:
            self.should_exit = self.force_exit = True
            return
        self.ended_by = sig
        self.service.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to end: uvicorn asks ten times a second."""
        if self.service.draining and not self.service.in_flight:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(service: Service, own: socket.socket, started: Callable[[], None]) -> int | None:
    """Serve on the socket `own` until a signal ends it; return that signal.

    `started` is called once requests are answered. Raises what the task of the engine fell over.
    """
    config = uvicorn.Config(
        service.app(), log_config=None, access_log=False, lifespan="off", ws="none", http="h11",
        loop="asyncio", backlog=_BACKLOG, timeout_keep_alive=75, server_header=False,
    )  # fmt: skip
    server = _Server(config, service)

    async def run() -> None:
        batches = asyncio.create_task(service.batcher.run())
        batches.add_done_callback(lambda _: setattr(server, "should_exit", True))
        own.listen(_BACKLOG)
        started()
        await server.serve([own])
        batches.cancel()
        with suppress(asyncio.CancelledError):
            await batches

    asyncio.run(run())
    return server.ended_by
