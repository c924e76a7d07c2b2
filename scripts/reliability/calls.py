"""End a run at every call that changes a file: `python scripts/reliability/calls.py [EVERY] [N]`.

A run of two cells is counted once under faults.c, a library that the loader puts before libc: so
many calls make, write, flush, rename and remove its files. Then a run of its own is killed before
each of them, or before every EVERYth, and resumed until it is complete; N runs are under way at a
time (2). So are runs on a disk that is full from that call on, and runs on one that fails in it: a
run that ends in a traceback is counted too. Takes gcc.
"""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from scripts.reliability.trials import Tally, Trial, heading

_SHORT_RUN = ("--preset", "quick", "--variant", "x0_25")
_ENDS_WITHIN_S = 300.0
_NEVER_FAIL = ("unlink", "unlinkat", "rmdir")  # for want of space


@dataclass(frozen=True)
class Fault:
    """What happens at a call; `number` is the error that it fails with, 0: the run is killed."""

    title: str
    number: int = 0


FAULTS = (
    Fault("killed"),
    Fault("disk full", errno.ENOSPC),
    Fault("disk fails", errno.EIO),
)


def library(folder: Path) -> Path:
    """Compile faults.c; raises CalledProcessError."""
    made = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def hurt(trial: Trial, faults: Path, fault: Fault, at: int) -> list[str]:
    """Begin the run with `fault` at a call (0: at none); return the names of its calls."""
    log = trial.root.with_suffix(".calls")
    env = {"LD_PRELOAD": str(faults), "FAULT_BELOW": str(trial.root), "FAULT_LOG": str(log)}
    env |= {"FAULT_AT": str(at)}
    env |= {"FAULT_ERRNO": str(fault.number)} if fault.number else {}
    process = trial.start(env, stderr=subprocess.PIPE)
    _, said = process.communicate(timeout=_ENDS_WITHIN_S)
    trial.tally.found["tracebacks"] += b"Traceback" in said
    lines = log.read_text(errors="replace").splitlines()
    log.unlink()
    return [line.split()[1] for line in lines]


def tried(faults: Path, fault: Fault, at: int) -> Tally:
    """Return what came of one run with a fault."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="calls-") as root:
        trial = Trial(Path(root) / "trial", tally, _SHORT_RUN)
        hurt(trial, faults, fault, at)
        trial.ended()
        trial.complete()
    if tally.found.total():
        print(f"{fault.title} at call {at}: {dict(+tally.found)}", file=sys.stderr)
    return tally


def counted(faults: Path) -> list[str]:
    """Return the names of the calls of a run that nothing happens to."""
    with tempfile.TemporaryDirectory(prefix="calls-") as root:
        return hurt(Trial(Path(root) / "trial", Tally(), _SHORT_RUN), faults, FAULTS[0], 0)


def main(every: int = 1, at_once: int = 2) -> int:
    """Print a row for each fault and call; return 0 where all counts are 0."""
    total = Tally()
    print(heading("fault | call | tried", "tracebacks"))
    with tempfile.TemporaryDirectory(prefix="faults-") as made, ThreadPoolExecutor(at_once) as pool:
        faults = library(Path(made))
        names = counted(faults)
        for fault in FAULTS:
            parts = {
                at: pool.submit(tried, faults, fault, at)
                for at, name in list(enumerate(names, 1))[::every]
                if not (fault.number and name in _NEVER_FAIL)
            }
            rows = defaultdict[str, Tally](Tally)
            for at, part in parts.items():
                rows[names[at - 1]].add(part.result())
            for name, tally in sorted(rows.items()):
                print(f"| {fault.title} | {name} | {tally.row('tracebacks')} |", flush=True)
                total.add(tally)
    return int(total.found.total() > 0 or not total.tried)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
