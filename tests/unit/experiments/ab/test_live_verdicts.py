"""A live comparison's records: their evidence, verdicts and doubts."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.live_verdicts import evidence, log_ratios, verdicts
from bench.config.thresholds import DEFAULT
from bench.storage.schema.ab import AbRecord, ArmFailed, ArmName
from bench.storage.schema.common import Failed, Skipped
from tests.fakes.ab_bench import FAILED, ONE, TWO, Bench, pair
from tests.fakes.values import cell


def test_the_first_sample_of_each_burst_is_stored_and_does_not_count() -> None:
    (record,) = Bench(lambda *_: 1.1).run(pair())
    assert all(it.ns[0] == 9_000_000 for one in record.sessions for it in one.bursts)
    assert log_ratios(record) == pytest.approx([0.09531] * 3, abs=1e-5)
    found = evidence(record)
    assert found is not None
    assert (found.base_ns, found.head_ns) == (1_000_000, 1_100_000)
    assert found.df == 2


def compare(*records: AbRecord) -> Any:
    return verdicts(records, base="a", head="b", gate=DEFAULT)


@pytest.mark.parametrize(
    ("ratio", "verdict", "status"),
    [(1.0, "SAME", 0), (1.02, "SAME", 0), (1.1, "SLOWER", 1), (0.9, "FASTER", 0)],
)
def test_measured_cells_are_judged_by_the_rules_of_all_comparisons_and_are_no_advice(
    ratio: float, verdict: str, status: int
) -> None:
    found = compare(*Bench(lambda *_: ratio).run(pair()))
    assert [it.verdict for it in found.cells] == [verdict]
    assert (found.doubts, found.exit_status) == ((), status)


@pytest.mark.parametrize(("arm", "verdict"), [("head", "MISSING"), ("base", "INCOMPARABLE")])
@pytest.mark.parametrize(
    ("why", "told"),
    [
        (FAILED.why, "has no figure (crash: it fell): look"),
        (Skipped(reason="no such chip", hint="buy one"), "has no figure (no such chip): buy one"),
    ],
)
def test_an_arm_without_a_figure_is_never_a_pass(
    arm: ArmName, verdict: str, why: Failed | Skipped, told: str
) -> None:
    bench = Bench(lambda one, _: ArmFailed(arm=arm, why=why) if one is ONE else 1.0)
    found = compare(*bench.run(pair(ONE), pair(TWO)))
    assert [it.verdict for it in found.cells] == [verdict, "SAME"]
    assert found.cells[0].reason == f"{arm} {told}"
    assert found.exit_status == 3


def test_a_cell_that_was_interrupted_early_is_inconclusive() -> None:
    bench = Bench()
    bench.run(pair())
    assert compare(bench.written[1]).cells[0].verdict == "INCONCLUSIVE"
    assert compare(bench.written[0]).exit_status == 3


def test_where_most_cells_move_one_way_that_is_said() -> None:
    cells = [cell(variant=f"v{n}") for n in range(4)]
    found = compare(*Bench(lambda *_: 1.2).run(*(pair(it) for it in cells)))
    assert any("4 of 4 cells are slower" in note for note in found.notes)
    assert any("the change is of bursts that ran in turns" in note for note in found.notes)


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"power_mode": "high"}, "head: power_mode high was in force where no_bind was asked for"),
        (
            {"power_mode": "no_bind", "precision": "bf16"},
            "base and head: precision bf16 was in force where fp32 was asked for",
        ),
    ],
)
@pytest.mark.parametrize("ratio", [1.0, 1.2])
def test_what_was_not_in_force_as_it_was_asked_for_makes_it_advice(
    ratio: float, facts: dict[str, str], doubt: str
) -> None:
    asked = cell(settings=(("power_mode", "no_bind"),))
    base = cell() if "precision" not in facts else asked
    (record,) = Bench(lambda *_: ratio).run(pair(base, asked))
    arms = record.sessions[0].arms
    told = {name: arm.model_copy(update={"facts": facts}) for name, arm in arms.items()}
    sessions = [it.model_copy(update={"arms": told}) for it in record.sessions]
    found = compare(record.model_copy(update={"sessions": sessions}))
    assert (found.doubts, found.exit_status) == ((f"{record.label}: {doubt}",), 3)


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"facts": {"threads_worked": "2"}}, "effective threads: 1 in BASE, 2 in HEAD"),
        ({"facts": {"affinity": "0,1"}}, "cores to run on: 0 in BASE, 0,1 in HEAD"),
        ({"steady": False}, "the warm-up had not settled in 3 of 3 sessions of HEAD"),
    ],
)
def test_arms_that_did_not_run_alike_give_advice(changes: dict[str, Any], doubt: str) -> None:
    (record,) = Bench(lambda *_: 1.2).run(pair())
    alike = {"facts": {"threads_worked": "1", "affinity": "0"}}
    arms = {
        "base": record.sessions[0].arms["base"].model_copy(update=alike),
        "head": record.sessions[0].arms["head"].model_copy(update=alike | changes),
    }
    sessions = [it.model_copy(update={"arms": arms}) for it in record.sessions]
    found = compare(record.model_copy(update={"sessions": sessions}))
    assert (found.doubts, found.exit_status) == ((f"{doubt} ({record.label})",), 3)
    assert found.cells[0].verdict == "SLOWER"


def test_an_arm_of_more_threads_may_have_more_of_them_at_work() -> None:
    two = cell(threads=2)
    (record,) = Bench(lambda *_: 1.2).run(pair(cell(), two))
    arms = {
        name: arm.model_copy(update={"facts": {"threads_worked": str(count)}})
        for (name, arm), count in zip(record.sessions[0].arms.items(), (1, 2), strict=True)
    }
    sessions = [it.model_copy(update={"arms": arms}) for it in record.sessions]
    assert compare(record.model_copy(update={"sessions": sessions})).doubts == ()
