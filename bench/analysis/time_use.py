"""How much of the time that a run's sessions took was timed inference. Pure: from sessions alone.

What the parent does between sessions, waits for a quiet machine and sessions that failed or were
repeated are in no part of it. Sessions that took turns have the same round, start and wall time:
that counts once, and what each of them did counts for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bench.core.units import NS_PER_S, duration
from bench.storage.schema.latency import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeUse:
    """Sums over sessions in ns: `timed` are the samples, `opening` is load, build and first
    inference.
    """

    wall_ns: int
    timed_ns: int
    opening_ns: int
    warmup_ns: int

    @property
    def other_ns(self) -> int:
        """The rest: starting and ending processes, checks, readings between bursts."""
        return max(0, self.wall_ns - self.timed_ns - self.opening_ns - self.warmup_ns)

    def to_json(self) -> dict[str, int]:
        """Return every part, in ns."""
        return asdict(self) | {"other_ns": self.other_ns}

    @property
    def sentence(self) -> str:
        opening, warmup, other = map(_text, (self.opening_ns, self.warmup_ns, self.other_ns))
        return (
            f"timed inference: {_text(self.timed_ns)} of {_text(self.wall_ns)} "
            f"({self.timed_ns / self.wall_ns:.0%}); opening {opening}, warm-up {warmup}, "
            f"other {other}"
        )


def time_use(sessions: Iterable[Session]) -> TimeUse | None:
    """Return what `sessions` spent their time on, None where none has samples and a duration."""
    known = [session for session in sessions if session.samples_ns and session.wall_ns]
    if not known:
        return None
    return TimeUse(
        wall_ns=sum({(it.round, it.started, it.wall_ns): it.wall_ns for it in known}.values()),
        timed_ns=sum(sum(it.samples_ns) for it in known),
        opening_ns=sum(map(_opening_ns, known)),
        warmup_ns=sum(sum(it.warmup_ns) for it in known),
    )


def own_ns(session: Session) -> int:
    """Return what a session took by itself: of those that took turns, without the others' time."""
    if session.turn is None:
        return session.wall_ns
    return _opening_ns(session) + sum(session.warmup_ns) + sum(session.samples_ns)


def _opening_ns(session: Session) -> int:
    return session.load_ns + (session.build_ns or 0) + session.first_inference_ns


def _text(ns: int) -> str:
    return duration(ns / NS_PER_S)
