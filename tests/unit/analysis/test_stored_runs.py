"""Two stored runs: which cells may be compared, and what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scipy.stats import ttest_ind

from bench.analysis.stored_doubts import Side
from bench.analysis.stored_runs import welch
from bench.analysis.verdicts import CellVerdict
from bench.storage.schema.latency import Record
from tests.fakes.records import facts, failed, provenance, record, skipped, system
from tests.fakes.stored_sides import STEADY, compared, side, steady


def only(base: Side, head: Side) -> CellVerdict:
    (found,) = compared(base, head).cells
    return found


def test_welchs_numbers_are_scipys() -> None:
    base, head = [2.0, 2.1, 2.05], [2.2, 2.6, 2.3, 2.25]
    log_ratio, se, df = welch(base, head)
    told = ttest_ind([math.log(x) for x in head], [math.log(x) for x in base], equal_var=False)
    assert log_ratio / se == pytest.approx(told.statistic)
    assert df == pytest.approx(told.df)


def test_one_session_a_side_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match="two sessions a side"):
        welch([2.0], [2.0, 2.1])


def test_the_same_cell_is_judged_by_its_sessions_medians() -> None:
    slower = [[2.4, 2.4, 99.0], [2.41, 2.41, 50.0], [2.39, 2.39, 70.0]]
    found = only(side(steady()), side(record(samples_ms=slower)))
    assert found.verdict == "SLOWER"
    assert found.ratio == pytest.approx(1.2, rel=1e-3)
    assert found.base_ns == pytest.approx(2e6, rel=1e-3)
    assert found.head_ns == pytest.approx(2.4e6, rel=1e-3)
    assert found.label == "x0_25 paddle batch 1, 1 thread onednn=on"


def test_the_preset_may_ask_for_means() -> None:
    mean = {"statistic": "mean"}
    odd = [[1.0, 1.0, 5.2], [1.0, 1.0, 5.212], [1.0, 1.0, 5.188]]
    found = only(side(steady(sampling=mean)), side(record(samples_ms=odd, sampling=mean)))
    assert found.ratio == pytest.approx(1.2, rel=1e-2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"batch": 4}, "batch: 1 in BASE, 4 in HEAD"),
        ({"threads": 2}, "threads: 1 in BASE, 2 in HEAD"),
        ({"precision": "fp16"}, "precision: fp32 in BASE, fp16 in HEAD"),
        ({"input": "3x32x32"}, "input: 3x224x224 in BASE, 3x32x32 in HEAD"),
        ({"runner": "other"}, "runner: paddle in BASE, other in HEAD"),
        ({"settings": {"onednn": "off"}}, "onednn: on in BASE, off in HEAD"),
        ({"settings": {}}, "onednn: on in BASE, unset in HEAD"),
        (
            {"model_hash": "ffff"},
            "net or weights: 0123456789abcdef in BASE, ffff in HEAD",
        ),
        ({"sampling": {"preset": "quick"}}, "preset: standard in BASE, quick in HEAD"),
        ({"sampling": {"statistic": "mean"}}, "statistic: median in BASE, mean in HEAD"),
    ],
)  # fmt: skip
def test_another_workload_is_incomparable_with_the_field_that_differs(
    change: dict[str, Any], reason: str
) -> None:
    found = only(side(steady()), side(steady(**change)))
    assert (found.verdict, found.reason) == ("INCOMPARABLE", reason)


def test_other_weights_are_told_by_their_kind_and_by_their_bytes() -> None:
    def of(kind: str, digest: str, **cell: str) -> Side:
        known = facts("a net", weights=kind, weights_sha256=digest)
        return side(steady(**cell), models={"x0_25": known})

    kinds = only(of("seeded", "a" * 64), of("pretrained", "a" * 64, model_hash="ffff"))
    assert kinds.reason == "weights: seeded in BASE, pretrained in HEAD"
    other = only(of("file", "a" * 64), of("file", "b" * 64))
    assert (other.verdict, other.reason) == (
        "INCOMPARABLE", f"weights: {'a' * 12} in BASE, {'b' * 12} in HEAD"
    )  # fmt: skip
    assert only(of("file", "a" * 64), of("file", "a" * 64)).verdict == "SAME"


def test_other_hardware_makes_every_cell_incomparable() -> None:
    head = side(steady(), steady("x1_0"), on=system(system_id="other-box"))
    found = compared(side(steady(), steady("x1_0")), head).cells
    assert {(one.verdict, one.reason) for one in found} == {
        ("INCOMPARABLE", "hardware: amd-epyc-2c-0123abcd in BASE, other-box in HEAD")
    }


def test_what_was_in_force_counts_whatever_was_asked_for() -> None:
    def forced(**told: str) -> Side:
        one = steady()
        sessions = [s.model_copy(update={"facts": {**s.facts, **told}}) for s in one.sessions]
        return side(one.model_copy(update={"sessions": sessions}))

    assert only(forced(precision="fp32"), forced(precision="bf16")).reason == (
        "precision in force: fp32 in BASE, bf16 in HEAD"
    )
    assert only(forced(onednn="on"), forced(onednn="off")).verdict == "INCOMPARABLE"
    # Where one side didn't tell, nothing contradicts what was asked for.
    assert only(forced(), forced(precision="fp32")).verdict == "SAME"
    assert only(forced(engine="a 1"), forced(engine="a 2")).verdict == "SAME"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (side(steady("x1_0")), "HEAD has no such cell"),
        (side(record(outcome=failed())), "it failed in HEAD (crash): the child died of SIGSEGV"),
        (side(record(outcome=skipped())), "it was skipped in HEAD: this chip has no such unit"),
        (
            side(cells={steady().cell_id: steady().cell}, status="interrupted"),
            "HEAD planned it and has no record of it (the run is interrupted)",
        ),
    ],
)
def test_a_cell_that_has_no_figure_any_more_is_missing(head: Side, reason: str) -> None:
    found = compared(side(steady()), head)
    assert [(one.verdict, one.reason) for one in found.cells] == [("MISSING", reason)]
    assert found.exit_status == 3


def test_a_cell_that_has_its_own_partner_is_none_for_another() -> None:
    base = side(steady(), steady(threads=2))
    found = compared(base, side(steady()))
    assert [one.verdict for one in found.cells] == ["SAME", "MISSING"]


def test_one_cell_of_head_is_the_partner_of_one_cell_alone() -> None:
    found = compared(side(steady(), steady(batch=4)), side(steady(threads=2)))
    assert [one.verdict for one in found.cells] == ["INCOMPARABLE", "MISSING"]


def test_a_cell_of_another_runner_and_batch_is_no_partner() -> None:
    found = compared(side(steady(threads=2)), side(steady(runner="mnn", batch=4)))
    assert [one.verdict for one in found.cells] == ["MISSING"]


def test_the_nearest_of_the_same_net_is_the_partner() -> None:
    head = side(steady(batch=8, threads=2), steady(threads=2), steady("x1_0"))
    found = compared(side(steady()), head)
    assert found.cells[0].reason == "threads: 1 in BASE, 2 in HEAD"
    assert found.notes[-1].startswith(
        "in HEAD alone, so without a verdict: x0_25-paddle-fp32-b8-t2"
    )
    assert "x1_0-paddle" in found.notes[-1]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (record(samples_ms=[[2.0]]), "one session in HEAD bears no interval"),
        (
            record(samples_ms=STEADY).model_copy(
                update={
                    "sessions": [
                        s.model_copy(update={"samples_ns": [], "reported_ns": {"avg": 2_000_000}})
                        for s in steady().sessions
                    ]
                }
            ),
            "a tool's averages in HEAD bear no interval",
        ),
    ],
)
def test_what_bears_no_interval_is_inconclusive(head: Record, reason: str) -> None:
    found = only(side(steady()), side(head))
    assert (found.verdict, found.reason) == ("INCONCLUSIVE", reason)


def test_what_else_changed_between_the_runs_is_told() -> None:
    head = side(
        steady(engine="paddle 3.3.0"),
        run_id="another-run",
        provenance=provenance(commit="feed" * 10),
    )
    assert compared(side(steady()), head).notes == (
        "between the runs: engine paddle 3.2.0 -> paddle 3.3.0",
        "between the runs: harness commit 0badc0de -> commit feedfeed",
    )


def test_a_run_against_itself_is_told_as_that() -> None:
    assert compared(side(steady()), side(steady())).notes == ("BASE and HEAD are the same run",)


@pytest.mark.parametrize(
    ("status", "words"),
    [("interrupted", "was interrupted"), ("running", "is under way or was killed")],
)
def test_a_run_that_is_not_complete_is_named_once_with_what_completes_it(
    status: str, words: str
) -> None:
    cut = side(steady(), run_id="20240502T120000Z-0badc0de-00000002", status=status)
    note = (
        f"run {cut.manifest.run_id} {words}: cells that were left have no figure in it; "
        f"`python -m bench run --resume {cut.manifest.run_id}` measures them"
    )
    for found in (compared(cut, side(steady())), compared(side(steady()), cut), compared(cut, cut)):
        assert [one for one in found.notes if "cells that were left" in one] == [note]
    assert not [one for one in compared(side(steady()), side(steady())).notes if "left" in one]
