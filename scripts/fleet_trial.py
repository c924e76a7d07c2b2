"""A trial of the fleet: 60 jobs over three workers, one killed and one cut off in the middle.

A scheduler and three workers run as processes of this machine, each with results and locks of its
own; two of them have a stand-in phone (tests/device), whose device program runs emulated. One
worker is killed by SIGKILL while a job of it runs and joins again; another's connection to the
scheduler is reset and refused for a minute. Printed: what happened, and whether every job was
measured once, every run arrived byte for byte, and no two jobs were on one machine at once, by the
times of their sessions.

    .venv/bin/python scripts/fleet_trial.py [--jobs N] [--cut-s S]

It needs the extra `fleet`, g++-aarch64-linux-gnu and qemu-user-static.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.config.project import default_cache
from bench.core.errors import BenchError
from bench.fleet.archive import merge
from bench.fleet.jobs import Fleet, FleetOptions, Job, connected, fitting, jobs_for
from bench.storage.store import Store
from tests.cli.fleet_checks import all_faults
from tests.cli.fleets import TestFleet, eventually, fleet
from tests.cli.process import REAL
from tests.cli.relay import Relay, relay
from tests.device.agent_build import built_agent, missing_tools
from tests.device.arm_run import Prepared, prepared, unpublished
from tests.device.daemon import Policy, running_device

NET = "x0_25"
SUITE = """
title = "a trial of the fleet"
target = "{target}"

[[cells]]
runner = ["{runner}"]
batch = [1]
threads = [1, 2]
settings = {settings}

[presets.standard]
sessions = 2
samples = 10
min_samples = 10
budget_s = 1.0
warmup_calls = 2
warmup_s = 0.0
warmup_cap_s = 1.0
steady_tolerance = "none"
"""
KINDS = {"cpu": ("onnxruntime", "{}"), "android": ("paddle-lite", '{ power_mode = "no_bind" }')}
BACK_AFTER_S = 5.0


def main(argv: list[str]) -> int:
    """Print the trial's figures; 1 where something isn't as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=60, metavar="N")
    parser.add_argument("--cut-s", type=float, default=60.0, metavar="S")
    options = parser.parse_args(argv)
    if (reason := missing_tools()) is not None:
        print(reason, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-fleet-trial-") as holder, ExitStack() as stack:
        folder = Path(holder)
        nets = prepared(built_agent(folder / "build"), folder / "agent", [NET])
        made = fleet(
            folder / "fleet", unpublished(folder / "models"), module=REAL, cache=default_cache()
        )
        lab, network = _joined(stack.enter_context(made), nets, stack)
        trial = Trial(lab=lab, network=network, cut_s=options.cut_s)
        trial.carry_out(options.jobs)
        faults = [*trial.faults, *all_faults(lab, resumed=1)]
    if not faults:
        trial.said.append(
            "every job was measured once, every run arrived byte for byte, and no two jobs were on "
            "one machine at once"
        )
    for line in (*trial.said, *(f"NOT AS IT MUST BE: {it}" for it in faults)):
        print(line)
    return int(bool(faults))


def _joined(lab: TestFleet, nets: Prepared, stack: ExitStack) -> tuple[TestFleet, Relay]:
    """Have three workers join, two of them with a phone, one over a network that can be cut."""
    address, network = stack.enter_context(relay(lab.address))
    lab.join("one")
    for name, way in (("two", address), ("three", lab.address)):
        folder = lab.folder / f"phone-{name}"
        phone = stack.enter_context(running_device(folder, auth=Policy.OPEN))
        lab.join(name, "--device", phone.serial, "--agent", nets.agent, address=way)
    return lab, network


@dataclass
class Trial:
    """The jobs, what is done to their workers meanwhile, and what is said of it."""

    lab: TestFleet
    network: Relay
    cut_s: float
    merged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def carry_out(self, count: int) -> None:
        """Send `count` jobs and merge what comes; kill one worker and cut another off."""
        began = time.monotonic()
        with connected(self.lab.address) as connection:
            jobs = self._jobs(connection, count)
            targets = Counter(job.target.partition(":")[0] for job in jobs)
            with self._beside(self._kill, count // 6), self._beside(self._cut, count // 3):
                self._fetch(connection, connection.submit(jobs))
        self.said.append(
            f"{len(self.merged)} of {len(jobs)} jobs merged in {time.monotonic() - began:.0f} s: "
            + ", ".join(f"{many} on a {kind}" for kind, many in targets.items())
        )
        of_each = (f"{name} {len(self.lab.runs_of(name))}" for name in self.lab.workers)
        self.said.append(f"runs measured by each worker: {', '.join(of_each)}")
        self.faults += [f"failed: {it}" for it in self.failed]
        if len(set(self.merged)) != len(jobs):
            self.faults.append(f"{len(set(self.merged))} runs for {len(jobs)} jobs")

    def _jobs(self, connection: Fleet, count: int) -> list[Job]:
        """Return jobs of one campaign after the other over all targets, `count` in all."""
        jobs: list[Job] = []
        suites = {kind: self._suite(kind) for kind in KINDS}
        while len(jobs) < count:
            for kind, suite in suites.items():
                words = ("--suite", str(suite), "--variant", NET)
                options = FleetOptions(campaign=f"trial{len(jobs)}")
                places = fitting(connection.places(), kind, ())
                jobs += jobs_for(places, options, words, words[:2])
        return jobs[:count]

    def _suite(self, kind: str) -> Path:
        runner, settings = KINDS[kind]
        path = self.lab.folder / f"{kind}.toml"
        path.write_text(
            SUITE.replace("{target}", kind)
            .replace("{runner}", runner)
            .replace("{settings}", settings)
        )
        return path

    def _fetch(self, connection: Fleet, futures: list[Any]) -> None:
        for job, delivery in connection.deliveries(futures):
            if isinstance(delivery, BenchError) or delivery.archive is None:
                what = delivery if isinstance(delivery, BenchError) else delivery.log_tail[-500:]
                self.failed.append(f"{job.label}: {what}")
            else:
                run = merge(delivery.archive, Store(self.lab.mine)).folder
                self.merged.append(run.path.name)

    @contextmanager
    def _beside(self, fault: Callable[[], None], after: int) -> Iterator[None]:
        """Have `fault` happen once `after` jobs are merged, beside what goes on."""

        def wait() -> None:
            eventually(lambda: len(self.merged) + len(self.failed) >= after, 600.0)
            fault()

        thread = threading.Thread(target=wait)
        thread.start()
        yield
        thread.join()

    def _kill(self) -> None:
        worker = self.lab.workers["one"]
        eventually(lambda: self.lab.journals("one"), 600.0)
        worker.end(signal.SIGKILL)
        kept = len(self.lab.journals("one"))
        time.sleep(BACK_AFTER_S)
        worker.start()
        self.said.append(
            f"worker one was killed by SIGKILL after {kept} sessions of a job, after "
            f"{len(self.merged)} jobs, and came back {BACK_AFTER_S:.0f} s later"
        )

    def _cut(self) -> None:
        eventually(lambda: self.lab.journals("two"), 600.0)
        self.network.cut()
        before = len(self.merged)
        time.sleep(self.cut_s)
        self.network.mend()
        meanwhile = len(self.merged) - before
        self.said.append(
            f"worker two was cut off for {self.cut_s:.0f} s in the middle of a job; meanwhile "
            f"{meanwhile} jobs of others were merged"
        )
        self.lab.await_join("two", 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
