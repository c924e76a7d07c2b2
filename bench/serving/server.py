"""Serve until a signal comes, then answer what is in flight and end."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bench.core.errors import InputError
from bench.core.output import say
from bench.serving.app import Service

_BACKLOG = 512
_DRAINS_S = 0.3  # at least: a request may be on its way
_IDLE_S = 75  # that a connection may be without a request
_TRIMS_EACH = 10  # ticks, which is a second


class Protocol(H11Protocol):
    """uvicorn's protocol, which also ends a connection that begins a request and never goes on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look whether a request comes."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._look()

    def on_response_complete(self) -> None:
        """Note that there is no request from now on."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.loop.time() - self._idle_since >= self.timeout_keep_alive:
            self.transport.abort()
        self._next_look = self.loop.call_later(self.timeout_keep_alive, self._look)


def bound(host: str, port: int) -> socket.socket:
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
        self._drains_until = 0.0
        self._trimmed_after = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, or end where that has begun; uvicorn calls it at a signal."""
        del frame
        if self.ended_by is not None:
            self.should_exit = self.force_exit = True
            return
        self.ended_by = sig
        self.service.draining = True
        say("bench: no more requests are taken; those that are here are answered first")
        self._drains_until = time.monotonic() + _DRAINS_S

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to end; uvicorn asks ten times a second.

        No new connection is taken while it drains; a request on an old one gets its 503.
        """
        if self.ended_by is not None:
            for listener in self.servers:
                listener.close()
            if not self.service.in_flight and time.monotonic() > self._drains_until:
                self.should_exit = True
        elif counter % _TRIMS_EACH == 0:
            self._trim()
        return await super().on_tick(counter)

    def _trim(self) -> None:
        """Give back what bursts of requests took: the allocator keeps it for others like them."""
        if self.service.requests != self._trimmed_after and not self.service.in_flight:
            self._trimmed_after = self.service.requests
            gc.collect()  # a connection and its request hold each other
            with suppress(AttributeError):  # another C library than glibc
                ctypes.CDLL(None).malloc_trim(0)


def serve(service: Service, own: socket.socket, started: Callable[[], None]) -> int | None:
    """Serve on the socket `own` until a signal ends it; return that signal.

    A client that reads no answer is waited for as long as one request may take. `started` is called
    once requests are answered. Raises what the task of the engine fell over.
    """
    config = uvicorn.Config(
        service.app(), log_config=None, access_log=False, lifespan="off", ws="none", http=Protocol,
        loop="asyncio", backlog=_BACKLOG, timeout_keep_alive=_IDLE_S, server_header=False,
        timeout_graceful_shutdown=math.ceil(service.batcher.limits.timeout_s),
    )  # fmt: skip
    server = _Server(config, service)

    async def run() -> None:
        batches = asyncio.create_task(service.batcher.run())
        batches.add_done_callback(lambda _: setattr(server, "should_exit", True))
        own.listen(_BACKLOG)
        gc.freeze()  # what is here stays: no collection need look at it
        started()
        await server.serve([own])
        batches.cancel()
        with suppress(asyncio.CancelledError):
            await batches

    asyncio.run(run())
    return server.ended_by
