"""What the harness itself takes a session on a phone: connecting, checking pushes, parsing.

Measures suite arm's smallest net on a stand-in device (tests/device), where the device program runs
emulated, and prints for each session how long it took beyond that program. It may take 0.5 s.

    .venv/bin/python scripts/benchmark_device.py [--sessions N]

It needs g++-aarch64-linux-gnu and qemu-user-static, and a Python 3.10 for Paddle Lite's opt.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.core.cell import TargetSpec
from bench.core.units import NS_PER_S
from bench.storage.schema.latency import Session
from bench.targets.base import opened
from tests.device.agent_build import built_agent, missing_tools
from tests.device.arm_run import prepared, run_arm
from tests.device.daemon import Policy, running_device

MOST_S = 0.5
NET = "x0_25"


def main(argv: list[str]) -> int:
    """Print a line a session; 1 where the median of those after the first is above MOST_S."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=10, metavar="N")
    options = parser.parse_args(argv)
    if (reason := missing_tools()) is not None:
        print(reason, file=sys.stderr)
        return 2
    sessions, reading_s = measured(options.sessions)
    print(f"reading the phone's state: {reading_s:.3f} s, twice a session")
    own = [own_s(session) + 2 * reading_s for session in sessions]
    for number, (session, spent) in enumerate(zip(sessions, own, strict=True)):
        device_s = session.covariates["device_s"]
        print(f"session {number}: {spent:.3f} s beside the device program's {device_s:.3f} s")
    typical = median(own[1:])
    print(f"median after the first, which pushes: {typical:.3f} s; it may take {MOST_S:g} s")
    return int(typical > MOST_S)


def measured(count: int) -> tuple[list[Session], float]:
    """Return `count` sessions of NET, in order, and how long a reading of the state takes (s)."""
    with tempfile.TemporaryDirectory(prefix="bench-device-") as holder:
        folder = Path(holder)
        nets = prepared(built_agent(folder / "build"), folder / "agent", [NET])
        suite = folder / "suite.toml"
        text = (PROJECT / "bench" / "suites" / "arm.toml").read_text(encoding="utf-8")
        suite.write_text(text.replace("sessions = 2\n", f"sessions = {count}\n"))
        with running_device(folder / "device", auth=Policy.OPEN) as device:
            flags = ("--suite", suite, "--preset", "quick", "--variant", NET, "--threads", "1")
            ran = run_arm(device.serial, nets.agent, folder / "results", *flags)
            if ran.done.returncode != 0:
                sys.exit(ran.done.stderr)
            return ran.records[0].sessions, reading(device.serial)


def reading(serial: str) -> float:
    """Return the median of 10 readings, each with a connection of its own (s)."""
    spent = []
    with opened(TargetSpec(kind="android", device=serial)) as target:
        for _ in range(10):
            started = time.perf_counter()
            target.state()
            spent.append(time.perf_counter() - started)
    return median(spent)


def own_s(session: Session) -> float:
    """Return how long the worker took beside its device program: start, connect, push, parse."""
    return session.wall_ns / NS_PER_S - float(session.covariates["device_s"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
