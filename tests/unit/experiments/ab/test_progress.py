"""The loop of a live comparison, over sessions that a function makes up."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.analysis.interleaved import Growth
from bench.analysis.live_verdicts import evidence, log_ratios, verdicts
from bench.config.thresholds import DEFAULT
from bench.core.cell import Cell
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import Pair, pending_sessions
from bench.experiments.session import Start
from bench.storage.schema.ab import (
    AbMeasured,
    AbRecord,
    AbSession,
    AbUnfinished,
    ArmFailed,
    ArmName,
)
from bench.storage.schema.common import Failed, Skipped
from tests.fakes.values import cell

RULE = Rule(pairs=2)
GROWTH = Growth(sessions=3, max_sessions=6, half_width=0.01, grow_for_s=1000.0)
ONE, TWO = cell(), cell(variant="x0_5")
FAILED = ArmFailed(
    arm="head", why=Failed(failure="crash", message="it\nfell", hint="look", log_tail="")
)


def pair(base: Cell = ONE, head: Cell | None = None, failed: ArmFailed | None = None) -> Pair:
    def start(_: random.Random) -> Mapping[ArmName, Start]:
        # The made-up measuring knows a cell by this.
        return {"base": base}  # type: ignore[dict-item]

    return Pair(base=base, head=head or base, start=start, failed=failed)


def session(ratio: float, order: int = 0, round_: int = 0) -> AbSession:
    arm = {
        "pid": 1, "load_ns": 1, "first_inference_ns": 1, "relative_l2": 0.0, "steady": True,
        "warmup_ns": [1], "facts": {}, "covariates": {},
    }  # fmt: skip
    bursts = [
        {"arm": "base", "ns": [9_000_000, 1_000_000, 1_000_000]},
        {"arm": "head", "ns": [9_000_000, *[round(1e6 * ratio)] * 2]},
    ]
    return AbSession.model_validate(
        {
            "started": "2026-01-02T03:04:05+00:00", "order": order, "round": round_,
            "opened": ["head", "base"], "cores": [0], "wall_ns": 5,
            "arms": {"base": arm, "head": arm}, "bursts": bursts * 2, "before": {}, "after": {},
        }
    )  # fmt: skip


@dataclass
class Bench:
    """Answers each session by `ratio(cell, how many that cell has had)`; a session takes 10 s."""

    ratio: Callable[[Cell, int], float | ArmFailed] = lambda *_: 1.0
    measured: list[tuple[Cell, int]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    draws: list[float] = field(default_factory=list)
    written: list[AbRecord] = field(default_factory=list)
    told: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, starts: Any, *, order: int, round_: int, chance: Any) -> Any:
        one = starts["base"]
        count = sum(it is one for it, _ in self.measured)
        self.measured.append((one, round_))
        self.orders.append(order)
        self.draws.append(chance.random())
        found = self.ratio(one, count)
        return found if isinstance(found, ArmFailed) else session(found, order, round_)

    def run(
        self,
        *pairs: Pair,
        seed: int = 0,
        growth: Growth = GROWTH,
        begun: Sequence[AbRecord] = (),
    ) -> list[AbRecord]:
        for unit in pending_sessions(
            pairs, measure=self, write=self.written.append, rule=RULE, growth=growth, seed=seed,
            begun=begun, clock=lambda: 10.0 * len(self.measured),
        ):  # fmt: skip
            self.told.append((unit.label, unit.left))
            unit.execute()
        last = {record.pair_id: record for record in self.written}
        return [last[one.id] for one in pairs]


def stops(records: list[AbRecord]) -> list[str]:
    return [it.outcome.stopped if isinstance(it.outcome, AbMeasured) else "" for it in records]


def test_a_cell_whose_interval_is_narrow_has_three_sessions_numbered_in_order() -> None:
    bench = Bench()
    (record,) = bench.run(pair())
    assert stops([record]) == ["narrow"]
    assert [it.round for it in record.sessions] == [0, 1, 2]
    assert bench.orders == [0, 1, 2]
    assert bench.told == [(ONE.label, 6), (ONE.label, 5), (ONE.label, 4)]


def test_a_cell_grows_until_its_own_interval_is_narrow_or_to_the_cap() -> None:
    def wide(one: Cell, count: int) -> float:
        return 1.0 + 0.2 * (count % 2) if one is ONE else 1.1

    bench = Bench(wide)
    records = bench.run(pair(ONE), pair(TWO))
    assert stops(records) == ["cap", "narrow"]
    assert [len(it.sessions) for it in records] == [6, 3]


def test_every_round_has_every_cell_once_in_an_order_of_its_own_by_the_seed() -> None:
    def order(seed: int) -> list[str]:
        bench = Bench(lambda _, count: 1.0 + 0.2 * (count % 2))
        bench.run(pair(ONE), pair(TWO), seed=seed)
        rounds = [round_ for _, round_ in bench.measured]
        assert rounds == sorted(rounds)
        assert all(
            {*bench.measured[i : i + 2]} == {(ONE, i // 2), (TWO, i // 2)} for i in range(0, 12, 2)
        )
        return [it.variant for it, _ in bench.measured]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(4)}) > 1


def test_growth_ends_with_the_time_that_there_is() -> None:
    bench = Bench(lambda _, count: 1.0 + 0.2 * (count % 2))
    growth = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=40.0)
    (record,) = bench.run(pair(), growth=growth)
    assert stops([record]) == ["time"]
    assert len(record.sessions) == 4
    short = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=5.0)
    (record,) = Bench(bench.ratio).run(pair(), growth=short)
    assert len(record.sessions) == 3


def test_a_cell_that_comes_late_in_a_round_does_not_grow_past_the_time() -> None:
    growth = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=65.0)
    records = Bench(lambda _, count: 1.0 + 0.2 * (count % 2)).run(
        pair(ONE), pair(TWO), growth=growth
    )
    assert stops(records) == ["time", "time"]
    # 6 sessions took 60 s; the first of the fourth round went past the time, and is the last.
    assert sorted(len(it.sessions) for it in records) == [3, 4]


def test_a_session_that_failed_ends_its_cell_and_no_other() -> None:
    bench = Bench(lambda one, count: FAILED if one is ONE and count == 1 else 1.0)
    one, two = bench.run(pair(ONE), pair(TWO))
    assert one.outcome == FAILED
    assert len(one.sessions) == 1
    assert stops([two]) == ["narrow"]
    assert sum(it is ONE for it, _ in bench.measured) == 2


def test_a_cell_without_an_artifact_is_never_measured() -> None:
    bench = Bench()
    one, two = bench.run(pair(ONE, failed=FAILED), pair(TWO))
    assert one.outcome == FAILED
    assert {it for it, _ in bench.measured} == {TWO}
    assert stops([two]) == ["narrow"]


def test_a_record_is_written_before_the_first_session_and_after_each() -> None:
    bench = Bench()
    bench.run(pair())
    assert [len(it.sessions) for it in bench.written] == [0, 1, 2, 3]
    assert isinstance(bench.written[0].outcome, AbUnfinished)
    assert isinstance(bench.written[-1].outcome, AbMeasured)


def test_a_pair_of_unlike_cells_is_named_by_both() -> None:
    other = cell(threads=2)
    assert pair(ONE).id == ONE.id
    assert pair(ONE).label == ONE.label
    assert pair(ONE, other).id == f"{ONE.id}--{other.id}"
    assert pair(ONE, other).label == f"{ONE.label} -> {other.label}"


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
