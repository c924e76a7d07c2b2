"""A small kernel of a fixed size, run right before each burst: how fast the machine is just now.

No counter of a virtual machine shows a neighbour on a core's other hyperthread or a clock that
changes; the time of work that is always the same does. It works in the first level cache (8 KiB),
on the vector units that engines use, in one thread and without BLAS, and leaves an engine's data in
the second level cache alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

# x = exp(-x) stays within 0 and 1, so no number ever gets subnormal or infinite.
_FLOATS = 2048
_ROUNDS = 80
# The fastest of some: one interruption of a pass says nothing of the machine's speed.
_PASSES = 3


def canary_ns(clock: Callable[[], int] = time.perf_counter_ns) -> int:
    """Return what the kernel took, in ns: the fastest of 3 passes of some 0.1 ms each."""
    one_pass = _kernel()
    times = []
    for _ in range(_PASSES):
        started = clock()
        one_pass()
        times.append(clock() - started)
    return max(min(times), 1)


@cache
def _kernel() -> Callable[[], Any]:
    import numpy as np

    x = np.full(_FLOATS, 0.5, dtype=np.float32)

    def one_pass() -> None:
        for _ in range(_ROUNDS):
            np.negative(x, out=x)
            np.exp(x, out=x)

    return one_pass
