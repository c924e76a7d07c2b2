"""What a GPU's readings do to a grade: throttling, clocks, company, and a net taken in part."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis import grade
from bench.analysis.grade import Finding, findings
from bench.storage.schema.latency import Record
from tests.fakes.records import record

HELD: dict[str, Any] = {"sm_mhz_begin": 1380.0, "sm_mhz_end": 1380.0, "throttle_bits": 0x1}
BEFORE: dict[str, Any] = {"max_sm_mhz": 1530, "compute_processes": 0, "cgroup_throttled": 0}


def on_gpu(**changes: dict[str, Any]) -> Record:
    """Return a record of two sessions on a GPU whose clock was held."""
    values = {"before": BEFORE, "after": BEFORE, "covariates": HELD} | {"facts": {"engine": "e 1"}}
    plain = record(samples_ms=[[2.0], [2.0]], runner="tensorrt")
    update = {name: value | changes.get(name, {}) for name, value in values.items()}
    return plain.model_copy(
        update={"sessions": [one.model_copy(update=update) for one in plain.sessions]}
    )


def warnings(one: Record) -> list[str]:
    return grade.warnings(findings(one))


def finding(rule: str, one: Record) -> Finding:
    [found] = [it for it in findings(one) if it.rule == rule]
    return found


@pytest.mark.parametrize("rule", ["throttling", "clocks", "alone", "offload"])
def test_a_gpu_that_was_alone_and_held_is_an_a(rule: str) -> None:
    assert finding(rule, on_gpu()).grade == "A"


def test_on_a_gpu_its_own_clock_counts_and_not_the_hosts_governor() -> None:
    assert finding("clocks", on_gpu()).reason == "SM clock 1380 MHz, held still"
    assert "governor" in finding("clocks", record()).reason


def test_an_unlocked_clock_lowers_it_and_the_command_that_would_lock_it_is_told() -> None:
    loose = finding("clocks", on_gpu(covariates={"sm_mhz_end": 1455.0}))
    assert loose.grade == "B"
    assert loose.reason == "SM clock 1380 to 1455 MHz, not seen to be locked"
    assert loose.remedy.startswith("`sudo nvidia-smi -lgc 1380,1380`")


@pytest.mark.parametrize("bit", [0x4, 0x8, 0x20, 0x40, 0x80])
def test_a_throttled_session_lowers_it_and_is_a_remark(bit: int) -> None:
    hot = on_gpu(covariates={"throttle_bits": bit})
    assert finding("throttling", hot).grade == "C"
    assert warnings(hot) == ["throttled by a limit of the GPU in 2 of 2 sessions"]


def test_a_limit_that_held_the_clock_meanwhile_lowers_it_too() -> None:
    assert finding("throttling", on_gpu(covariates={"power_violation_ms": 3.0})).grade == "C"


@pytest.mark.parametrize("when", ["before", "after"])
def test_company_on_the_gpu_lowers_it_and_is_a_remark(when: str) -> None:
    shared = on_gpu(**{when: {"compute_processes": 2}})
    assert finding("alone", shared).grade == "C"
    assert warnings(shared) == ["other processes computed on the GPU in 2 of 2 sessions"]


def test_a_net_that_was_taken_in_part_is_a_d_and_a_remark_at_its_figure() -> None:
    part = on_gpu(facts={"offload": "partial (TensorRT took 1 sub-graph of 6 nodes in all)"})
    assert finding("offload", part).grade == "D"
    assert warnings(part) == ["offload partial (TensorRT took 1 sub-graph of 6 nodes in all)"]
    assert finding("offload", on_gpu(facts={"offload": "whole"})).grade == "A"


def without(one: Record, *names: str) -> Record:
    """Return the record without these readings."""

    def left(values: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key not in names}

    parts = ("before", "after", "covariates")
    sessions = [
        it.model_copy(update={part: left(getattr(it, part)) for part in parts})
        for it in one.sessions
    ]
    return one.model_copy(update={"sessions": sessions})


@pytest.mark.parametrize(
    ("rule", "names", "reason"),
    [
        ("throttling", ["throttle_bits"], "a limit of the GPU held it back could not be read"),
        ("clocks", ["sm_mhz_begin", "sm_mhz_end"], "the GPU's clock could not be read"),
        ("alone", ["compute_processes"], "other processes computed on the GPU could not be read"),
    ],
)
def test_what_a_gpu_did_not_tell_allows_b_at_most_and_the_remedy_is_one_for_a_gpu(
    rule: str, names: list[str], reason: str
) -> None:
    found = finding(rule, without(on_gpu(before={"governor": "powersave"}), *names))
    assert found.grade == "B"
    assert reason in found.reason
    assert "nvidia" in found.remedy
    assert "cpupower" not in found.remedy


def test_a_quota_of_the_host_holds_a_gpu_back_too() -> None:
    hit = finding("throttling", on_gpu(after={"cgroup_throttled": 9}))
    assert (hit.grade, hit.remedy) == ("C", "raise the quota of its container or service")
