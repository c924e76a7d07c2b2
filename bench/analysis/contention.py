"""What other processes took of the CPU while a session was sampled, and what of it counts. Pure.

A burst is disturbed where its threads waited for a CPU, because of others, for more than DISTURBED
of its time. Disturbed bursts are stored and don't count where the others hold half of the session's
sampling time; else all count, and the session is contended where they waited for more than MUCH of
it: two threads on two cores wait for 2% whatever else runs, and are 5% late at most. In `ab` a pair
of bursts takes the place of a burst. The wait decides and never the samples, so what is left out
isn't chosen by its outcome: scripts/contention_rule.py has the figures behind the first two bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from bench.storage.schema.ab import AbSession, BurstFields
from bench.storage.schema.latency import Session

DISTURBED = 0.02
KEPT = 0.5
MUCH = 0.05

LITTLE_TAKEN = 0.9
"""The share of the CPU below which a session isn't clean, though undisturbed bursts were left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What others took of a session: `cpu_share` is what was left to it of the CPU time that its
    threads could have used, from 0 to 1.
    """

    cpu_share: float
    contended: bool


@dataclass(frozen=True, slots=True)
class BurstTime:
    """A burst's wait, its time on the CPU and its duration in ns, the first two over all threads.

    `cores` are those that the process may use.
    """

    wait_ns: int
    cpu_ns: int
    wall_ns: int
    cores: int

    @property
    def lost_ns(self) -> int:
        """What others took: threads of one's own that wait for each other leave no core idle."""
        return max(0, min(self.wait_ns, self.cores * self.wall_ns - self.cpu_ns))

    @property
    def disturbed(self) -> bool:
        return self.lost_ns > DISTURBED * self.wall_ns


Part = Sequence[BurstTime]
"""What counts as a whole or not at all: a burst, in `ab` a pair of them."""


def taken(session: Session) -> Taken | None:
    """Return what others took of `session`, None where that isn't known."""
    return _taken(_parts(session))


def waited_share(session: Session) -> float | None:
    """Return what the session's threads waited because of others, over the time of its bursts."""
    bursts = [burst for part in _parts(session) for burst in part]
    if not bursts:
        return None
    return sum(burst.lost_ns for burst in bursts) / sum(burst.wall_ns for burst in bursts)


def least_left(sessions: Iterable[Session]) -> Taken | None:
    """Return the least share of `sessions`, and whether one is contended; None: of none known."""
    known = [each for each in map(taken, sessions) if each is not None]
    if not known:
        return None
    return Taken(
        cpu_share=min(each.cpu_share for each in known),
        contended=any(each.contended for each in known),
    )


def taken_of_arms(session: AbSession) -> Taken | None:
    """Return what others took of both arms' bursts, None where that isn't known."""
    return _taken(_pairs(session))


def durations_ns(session: Session) -> list[int]:
    """Return all samples of the session; of a tool that prints none, the mean that it reported."""
    return session.samples_ns or [(session.reported_ns or {})["avg"]]


def counted_ns(session: Session) -> list[int]:
    """Return the durations that the session's figure is of: unless it is contended, without those
    of disturbed bursts.
    """
    counts = [] if session.bursts is None else that_count(session)
    if all(counts):
        return durations_ns(session)
    kept = zip(burst_samples_ns(session), counts, strict=True)
    return [ns for burst, counts_too in kept if counts_too for ns in burst]


def that_count(session: Session) -> list[bool]:
    """Return of each burst whether the figure is of it too, nothing where bursts aren't known."""
    return _counts(_parts(session))


def burst_samples_ns(session: Session) -> list[list[int]]:
    """Return the samples of each burst; all in one where the bursts aren't known."""
    if session.bursts is None:
        return [session.samples_ns]
    samples = iter(session.samples_ns)
    return [list(islice(samples, size)) for size in session.bursts.samples]


def are_disturbed(session: Session) -> list[bool]:
    """Return of each burst whether others took too much of it, nothing where that isn't known."""
    return [_is_disturbed(part) for part in _parts(session)]


def counted_bursts(session: AbSession) -> list[BurstFields]:
    """Return the bursts that the session's ratio is of, in pairs."""
    counts = _counts(_pairs(session)) or [True] * (len(session.bursts) // 2)
    return [burst for index, burst in enumerate(session.bursts) if counts[index // 2]]


def counted_together(own: Session, other: Session) -> list[bool] | None:
    """Return of each lap whether it counts in the ratio of two sessions that took turns, None where
    they didn't have a burst each in every lap.
    """
    parts = _parts(own), _parts(other)
    if not parts[0] or len(parts[0]) != len(parts[1]):
        return None
    return _counts([(*one, *two) for one, two in zip(*parts, strict=True)])


def _parts(session: Session) -> list[Part]:
    if session.bursts is None:
        return []
    cores = _cores(session.facts.get("affinity"))
    columns = (session.bursts.wait_ns, session.bursts.cpu_ns, session.bursts.wall_ns)
    return [(BurstTime(*times, cores),) for times in zip(*columns, strict=True)]


def _pairs(session: AbSession) -> list[Part]:
    """Return the pairs of bursts, nothing where one of them isn't known."""
    times = []
    for burst in session.bursts:
        if burst.wait_ns is None or burst.cpu_ns is None or burst.wall_ns is None:
            return []
        cores = _cores(session.arms[burst.arm].facts.get("affinity"))
        times.append(BurstTime(burst.wait_ns, burst.cpu_ns, burst.wall_ns, cores))
    return list(zip(times[::2], times[1::2], strict=True))


def _cores(affinity: str | None) -> int:
    """Return how many cores the fact `affinity` names; without it, so many that they don't bind."""
    return len(affinity.split(",")) if affinity else 1 << 20


def _taken(parts: Sequence[Part]) -> Taken | None:
    bursts = [burst for part in parts for burst in part]
    if not bursts:
        return None
    cpu, lost = sum(burst.cpu_ns for burst in bursts), sum(burst.lost_ns for burst in bursts)
    much = lost > MUCH * sum(burst.wall_ns for burst in bursts)
    return Taken(cpu_share=cpu / max(cpu + lost, 1), contended=much and _is_mostly_disturbed(parts))


def _is_mostly_disturbed(parts: Sequence[Part]) -> bool:
    return sum(_wall_ns(part) for part in parts if not _is_disturbed(part)) < KEPT * sum(
        map(_wall_ns, parts)
    )


def _counts(parts: Sequence[Part]) -> list[bool]:
    """Return of each part whether it counts."""
    counts = [not _is_disturbed(part) for part in parts]
    if all(counts) or _is_mostly_disturbed(parts):
        return [True] * len(parts)
    return counts


def _is_disturbed(part: Part) -> bool:
    return any(burst.disturbed for burst in part)


def _wall_ns(part: Part) -> int:
    return sum(burst.wall_ns for burst in part)
