"""A machine in the fleet: it stays, offers what it has, and carries out what the scheduler sends.

Whatever happens to the connection, this process and the jobs in it go on: it joins again as soon
as the scheduler answers, and a job that is sent again finds what it has measured so far.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.core.locks import held, runtime_folder
from bench.core.output import say
from bench.core.scratch import scratch_folder, temporary_root
from bench.core.threads import pool_of
from bench.core.units import number_of
from bench.experiments.context import Options
from bench.fleet.host import Host, stand_in
from bench.fleet.jobs import resources_of, told_of
from bench.fleet.offers import Finder
from bench.fleet.reservations import Reservation
from bench.fleet.security import joining
from bench.fleet.settings import HEARTBEAT_S, loaded
from bench.fleet.signals import until_signal

LOOKS_EVERY_S = 30.0
_TRIES_AGAIN_S = 2.0
_MOST_JOBS = 64


def join(
    address: str,
    name: str,
    options: Options,
    *,
    certificates: Path | None = None,
    reservations: tuple[Reservation, ...] = (),
) -> None:
    """Offer this machine to the scheduler at `address` until a signal ends this process.

    Raises InputError for the address, Unavailable where distributed is missing, and Busy where
    another worker of this user is at work here.
    """
    security = joining(address, certificates)
    loaded()
    alone = held(runtime_folder() / "fleet-worker.lock", "this machine's worker")
    with alone, suppress(_Left), pool_of(_MOST_JOBS) as pool:
        host = Host(
            name=name,
            options=options,
            pool=pool,
            finder=Finder(options),
            reservations=reservations,
        )
        stand_in(host)
        asyncio.run(until_signal(_stay(host, address, security)))
        raise _Left


class _Left(BaseException):
    """The worker leaves the fleet: the threads of its pool end their processes."""


async def _stay(host: Host, address: str, security: dict[str, Any]) -> None:
    host.look()
    say(f"{host.name} joins {address} as soon as a scheduler answers there; Ctrl-C ends it")
    while True:
        host.changed.clear()
        try:
            await _joined(host, address, security)
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            if "name taken" in str(error):
                say(f"bench: another worker is called {host.name}: waiting for its end; or --name")
        await asyncio.sleep(_TRIES_AGAIN_S)


async def _joined(host: Host, address: str, security: dict[str, Any]) -> None:
    """Be a worker until the connection ends or the offers change."""
    titles = {it.name: it.title for it in host.offers}
    with scratch_folder(temporary_root(), "bench-fleet-") as folder:
        worker = loaded().Worker(
            address,
            name=host.name,
            nthreads=_MOST_JOBS,
            resources=resources_of(host.name, list(titles)),
            startup_information=told_of(titles),
            heartbeat_interval=f"{HEARTBEAT_S}s",
            local_directory=str(folder),
            memory_limit=0,
            dashboard=False,
            dashboard_address="127.0.0.1:0",
            **security,
        )
        async with worker:
            what = number_of(len(titles), "target")
            say(f"{host.name} joined {address} with {what}: {', '.join(titles)}")
            ends = [asyncio.ensure_future(it) for it in (worker.finished(), _changed(host))]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in ends:
                    each.cancel()
        say(f"{host.name} left {address}; joining again")


async def _changed(host: Host) -> None:
    """Return once other targets are offered than before; nothing is read while a job runs."""
    while not host.changed.is_set():
        try:
            await asyncio.wait_for(host.changed.wait(), LOOKS_EVERY_S)
        except asyncio.TimeoutError:
            if host.is_idle and await asyncio.to_thread(host.look):
                return
