"""What a cell takes where nothing is in its way: a second statistic, never the latency. Pure.

A session's floor is the mean of its fastest tenth of bursts, by their medians, among those in
which others took nothing that counts (`bench.analysis.contention`) and before which the canary was
within AT_BEST of its best. The cell's is the mean over its sessions with Student's t interval. It
is what the code can do on this machine, and not what a user of it waits: where the machine is slow
or shared most of the time, it leaves most of the time out.
scripts/floor_repeats.py says which of the two repeats better over stored runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from bench.analysis.canary import best_ns, canaries_ns
from bench.analysis.contention import are_disturbed, burst_samples_ns
from bench.analysis.statistics import Estimate, t_interval
from bench.storage.schema.latency import Session

AT_BEST = 1.03
"""The canary's time over its best up to which the machine is at its best: up to there the medians
of bursts don't follow it, and from 1.05 on they do (scripts/canary_rule.py)."""

FASTEST = 0.1
"""The share of a session's bursts, at least one of them, that its floor is of: the fastest
one alone would be the luckiest."""


def floor(sessions: Sequence[Session]) -> Estimate | None:
    """Return the floor of a cell's sessions in ns; None where no burst of any can bear it."""
    best = best_ns(sessions)
    if best is None:
        return None
    fastest = [bursts for session in sessions if (bursts := _fastest(session, best))]
    if not fastest:
        return None
    value, half_width = t_interval([fmean(map(median, bursts)) for bursts in fastest])
    return Estimate(
        value_ns=value,
        half_width_ns=half_width,
        sessions=len(fastest),
        samples=sum(len(burst) for bursts in fastest for burst in bursts),
        statistic="floor",
    )


def _fastest(session: Session, best: float) -> list[list[int]]:
    """Return the samples of the session's fastest undisturbed bursts at the machine's best."""
    columns = zip(
        burst_samples_ns(session), are_disturbed(session), canaries_ns(session), strict=False
    )
    clear = [ns for ns, disturbed, canary in columns if not disturbed and canary <= AT_BEST * best]
    return sorted(clear, key=median)[: math.ceil(FASTEST * len(clear))]
