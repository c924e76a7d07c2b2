"""What a fleet of a thousand devices asks of its scheduler: time, CPU and memory, by size.

The scheduler, its connections and the jobs are the fleet's own; the devices sleep instead of
measuring, many workers in a process, one device each. With jobs of no length it shows how many jobs
a second the scheduler can hand out, which is what bounds a fleet of any length of job. Sizes that
the memory has no room for are extrapolated from the others. The machine may be shared: seconds on
the CPU tell more than seconds.

    .venv/bin/python scripts/fleet_simulation.py [--sizes 10x1000 1000x10000] [--kib 100]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.fleet.host import stand_in
from bench.fleet.jobs import Delivery, Fleet, Job, connected, resources_of, told_of
from bench.fleet.scheduler import serve
from bench.fleet.settings import HEARTBEAT_S, loaded
from bench.fleet.signals import until_signal

SIZES = ("10x1000", "100x10000", "300x10000", "1000x10000")
PER_PROCESS = 125
IDLE_S = 30.0
JOB_S = 300.0
"""The length of a job for which the table says what a fleet needs: five minutes."""
FETCHED = 500
HEAD = (
    "devices", "jobs", "join s", "idle: of a core", "MiB", "open files", "submit s", "all done s",
    "CPU ms/job", "KiB/job", "longest silence s", "fetched/s", "CPU ms/job fetched", "MiB/worker",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one size took. CPU, memory and open files are the scheduler's, but for `worker_mib`.

    A job ends as soon as it begins; all have `done_s` after the first was sent. `fetch_s` is of
    FETCHED of them, one after the other, as `bench run` does.
    """

    devices: int
    jobs: int
    join_s: float
    idle_share: float
    idle_mib: float
    files: int
    worker_mib: float
    submit_s: float
    done_s: float
    cpu_s: float
    job_kib: float
    silence_s: float
    fetched: int
    fetch_s: float
    fetch_cpu_s: float

    @property
    def row(self) -> str:
        """The trial as a row of the table."""
        cells = (
            f"{self.devices:,}", f"{self.jobs:,}", f"{self.join_s:.1f}", f"{self.idle_share:.1%}",
            f"{self.idle_mib:.0f}", f"{self.files:,}", f"{self.submit_s:.1f}",
            f"{self.done_s:.1f}", f"{1000 * self.cpu_s / self.jobs:.2f}", f"{self.job_kib:.1f}",
            f"{self.silence_s:.1f}", f"{self.fetched / self.fetch_s:.0f}",
            f"{1000 * self.fetch_cpu_s / self.fetched:.2f}", f"{self.worker_mib:.1f}",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"

    @property
    def job_cpu_s(self) -> float:
        """The scheduler's seconds of CPU for one job, sent, handed out and fetched."""
        return self.cpu_s / self.jobs + self.fetch_cpu_s / self.fetched


def main() -> None:
    """Try each size that memory has room for and print a row of each, then what follows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="DEVICESxJOBS")
    parser.add_argument("--kib", type=int, default=100, help="what each job's run weighs")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its processes end with it
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    trials: list[Trial] = []
    for devices, jobs in (map(int, size.split("x")) for size in args.sizes):
        if trials and devices * trials[-1].worker_mib > 0.5 * _free_mib():
            print(f"\nno room for {devices:,} workers: {_extrapolated(trials, devices, jobs)}")
            continue
        trials.append(_trial(devices, jobs, args.kib))
        print(trials[-1].row, flush=True)
    print(f"\n{_conclusion(trials)}")


def _trial(devices: int, jobs: int, kib: int) -> Trial:
    with ExitStack() as stack:
        scheduler = stack.enter_context(_child("scheduler"))
        address = scheduler.stdout.readline().strip() if scheduler.stdout else ""
        begun = time.perf_counter()
        workers = [
            stack.enter_context(
                _child(
                    "workers", address, f"{first}", f"{min(PER_PROCESS, devices - first)}", f"{kib}"
                )
            )
            for first in range(0, devices, PER_PROCESS)
        ]
        fleet = stack.enter_context(connected(address))
        while len(fleet.places()) < devices:
            time.sleep(0.5)
        join_s = time.perf_counter() - begun
        time.sleep(5)
        cpu = _cpu_s(scheduler.pid)
        time.sleep(IDLE_S)
        facts = {
            "devices": devices, "jobs": jobs, "join_s": join_s,
            "idle_share": (_cpu_s(scheduler.pid) - cpu) / IDLE_S,
            "idle_mib": _mib(scheduler.pid),
            "files": len(list(Path(f"/proc/{scheduler.pid}/fd").iterdir())),
            "worker_mib": sum(_mib(it.pid) for it in workers) / devices,
        }  # fmt: skip
        probe = stack.enter_context(_child("probe", address))
        assert probe.stdout is not None  # noqa: S101
        probe.stdout.readline()  # it has connected
        facts |= _drained(fleet, devices, jobs, scheduler.pid)
        probe.terminate()
        said = probe.stdout.read()
    facts["job_kib"] = 1024 * (facts.pop("most_mib") - facts["idle_mib"]) / jobs
    return Trial(**facts, silence_s=float(said))  # type: ignore[arg-type]


def _drained(fleet: Fleet, devices: int, jobs: int, scheduler: int) -> dict[str, float]:
    """Send all jobs, wait until they are done and fetch some; return what that took."""
    cpu, begun = _cpu_s(scheduler), time.perf_counter()
    futures = fleet.submit([_job(index % devices, index // devices) for index in range(jobs)])
    submitted = time.perf_counter()
    for _ in loaded().as_completed(futures, loop=fleet.client.loop):
        pass
    done, done_cpu, most = time.perf_counter(), _cpu_s(scheduler), _mib(scheduler)
    some = futures[:FETCHED]
    for _, delivery in fleet.deliveries(some):
        if not isinstance(delivery, Delivery) or delivery.archive is None:
            sys.exit(f"a job wasn't done: {delivery}")
    fetched, fetched_cpu = time.perf_counter(), _cpu_s(scheduler)
    return {
        "submit_s": submitted - begun, "done_s": done - begun, "cpu_s": done_cpu - cpu,
        "most_mib": most, "fetched": len(some), "fetch_s": fetched - done,
        "fetch_cpu_s": fetched_cpu - done_cpu,
    }  # fmt: skip


def _job(device: int, number: int) -> Job:
    words = ("--suite", "arm", "--number", str(number))
    target, worker = f"phone:{device:08d}", f"host-{device}"
    return Job(campaign="simulated", target=target, worker=worker, words=words, again=words)


class _Sleeper:
    """In the place of a host: each job is done at once and delivers so many bytes."""

    name = "sleeper"

    def __init__(self, kib: int) -> None:
        self._archive = os.urandom(kib << 10)

    def start(self, job: Job) -> Future[Delivery]:
        """Return the job's end, which is there already."""
        done: Future[Delivery] = Future()
        archive = self._archive
        done.set_result(Delivery(job=job, worker=job.worker, status=0, archive=archive))
        return done


async def _workers(address: str, first: int, devices: int, kib: int) -> None:
    """Be PER_PROCESS workers from that one on, a device each, until this process is ended."""
    stand_in(_Sleeper(kib))  # type: ignore[arg-type]
    worker_class = loaded().Worker
    async with AsyncExitStack() as stack:
        with tempfile.TemporaryDirectory() as folder:
            for device in range(first, min(first + PER_PROCESS, devices)):
                worker = worker_class(
                    address,
                    name=f"host-{device}",
                    nthreads=1,
                    resources=resources_of(f"host-{device}", [f"phone:{device:08d}"]),
                    startup_information=told_of({}),
                    heartbeat_interval=f"{HEARTBEAT_S}s",
                    local_directory=folder,
                    memory_limit=0,
                    dashboard=False,
                    dashboard_address="127.0.0.1:0",
                    host="127.0.0.1",
                )
                await stack.enter_async_context(worker)
            await asyncio.Event().wait()


def _probe(address: str) -> None:
    """Ask the scheduler for its pid again and again; print the longest that it took, in seconds."""
    ended, longest = threading.Event(), 0.0
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with connected(address) as fleet:
        print("connected", flush=True)
        while not ended.wait(0.2):
            begun = time.perf_counter()
            fleet.client.run_on_scheduler(os.getpid)
            longest = max(longest, time.perf_counter() - begun)
    print(longest, flush=True)


@contextmanager
def _child(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run this file in a process of its own, which ends with the context."""
    command = [sys.executable, __file__, "--part", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _free_mib() -> float:
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024


def _conclusion(trials: Sequence[Trial]) -> str:
    """Return what the largest trial says of a hundred jobs of JOB_S a device, and of its bounds."""
    one = trials[-1]
    jobs, wanted, most = 100 * one.devices, one.devices / JOB_S, 1 / one.job_cpu_s
    return (
        f"{one.devices:,} devices with jobs of {JOB_S:.0f} s end {wanted:.1f} jobs a second, which "
        f"is {wanted / most:.1%} of a core of the scheduler beside its {one.idle_share:.1%} idle; "
        f"{_extrapolated(trials, one.devices, jobs)}, in {jobs / wanted / 3600:.1f} h. A core of "
        f"it bears {most:.0f} jobs a second, one `bench run` fetches "
        f"{one.fetched / one.fetch_s:.0f} a second. It has {one.files / one.devices:.1f} open "
        f"files a worker; 1,024, where many systems begin, are of "
        f"{1024 * one.devices // one.files:,}."
    )


def _extrapolated(trials: Sequence[Trial], devices: int, jobs: int) -> str:
    """Return what a larger size would take, by the line through the last two trials."""
    small, large = [trials[0], *trials][-2:]
    grown = (large.idle_mib - small.idle_mib) / max(1, large.devices - small.devices)
    mib = large.idle_mib + grown * (devices - large.devices) + jobs * large.job_kib / 1024
    return (
        f"{jobs:,} jobs would take the scheduler {jobs * large.job_cpu_s:,.0f} s of CPU and "
        f"{mib:,.0f} MiB"
    )


def _part(name: str, *words: str) -> None:
    """Be one of the processes of a trial."""
    if name == "scheduler":
        serve("127.0.0.1", 0, lambda address: print(address, flush=True))
    elif name == "probe":
        _probe(*words)
    else:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        address, *numbers = words
        asyncio.run(until_signal(_workers(address, *map(int, numbers))))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        _part(*sys.argv[2:])
    else:
        main()
