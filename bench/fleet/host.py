"""A job on the machine that measures it: `bench run` as a process of its own, once for each job.

A job's results lie in a folder of its own, a results folder named by the job's id. So a job that
comes again, after its worker was killed or cut off, is the same one: what still runs is waited
for, what was interrupted is resumed, and what is complete is delivered.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.core.errors import BenchError, Busy
from bench.core.locks import held
from bench.core.output import say
from bench.core.program import own_program
from bench.core.threads import check_interrupted
from bench.experiments.campaign import held_target
from bench.experiments.context import Options
from bench.fleet.archive import packed
from bench.fleet.jobs import Delivery, Job
from bench.fleet.offers import Finder, Offer, flags_of
from bench.fleet.reservations import Reservation, reserved
from bench.launcher.programs import run_program
from bench.storage.directory import JOURNAL
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store

_TAIL_CHARS = 4000
_FOLDER = "fleet"
_LOOKS_AGAIN_S = 2.0


def folder_of(results: Path, job_id: str) -> Path:
    """Return the results folder of a job, within the worker's own."""
    return results / _FOLDER / job_id


@dataclass(slots=True)
class Host:
    """This machine as a worker: what it offers and the jobs that run here.

    `pool` has a thread for each job that may run at once; its end ends their processes.
    """

    name: str
    options: Options
    pool: ThreadPoolExecutor
    finder: Finder
    offers: tuple[Offer, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[str, Future[Delivery]] = field(default_factory=dict)
    _ends: dict[str, Callable[[], None]] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> bool:
        """Find what is offered now; tell whether that differs from before."""
        before, self.offers = self.offers, self.finder.offers()
        return before != self.offers

    def lost(self, target: str) -> bool:
        """Look again; tell whether `target` isn't offered any more."""
        self.look()
        return target not in {it.name for it in self.offers}

    @property
    def is_idle(self) -> bool:
        return not self._running

    def start(self, job: Job) -> Future[Delivery]:
        """Return what `job` comes to; it is started here unless it runs already."""
        with self._lock:
            if job.id not in self._running:
                self._began[job.id] = time.monotonic()
                self._running[job.id] = self.pool.submit(self._carry_out, job)
            return self._running[job.id]

    def progress(self) -> dict[str, tuple[float, int]]:
        """Return, of each job that runs here, for how many seconds, and its sessions so far."""
        now = time.monotonic()
        with self._lock:
            began = dict(self._began)
        return {job: (round(now - at, 1), self._sessions(job)) for job, at in began.items()}

    def _sessions(self, job_id: str) -> int:
        """Return how many lines its runs' journals have, which another process writes."""
        journals = folder_of(self.options.results, job_id).glob(f"runs/*/*/{JOURNAL}")
        with suppress(OSError):
            return sum(path.read_bytes().count(b"\n") for path in journals)
        return 0

    def end(self, job_id: str) -> None:
        """End a job's process, if it has one; what it has measured is kept."""
        with self._lock:
            if job_id in self._running:
                self._ended.add(job_id)
                self._ends.pop(job_id, _do_nothing)()

    def _carry_out(self, job: Job) -> Delivery:
        try:
            return self._delivered(job)
        finally:
            with self._lock:
                del self._running[job.id], self._began[job.id]
                self._ends.pop(job.id, None)
                self._ended.discard(job.id)

    def _delivered(self, job: Job) -> Delivery:
        store = Store(folder_of(self.options.results, job.id))
        offer = next((it for it in self.offers if it.name == job.target), None)
        store.check_writable()
        with held(store.root / ".lock", f"job {job.id}"):
            run, status, said = _newest(store), 0, ""
            tries = offer is not None
            while offer is not None and tries and not _is_complete(run):
                status, said = self._measure(job, offer, store, run)
                run = _newest(store)
                tries = status != 0 and self._waited_for(job, offer)
            archive = packed(store, run) if run is not None and _is_complete(run) else None
        return Delivery(
            job=job, worker=self.name, status=status, archive=archive, log_tail=said[-_TAIL_CHARS:]
        )

    def _waited_for(self, job: Job, offer: Offer) -> bool:
        """Wait while another process measures at the target; tell whether one did and ended."""
        device = offer.flags[-1] if offer.flags else None
        waited = False
        while job.id not in self._ended:
            try:
                with held_target(offer.kind, device):
                    return waited
            except Busy as error:
                if not waited:
                    say(f"{self.name}: job {job.id} waits: {error.problem}")
                waited = True
                check_interrupted()
                time.sleep(_LOOKS_AGAIN_S)
        return False

    def _measure(
        self, job: Job, offer: Offer, store: Store, begun: RunFolder | None
    ) -> tuple[int, str]:
        words = job.words if begun is None else ("--resume", begun.path.name, *job.again)
        command = [
            *own_program(), "run", "--no-report",
            *flags_of(offer.kind, self.options), *words, *offer.flags,
            "--results", str(store.root.absolute()),
        ]  # fmt: skip

        def note(end: Callable[[], None]) -> None:
            with self._lock:
                self._ends[job.id] = end
                if job.id in self._ended:
                    end()

        given_up = threading.Event()
        note(given_up.set)
        with reserved(self.reservations, job.target, given_up):
            done = run_program(command, env=os.environ, cwd=Path.cwd(), on_start=note)
        return done.returncode, f"{done.stdout}{done.stderr}"


def _do_nothing() -> None:
    """End nothing: the job has no process yet, or none any more."""


def _is_complete(run: RunFolder | None) -> bool:
    return run is not None and run.manifest().status == "complete"


def _newest(store: Store) -> RunFolder | None:
    return next(reversed(store.runs()), None)


_here: list[Host] = []


def stand_in(host: Host) -> None:
    """Make `host` the one that jobs which come to this process run on."""
    _here[:] = [host]


async def measured_here(job: Job) -> Delivery:
    """Carry out a job that the scheduler sent to this process.

    A job whose target has gone waits for it: this process leaves the fleet and joins it again
    without that target, and the scheduler keeps the job until somebody offers it.
    """
    (host,) = _here
    try:
        delivery = await asyncio.shield(asyncio.wrap_future(host.start(job)))
    except BenchError as error:
        failed = f"{error.problem}: {error.hint}"
        delivery = Delivery(job=job, worker=host.name, status=2, archive=None, log_tail=failed)
    if delivery.archive is None and await asyncio.to_thread(host.lost, job.target):
        host.changed.set()
        await asyncio.Event().wait()
    return delivery


async def progress_here() -> dict[str, tuple[float, int]]:
    """Return how far the jobs are that run in this process."""
    found = [await asyncio.to_thread(host.progress) for host in _here]
    return {job: how for each in found for job, how in each.items()}


async def end_here(ids: Sequence[str]) -> None:
    """End those of the jobs `ids` that run in this process."""
    for host in _here:
        for job_id in ids:
            host.end(job_id)
