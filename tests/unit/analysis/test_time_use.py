"""What a run's sessions spent their time on, from what is stored of them."""

from __future__ import annotations

from typing import Any

from bench.analysis.time_use import own_ns, time_use
from bench.storage.schema.latency import Session
from tests.fakes.records import session

S = 1_000_000_000


def spent(started: str = "a", wall_s: int = 10, **fields: Any) -> Session:
    """A session of 10 s: 3 s loading, 1 s first, 2 s warming up, 2 s timed."""
    parts: dict[str, Any] = {
        "load_ns": 3 * S, "first_inference_ns": S, "warmup_ns": [S, S], "started": started,
    }  # fmt: skip
    return session([1000, 1000], wall_ns=wall_s * S, **(parts | fields))


def test_sessions_one_after_the_other_add_up() -> None:
    use = time_use([spent("a"), spent("b", wall_s=12, build_ns=2 * S)])
    assert use is not None
    assert use.to_json() == {
        "wall_ns": 22 * S, "timed_ns": 4 * S, "opening_ns": 10 * S, "warmup_ns": 4 * S,
        "other_ns": 4 * S,
    }  # fmt: skip
    assert use.sentence == (
        "timed inference: 4 s of 22 s (18%); opening 10 s, warm-up 4 s, other 4 s"
    )


def test_sessions_that_took_turns_share_their_wall_time_and_nothing_else() -> None:
    use = time_use([spent(pid=1, wall_s=20), spent(pid=2, wall_s=20), spent("b", wall_s=20)])
    assert use is not None
    assert (use.wall_ns, use.timed_ns) == (40 * S, 6 * S)


def test_short_sessions_that_started_in_the_same_second_are_two() -> None:
    use = time_use([spent(wall_s=10), spent(wall_s=11)])
    assert use is not None
    assert use.wall_ns == 21 * S


def test_a_tool_that_prints_no_samples_says_nothing_of_its_time() -> None:
    mute = spent(samples_ns=[], reported_ns={"avg": S}, relative_l2=None)
    assert time_use([mute]) is None
    assert time_use([]) is None


def test_a_device_s_own_clock_may_leave_nothing_over() -> None:
    use = time_use([spent(wall_s=7)])
    assert use is not None
    assert use.other_ns == 0


def test_a_session_that_took_turns_took_its_own_time_alone() -> None:
    alone = session(wall_ns=10**10)
    by_turns = session(wall_ns=10**10, turn=3)
    own = by_turns.load_ns + by_turns.first_inference_ns
    own += sum(by_turns.warmup_ns) + sum(by_turns.samples_ns)
    assert own_ns(alone) == 10**10
    assert own_ns(by_turns) == own
