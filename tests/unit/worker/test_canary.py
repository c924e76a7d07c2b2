"""The kernel that says how fast the machine is."""

from __future__ import annotations

import subprocess
import sys

from bench.worker.canary import canary_ns

_THREADS = """
import os
from bench.worker.canary import canary_ns
import numpy
loaded = set(os.listdir("/proc/self/task"))
canary_ns()
print(len(set(os.listdir("/proc/self/task")) - loaded))
"""


class Clock:
    """Each pass takes what it is given; between passes nothing passes."""

    def __init__(self, *passes: int) -> None:
        self.readings = [reading for took in passes for reading in (1000, 1000 + took)]

    def __call__(self) -> int:
        return self.readings.pop(0)


def test_the_fastest_pass_counts_so_that_one_interruption_does_not() -> None:
    assert canary_ns(Clock(9_000, 120, 130)) == 120


def test_a_clock_too_coarse_for_a_pass_still_gives_a_duration() -> None:
    assert canary_ns(Clock(0, 0, 0)) == 1


def test_it_is_a_few_hundred_microseconds_of_work_and_always_the_same() -> None:
    fastest = min(canary_ns() for _ in range(50))
    assert 5_000 < fastest < 2_000_000


def test_it_starts_no_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"
