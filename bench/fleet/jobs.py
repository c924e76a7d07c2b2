"""A job: `bench run` at one target of one machine. How jobs are sent, and what comes back.

The unit is a job and not a cell, so that its sessions stay interleaved in rounds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import __version__
from bench.core.errors import BenchError, InputError, Unavailable
from bench.core.output import say
from bench.core.program import command
from bench.fleet.offers import KINDS, kind_of
from bench.fleet.security import joining
from bench.fleet.settings import loaded

WHOLE = 1024
"""What all of a machine, or of a worker, is as a resource; 1 is a share beside others."""
HOST, WORKER = "host", "worker:"
PREFIX = "bench"
_CONNECTS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """How `bench run` uses a fleet: its scheduler's address, which targets, whether a job goes on
    `elsewhere` when its worker is lost, whether a phone's or a GPU's job leaves the rest of its
    host to others, the campaign of an interrupted run that is to go on, and the folder of the
    certificates.
    """

    fleet: str = ""
    at: Sequence[str] = ()
    elsewhere: bool = False
    share_host: bool = False
    campaign: str = ""
    certificates: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target that a worker offers: the worker's name, the offer's, and the hardware's."""

    worker: str
    target: str
    title: str

    @property
    def label(self) -> str:
        return f"{self.target} on {self.worker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One `bench run`: `words` begin it, `again` are those of its resumption.

    `elsewhere`: any worker that offers the target may run it. `share_host`: beside others' jobs on
    other targets of the same machine.
    """

    campaign: str
    target: str
    worker: str
    words: tuple[str, ...]
    again: tuple[str, ...] = ()
    elsewhere: bool = False
    share_host: bool = False

    @property
    def id(self) -> str:
        """What it is stored under: the same job of the same campaign has the same."""
        own = {k: v for k, v in asdict(self).items() if k not in ("elsewhere", "share_host")}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def key(self) -> str:
        """What the scheduler knows it by."""
        return f"{PREFIX}-{self.campaign}-{self.target}-{self.worker}-{self.id}"

    @property
    def label(self) -> str:
        return f"{self.target} on {self.worker}"

    def resources(self) -> dict[str, float]:
        """Return what it takes of its worker, where no other has it at the same time."""
        alone = kind_of(self.target) == "cpu" or not self.share_host
        mine: dict[str, float] = {} if self.elsewhere else {f"{WORKER}{self.worker}": 1}
        return {self.target: 1, HOST: WHOLE if alone else 1, **mine}


def resources_of(worker: str, targets: Sequence[str]) -> dict[str, float]:
    """Return what a worker of that name has, with those targets."""
    return {**dict.fromkeys(targets, 1.0), HOST: WHOLE, f"{WORKER}{worker}": WHOLE}


def told_of(titles: Mapping[str, str]) -> dict[str, Callable[[object], object]]:
    """Return what a worker tells the scheduler of itself, as distributed takes it.

    `titles` are the hardware of its targets by their names.
    """
    return {"titles": lambda _: dict(titles), "bench": lambda _: __version__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a job: its run's `archive`, or None, and the end of what it wrote."""

    job: Job
    worker: str
    status: int
    archive: bytes | None
    log_tail: str = ""


@dataclass(slots=True)
class Fleet:
    """A connection to a scheduler."""

    client: Any
    sent: dict[str, Job] = field(default_factory=dict)

    def places(self) -> list[Place]:
        """Return every target that a worker of this version offers now, by worker.

        The others are named: a job of this version means nothing to them.
        """
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        found = []
        for it in workers:
            if (version := it.get("bench")) != __version__:
                say(f"bench: left out: {it['name']} has version {version}, not {__version__}")
                continue
            found += [
                Place(worker=str(it["name"]), target=target, title=it["titles"].get(target, ""))
                for target in it.get("resources", {})
                if kind_of(target) is not None
            ]
        return sorted(found, key=lambda place: (place.worker, place.target))

    def submit(self, jobs: Sequence[Job]) -> list[Any]:
        """Send jobs; return their futures. One of the same id that was sent before goes on."""
        from bench.fleet.host import measured_here

        self.sent |= {job.key: job for job in jobs}
        return [
            self.client.submit(
                measured_here, job, key=job.key, resources=job.resources(), pure=False
            )
            for job in jobs
        ]

    def deliveries(self, futures: Sequence[Any]) -> Iterator[tuple[Job, Delivery | BenchError]]:
        """Yield what each job came to, as it comes in; raises Unavailable without a scheduler."""
        for future in loaded().as_completed(futures, loop=self.client.loop):
            job = self.sent[future.key]
            if future.status == "finished":
                yield job, future.result()
            elif future.status in ("cancelled", "lost"):
                raise Unavailable(
                    "the connection to the scheduler has ended",
                    hint="the jobs that run go on; fetch what they measured with",
                )
            else:
                yield (
                    job,
                    BenchError(f"the job failed: {future.exception()}", hint="see its worker"),
                )
            future.release()

    def end(self, futures: Sequence[Any]) -> None:
        """Take the jobs back: those that wait go, and those that run are ended."""
        from bench.fleet.host import end_here

        ids = [self.sent[it.key].id for it in futures if it.key in self.sent]
        self.client.cancel(futures)
        self.client.run(end_here, ids, on_error="ignore")


@contextmanager
def connected(address: str, certificates: Path | None = None) -> Iterator[Fleet]:
    """Connect to the scheduler at `address`; raises InputError and Unavailable."""
    security = joining(address, certificates)["security"]
    distributed = loaded()
    with_ours = " with these certificates" if security else ""
    or_else = "" if security else "; the address of one that is encrypted begins with tls://"
    try:
        client = distributed.Client(
            address, timeout=_CONNECTS_WITHIN_S, set_as_default=False, security=security
        )
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"no scheduler answers at {address}" + with_ours,
            hint=f"start one with {command('fleet start')}{or_else}",
        ) from error
    try:
        yield Fleet(client)
    finally:
        client.close()


def fitting(places: Sequence[Place], kind: str, chosen: Sequence[str]) -> list[Place]:
    """Return the targets of that kind, those of the names `chosen` alone where there are any.

    A name is a target's, or a worker's. Raises InputError and Unavailable.
    """
    fit = [it for it in places if kind_of(it.target) == kind]
    if not fit:
        offered = ", ".join(dict.fromkeys(it.target for it in places))
        there = f"there is {offered}" if offered else "no machine has joined"
        raise Unavailable(
            f"no worker offers a {KINDS[kind]} ({there})",
            hint=f"join one with {command('fleet join ADDRESS')} on its machine",
        )
    for name in chosen:
        if not any(name in (it.target, it.worker) for it in fit):
            there = ", ".join(it.label for it in fit)
            raise InputError(f"no {KINDS[kind]} is called '{name}'", hint=f"there is {there}")
    return [it for it in fit if not chosen or {it.target, it.worker} & set(chosen)]


def new_campaign() -> str:
    """Return a name for jobs that are sent together."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def jobs_for(
    places: Sequence[Place], options: FleetOptions, words: Sequence[str], again: Sequence[str]
) -> list[Job]:
    """Return one job for each place. The same words and campaign give the same jobs."""
    return [
        Job(
            campaign=options.campaign,
            target=it.target,
            worker=it.worker,
            words=tuple(words),
            again=tuple(again),
            elsewhere=options.elsewhere,
            share_host=options.share_host,
        )
        for it in places
    ]
