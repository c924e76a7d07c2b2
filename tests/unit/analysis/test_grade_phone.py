"""A phone's own signs of throttling lower the grade, and no other machine's do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bench.analysis.grade import explain, findings, warnings
from bench.storage.schema.latency import Record
from tests.fakes.records import record

COOL: dict[str, Any] = {"capped_cores": 0, "thermal_status": 0}
EVEN = (2.0,) * 30
SLOWING = (2.0,) * 20 + (2.3,) * 10


def made(
    samples_ms: Sequence[float] = EVEN,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Record:
    """Return a record of three sessions, the readings of the last as given, of the others cool."""
    plain = record(samples_ms=[EVEN, EVEN, samples_ms], runner="paddle-lite")
    last = {"before": COOL if before is None else before, "after": COOL if after is None else after}
    changes = [{"before": COOL, "after": COOL}, {"before": COOL, "after": COOL}, last]
    pairs = zip(plain.sessions, changes, strict=True)
    sessions = [session.model_copy(update=change) for session, change in pairs]
    return plain.model_copy(update={"sessions": sessions})


def letter(one: Record) -> str:
    (found,) = [finding for finding in findings(one) if finding.rule == "throttling"]
    return found.grade


def test_a_cool_phone_is_an_a() -> None:
    assert letter(made()) == "A"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("sign", [{"capped_cores": 2}, {"thermal_status": 1}], ids=str)
def test_a_capped_clock_or_a_raised_status_lowers_it(when: str, sign: dict[str, int]) -> None:
    hit = made(**{when: COOL | sign})  # type: ignore[arg-type]
    assert letter(hit) == "C"
    assert warnings(findings(hit)) == ["throttled by heat in 1 of 3 sessions"]


@pytest.mark.parametrize("known", [{"capped_cores": 0}, {"thermal_status": 0}], ids=str)
def test_a_phone_that_slows_down_within_a_session_is_lowered(known: dict[str, int]) -> None:
    assert letter(made(SLOWING, before=known, after={})) == "C"
    assert letter(made(SLOWING, before={}, after=known)) == "C"


def test_a_phone_that_tells_nothing_of_heat_is_a_b() -> None:
    assert letter(made(before={}, after={})) == "B"


def test_no_remedy_sends_a_phones_owner_to_another_machine() -> None:
    said = " ".join(explain(findings(made(before={}, after={}))))
    assert "cpupower" not in said
    assert "rooted phone" in said
    assert not [it for it in findings(made()) if it.rule == "steal" and it.grade != "A"]


def test_another_machine_that_slows_down_within_a_session_is_not_throttled() -> None:
    other: dict[str, Any] = {"throttle_count": 0, "cgroup_throttled": 0, "temperature_c": 80.0}
    plain = record(samples_ms=[SLOWING] * 3)
    sessions = [it.model_copy(update={"before": other, "after": other}) for it in plain.sessions]
    assert letter(plain.model_copy(update={"sessions": sessions})) == "A"
