"""Records of live comparisons: how many samples a burst needs, and what an arm is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bench.storage.schema.ab import AbRecord, CommandFields, RuleFields

RULE = {"pairs": 1, "burst_s": 0.05, "least_calls": 1, "most_calls": 200, "dropped": 0}


def record(*, dropped: int = 0, samples: int = 1) -> dict[str, Any]:
    arm = {"kind": "command", "pid": 1, "warmup_ns": [1]}
    ns = [1000] * samples
    return {
        "pair_id": "a", "label": "a", "outcome": {"kind": "unfinished"},
        "base": {"words": ["true"], "digest": "1"}, "head": {"words": ["true"], "digest": "1"},
        "rule": {**RULE, "dropped": dropped, "least_calls": dropped + 1},
        "sessions": [{
            "started": "2024-05-01T12:00:00+00:00", "order": 0, "round": 0,
            "opened": ["base", "head"], "cores": [], "wall_ns": 1, "before": {}, "after": {},
            "arms": {"base": arm, "head": arm},
            "bursts": [{"arm": "head", "ns": ns}, {"arm": "base", "ns": ns}],
        }],
    }  # fmt: skip


def test_a_burst_of_one_run_is_one_where_nothing_is_dropped() -> None:
    stored = AbRecord.model_validate(record())
    assert isinstance(stored.base, CommandFields)
    assert (stored.cells, stored.sessions[0].nets) == ({}, {})
    assert AbRecord.model_validate_json(stored.model_dump_json()) == stored


@pytest.mark.parametrize(("dropped", "samples"), [(1, 1), (2, 2), (2, 1)])
def test_a_burst_without_a_sample_that_counts_is_refused(dropped: int, samples: int) -> None:
    with pytest.raises(ValidationError, match="no sample beside those that are dropped"):
        AbRecord.model_validate(record(dropped=dropped, samples=samples))


@pytest.mark.parametrize("calls", [{"least_calls": 1}, {"least_calls": 2, "most_calls": 1}])
def test_so_is_a_rule_that_leaves_none(calls: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="no sample beside those that are dropped"):
        RuleFields.model_validate({**RULE, "dropped": 1, **calls})
