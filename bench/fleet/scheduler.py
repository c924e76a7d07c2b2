"""The scheduler: it stays, knows the workers and their targets, and hands out the jobs."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.core.errors import Unavailable
from bench.fleet.security import serving
from bench.fleet.settings import loaded
from bench.fleet.signals import until_signal

PORT = 8786
DASHBOARD_LINK = "bench-dashboard"
"""What the scheduler keeps the address of its dashboard under."""

DASHBOARD, _ANY = "127.0.0.1:8787", "127.0.0.1:0"


def serve(
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    certificates: Path | None = None,
    dashboard: bool = False,
) -> None:
    """Serve on `host` and `port` until a signal ends this process; `ready` is told the address.

    `dashboard`: Dask's own is served too, on the loopback alone, since it asks nobody who they are.
    Raises InputError for an address that isn't safe, and Unavailable.
    """
    security = serving(host, certificates)
    if dashboard and find_spec("bokeh") is None:
        raise Unavailable("Dask's dashboard needs the package bokeh", hint="`pip install bokeh`")
    shown = {"dashboard": dashboard, "dashboard_address": DASHBOARD if dashboard else _ANY}
    _allow_many_files()
    asyncio.run(until_signal(_serve(port, ready, {**security, **shown})))


async def _serve(port: int, ready: Callable[[str], None], security: dict[str, Any]) -> None:
    try:
        # For 0 it would take its usual port.
        port = port or _free_port(security["host"])
        scheduler = loaded().Scheduler(port=port, **security)
        async with scheduler:
            if security["dashboard"]:
                port = scheduler.http_server.port
                scheduler.extensions[DASHBOARD_LINK] = f"http://127.0.0.1:{port}/status"
            ready(scheduler.address)
            await scheduler.finished()
    except (OSError, RuntimeError) as error:
        raise Unavailable(
            f"no scheduler can start at {security['host']}:{port} ({error.__cause__ or error})",
            hint="choose another port with --port",
        ) from error


def _allow_many_files() -> None:
    """Raise the limit of open files as far as the system lets: a worker takes two of them."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as free:
        return int(free.getsockname()[1])
