"""Samples far from the others of their session: when, and what the burst's counters say. Pure.

A sample is an outlier where it is above its session's median by both SPREADS scaled median absolute
deviations and LEAST of the median: the first holds for a noisy session, the second for one so quiet
that its clock shows. The counters are of the whole burst, so a cause stands there because it
happened in that burst and, where it has a duration, lasted for half of what the sample is late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis.canary import SLOW, best_ns
from bench.analysis.contention import burst_samples_ns
from bench.core.units import NS_PER_MS, NS_PER_S
from bench.storage.schema.latency import Session

SPREADS = 5.0  # of a normal distribution, 3 samples in 10 million
LEAST = 0.10
_SCALED = 1.4826  # of a normal distribution, the standard deviation over that of the median
_FAULT_NS = 1000.0
_HALF = 0.5
_SHOWN = 3

UNKNOWN = "unknown"
FIRST = "first of its burst, after a pause"
UNRECORDED = "not recorded"

Burst = Mapping[str, int]
"""One burst's figures by name, those that are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A sample of a session: its index, its duration and that over the session's median.

    `since_s` is when it began, in seconds since the session's first burst, None where that isn't
    known. `causes` has one at least, the most direct first.
    """

    session: int
    sample: int
    ns: int
    ratio: float
    since_s: float | None
    causes: Sequence[str]

    @property
    def sentence(self) -> str:
        when = "" if self.since_s is None else f", {self.since_s:.3f} s after its first burst"
        return (
            f"{self.ns / NS_PER_MS:.4g} ms ({self.ratio:.2f} of the median), sample "
            f"{self.sample + 1} of session {self.session + 1}{when}: {', '.join(self.causes)}"
        )


def outliers(sessions: Sequence[Session]) -> list[Outlier]:
    """Return the outliers of a cell's sessions, in their order."""
    best = best_ns(sessions)
    return [
        one for index, session in enumerate(sessions) for one in _of_session(index, session, best)
    ]


def lines(found: Sequence[Outlier], samples: int) -> list[str]:
    """Return what there is to say of the outliers among so many samples: counts, and the worst."""
    if not found:
        return []
    counts = Counter(one.causes[0] for one in found).most_common()
    by_cause = ", ".join(f"{count} {cause}" for cause, count in counts)
    worst = sorted(found, key=lambda one: one.ratio, reverse=True)[:_SHOWN]
    return [
        f"outliers: {len(found)} of {samples} samples, by the first cause {by_cause}",
        *(f"    {one.sentence}" for one in worst),
    ]


def _of_session(index: int, session: Session, best: float | None) -> Iterator[Outlier]:
    if not session.samples_ns:
        return
    middle = median(session.samples_ns)
    spread = _SCALED * median(abs(ns - middle) for ns in session.samples_ns)
    bound = middle + max(SPREADS * spread, LEAST * middle)
    if max(session.samples_ns) <= bound:
        return
    bursts = _bursts(session)
    sample = 0
    for burst, samples_ns in zip(bursts, burst_samples_ns(session), strict=True):
        passed = 0
        for ns in samples_ns:
            if ns > bound:
                yield Outlier(
                    session=index,
                    sample=sample,
                    ns=ns,
                    ratio=ns / middle,
                    since_s=_since_s(burst, bursts[0], passed),
                    causes=_causes(burst, ns - middle, best) or [UNKNOWN if passed else FIRST],
                )
            passed, sample = passed + ns, sample + 1


def _bursts(session: Session) -> list[Burst]:
    """Return the figures of each burst; all samples are one where they aren't known."""
    if session.bursts is None:
        return [{}]
    columns = {name: values for name, values in dict(session.bursts).items() if values is not None}
    return [
        {name: values[index] for name, values in columns.items()}
        for index in range(len(session.bursts.samples))
    ]


def _since_s(burst: Burst, first: Burst, passed_ns: int) -> float | None:
    if "started_ns" not in burst:
        return None
    return (burst["started_ns"] - first["started_ns"] + passed_ns) / NS_PER_S


def _causes(burst: Burst, late_ns: float, best: float | None) -> Sequence[str]:
    if "started_ns" not in burst:
        return (UNRECORDED,)
    causes = [cause for cause, caused in _CAUSES.items() if caused(burst, late_ns)]
    if best is not None and burst.get("canary_ns", 0) > SLOW * best:
        causes.append("the machine was slow")
    return causes


def _lasted(name: str, unit_ns: float) -> Callable[[Burst, float], bool]:
    return lambda burst, late_ns: burst.get(name, 0) * unit_ns >= _HALF * late_ns


def _happened(name: str) -> Callable[[Burst, float], bool]:
    return lambda burst, _: burst.get(name, 0) > 0


# A fault of a page in memory takes under a microsecond; a thread that another process pushed off
# its core for less than what counts comes back to colder caches.
_CAUSES: Mapping[str, Callable[[Burst, float], bool]] = {
    "throttled by a quota": _lasted("throttled_us", 1e3),
    "steal by the host": _lasted("steal_ms", NS_PER_MS),
    "waited for the CPU": _lasted("wait_ns", 1),
    "garbage collection": _happened("collections"),
    "page faults on disk": _happened("major_faults"),
    "page faults": _lasted("minor_faults", _FAULT_NS),
    "moved to another core": _happened("migrations"),
    "interrupted by another thread": _happened("involuntary_switches"),
}
