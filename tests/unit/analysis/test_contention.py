"""What others took of the CPU, and which bursts count, from the times that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.contention import (
    Taken,
    counted_bursts,
    counted_ns,
    taken,
    taken_of_arms,
)
from bench.analysis.live_verdicts import log_ratios, verdicts
from bench.config.thresholds import DEFAULT
from bench.storage.schema.ab import AbRecord, AbSession
from bench.storage.schema.latency import Session
from tests.fakes.records import session as stored
from tests.fakes.records import waited

MS = 1_000_000


def session(*waits: float, affinity: str | None = "0,1", slow: float = 10.0) -> Session:
    """Return a session of bursts of two samples: of 1 ms, `slow` ms in the disturbed."""
    samples = [slow if wait > 0.02 else 1.0 for wait in waits for _ in "ab"]
    facts = {} if affinity is None else {"affinity": affinity}
    return stored(samples, facts=facts, bursts=waited(*waits))


def test_a_session_that_nobody_disturbed_counts_whole() -> None:
    calm = session(0, 0.01, 0.02, 0)
    assert counted_ns(calm) == calm.samples_ns
    assert taken(calm) == Taken(cpu_share=0.9925, contended=False)


def test_disturbed_bursts_do_not_count_where_the_others_hold_half_of_the_time() -> None:
    few = session(0, 0.3, 0, 0.5)
    assert counted_ns(few) == [MS] * 4
    assert taken(few) == Taken(cpu_share=0.8, contended=False)


def test_a_session_that_was_disturbed_most_of_the_time_counts_whole_and_is_contended() -> None:
    many = session(0.3, 0.3, 0, 0.5)
    assert counted_ns(many) == many.samples_ns
    assert taken(many) == Taken(cpu_share=0.725, contended=True)


def test_half_is_half_of_the_time_and_not_of_the_samples() -> None:
    bursts = {"samples": [2, 2], "wait_ns": [0, 90], "cpu_ns": [99, 11], "wall_ns": [99, 101]}
    one = stored([1.0] * 4, bursts=bursts)
    assert taken(one) == Taken(cpu_share=110 / 200, contended=True)


def test_threads_of_ones_own_that_wait_for_each_other_are_no_neighbours() -> None:
    """Two threads on one core: each waits half of the time, and no core is idle or taken."""
    bursts = {"samples": [2, 2], "wait_ns": [100, 100], "cpu_ns": [100, 99], "wall_ns": [100, 100]}
    on_one = stored([1.0] * 4, bursts=bursts, facts={"affinity": "1"})
    assert taken(on_one) == Taken(cpu_share=199 / 200, contended=False)
    on_two = stored([1.0] * 4, bursts=bursts, facts={"affinity": "0,1"})
    assert taken(on_two) == Taken(cpu_share=199 / 399, contended=True)
    unknown = stored([1.0] * 4, bursts=bursts, facts={})
    assert taken(unknown) == taken(on_two)


def test_a_session_of_which_nothing_is_known_counts_whole() -> None:
    old = stored([1.0, 9.0])
    assert (counted_ns(old), taken(old)) == ([MS, 9 * MS], None)
    averages = {"min": 4, "avg": 5, "max": 6}
    tool = stored([], samples_ns=[], relative_l2=None, reported_ns=averages)
    assert (counted_ns(tool), taken(tool)) == ([5], None)


@given(waits=st.lists(st.floats(0, 0.99), min_size=1, max_size=20), slow=st.floats(0.5, 50))
def test_what_counts_hangs_on_the_waits_alone(waits: Sequence[float], slow: float) -> None:
    """Other samples with the same waits: the same ones of them count."""
    plain = session(*waits)
    numbered = plain.model_copy(update={"samples_ns": list(range(1, 2 * len(waits) + 1))})
    other = session(*waits, slow=slow).model_copy(update={"samples_ns": numbered.samples_ns})
    assert counted_ns(numbered) == counted_ns(other)
    known = taken(plain)
    assert known is not None
    calm = sum(wait <= 0.02 for wait in waits)
    mostly = 2 * calm < len(waits)
    assert len(counted_ns(plain)) == 2 * (len(waits) if mostly else calm)
    assert known.contended == (mostly and sum(waits) / len(waits) > 0.05)


def test_a_session_that_waited_a_little_all_the_time_counts_whole_and_is_not_contended() -> None:
    little = session(0.03, 0.03, 0.04, 0.03, slow=1.03)
    assert len(counted_ns(little)) == 8
    known = taken(little)
    assert known is not None
    assert not known.contended


def arms(*waits: tuple[float, float]) -> AbSession:
    """Return a session with a pair of bursts for every two shares lost, of ratio 2 if disturbed."""
    bursts = []
    for pair in waits:
        ns = 2000 if max(pair) > 0.02 else 1000
        for arm, wait, each in zip(("base", "head"), pair, (1000, ns), strict=True):
            lost = round(100 * MS * wait)
            times = {"wait_ns": lost, "cpu_ns": 100 * MS - lost, "wall_ns": 100 * MS}
            bursts.append({"arm": arm, "ns": [each] * 3, **times})
    return ab_session(bursts)


def ab_session(bursts: Sequence[dict[str, Any]]) -> AbSession:
    arm = {
        "pid": 1, "load_ns": 1, "first_inference_ns": 1, "relative_l2": 0.0, "steady": True,
        "warmup_ns": [1], "facts": {"affinity": "0"}, "covariates": {},
    }  # fmt: skip
    return AbSession.model_validate({
        "started": "2024-05-01T12:00:00+00:00", "order": 0, "round": 0, "opened": ["base", "head"],
        "cores": [0], "wall_ns": 1, "arms": {"base": arm, "head": arm}, "bursts": bursts,
        "before": {}, "after": {},
    })  # fmt: skip


def test_a_pair_with_a_disturbed_burst_does_not_count_where_half_of_the_time_is_left() -> None:
    one = arms((0, 0.4), (0, 0), (0.01, 0), (0.3, 0))
    assert [it.ns[0] for it in counted_bursts(one)] == [1000] * 4
    assert taken_of_arms(one) == Taken(cpu_share=0.91125, contended=False)


def test_arms_that_were_disturbed_most_of_the_time_count_whole() -> None:
    one = arms((0, 0.4), (0, 0), (0.3, 0))
    assert counted_bursts(one) == one.bursts
    told = taken_of_arms(one)
    assert told is not None
    assert told.contended


def test_arms_of_which_a_burst_is_not_known_count_whole() -> None:
    bursts = [it.model_dump() for it in arms((0, 0.4), (0, 0)).bursts]
    del bursts[3]["wait_ns"]
    one = ab_session(bursts)
    assert (counted_bursts(one), taken_of_arms(one)) == (one.bursts, None)


def ab_record(one: AbSession) -> AbRecord:
    cell = {
        "variant": "x", "model_hash": "0", "runner": "paddle", "batch": 1, "threads": 1,
        "precision": "fp32", "input": "3x8x8", "settings": {},
    }  # fmt: skip
    rule = {"pairs": 4, "burst_s": 0.1, "least_calls": 3, "most_calls": 3, "dropped": 1}
    return AbRecord.model_validate({
        "pair_id": "p", "label": "the cell", "base": cell, "head": cell, "rule": rule,
        "outcome": {"kind": "measured", "stopped": "cap"}, "sessions": [one, one],
    })  # fmt: skip


def test_a_ratio_is_of_the_pairs_that_count() -> None:
    assert log_ratios(ab_record(arms((0, 0.4), (0, 0), (0, 0), (0.4, 0)))) == [0, 0]


def test_a_comparison_with_contended_sessions_is_advice_and_says_so() -> None:
    contended = ab_record(arms((0, 0.4), (0.4, 0), (0, 0)))
    told = verdicts([contended], base="a", head="b", gate=DEFAULT).doubts
    assert any("2 of 2 sessions of BASE are contended" in doubt for doubt in told)
    calm = ab_record(arms((0, 0), (0, 0), (0, 0)))
    assert not verdicts([calm], base="a", head="b", gate=DEFAULT).doubts
