"""The timed loop with a pause before each run, outside the timed part.

A GPU lowers its clock while it waits, so a paced loop and a back-to-back one measure two things.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.units import Nanoseconds


def time_paced(
    call: Callable[[], object],
    count: int,
    *,
    pause_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> list[Nanoseconds]:
    """Return the duration of each of `count` calls, `pause_s` seconds of sleep before each."""
    samples = [0] * count
    for index in range(count):
        if pause_s:
            sleep(pause_s)
        started = clock()
        call()
        samples[index] = clock() - started
    return [Nanoseconds(sample) for sample in samples]
