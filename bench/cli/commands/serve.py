"""`bench serve`: a net behind KServe's v2 protocol, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.core.errors import Unavailable
from bench.core.output import say, show
from bench.core.program import install_hint
from bench.core.threads import pool_of
from bench.experiments.context import Options, Tables
from bench.serving.preparing import ServeOptions, prepared

if TYPE_CHECKING:
    from bench.serving.app import Service

_NEEDS = ("starlette", "uvicorn")
_LOCAL = ("127.0.0.1", "::1")


def run(options: Options, tables: Tables) -> int:
    """Serve one net until a signal comes. Returns 0 where that is SIGTERM, 130 where it is Ctrl-C.

    Raises InputError, Unavailable, and BenchError where the engine can't be opened.
    """
    if not all(map(importlib.util.find_spec, _NEEDS)):
        raise Unavailable(
            "serving takes Starlette and uvicorn, which aren't installed",
            hint=install_hint("serving"),
        )
    from bench.serving.app import Service
    from bench.serving.batching import Batcher, Limits
    from bench.serving.metrics import Metrics
    from bench.serving.server import bound, serve, url_of

    own = options.of(ServeOptions)
    limits = Limits(
        requests=own.most_requests, timeout_s=own.timeout_s, delay_s=own.max_delay_ms / 1000
    )
    with (
        bound(own.host, own.port) as socket,
        prepared(options, tables) as engine,
        pool_of(1) as thread,
    ):
        thread.submit(engine.start).result()
        batcher = Batcher(engine=engine, limits=limits, thread=thread, metrics=Metrics())
        service = Service(engine.net, batcher)
        ended_by = serve(service, socket, lambda: _announce(url_of(socket), service, options))
        thread.submit(engine.close).result()
    return 130 if ended_by == signal.SIGINT else 0


def _announce(url: str, service: Service, options: Options) -> None:
    """Say where the net is served, as JSON on stdout where that is asked for."""
    net, engine = service.net, service.batcher.engine
    if options.as_json:
        values = {"url": url, "model": net.name, "pid": os.getpid(), "engine_pid": engine.pid}
        show(json.dumps(values) + "\n")
        sys.stdout.flush()
    name = engine.facts.get("engine", net.platform)
    say(f"bench: {net.name} is served by {name} at {url}; Ctrl-C ends it")
    if urlsplit(url).hostname not in _LOCAL:
        say("bench: whoever reaches that address can use it: there is no key and no encryption")
