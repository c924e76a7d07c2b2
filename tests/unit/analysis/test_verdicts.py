"""The rules of a comparison, by cases, by properties and by simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from bench.analysis.stored_runs import welch
from bench.analysis.verdicts import (
    CellEvidence,
    CellVerdict,
    Comparison,
    Word,
    adjusted,
    counts,
    judge,
    percent,
    same_way,
)
from bench.config.thresholds import Gate

MIRROR = {"SLOWER": "FASTER", "FASTER": "SLOWER"}
RATIOS = st.floats(0.5, 2.0)
CELLS = st.lists(
    st.tuples(st.floats(-0.5, 0.5), st.floats(0.0, 0.2), st.floats(1.0, 40.0)),
    min_size=1,
    max_size=25,
)
LATENCIES = st.lists(st.floats(1e5, 1e8), min_size=2, max_size=10)


def evidence(
    ratio: float = 1.0, *, se: float = 0.002, df: float = 8, cell: int = 0
) -> CellEvidence:
    return CellEvidence(
        cell_id=f"cell-{cell}", label=f"cell {cell}", log_ratio=math.log(ratio), se=se, df=df
    )


def verdict(ratio: float, gate: Gate | None = None, **more: float) -> CellVerdict:
    (found,) = judge([evidence(ratio, **more)], gate or Gate())  # type: ignore[arg-type]
    return found


def words(*ratios: float, se: float = 0.002) -> list[str]:
    cells = [evidence(ratio, se=se, cell=index) for index, ratio in enumerate(ratios)]
    return [one.verdict for one in judge(cells)]


def plain(word: Word) -> CellVerdict:
    return CellVerdict(cell_id=word, label=word, verdict=word, reason="for a test")


def comparison(*found: Word, doubts: tuple[str, ...] = ()) -> Comparison:
    return Comparison(base="a", head="b", cells=tuple(map(plain, found)), doubts=doubts)


def test_a_clear_slowdown_and_a_clear_speed_up_are_told_with_ratio_and_interval() -> None:
    slower, faster = verdict(1.10), verdict(1 / 1.10)
    assert (slower.verdict, faster.verdict) == ("SLOWER", "FASTER")
    assert slower.ratio == pytest.approx(1.10)
    # t(0.975, 8) is 2.306.
    assert (slower.low, slower.high) == pytest.approx(
        (1.10 * math.exp(-0.002 * 2.306), 1.10 * math.exp(0.002 * 2.306)), rel=1e-5
    )


def test_a_change_below_the_minimum_effect_is_the_same_however_certain() -> None:
    assert verdict(1.029, se=0.0001).verdict == "SAME"
    assert verdict(1.031, se=0.0001).verdict == "SLOWER"
    assert verdict(1 / 1.029, se=0.0001).verdict == "SAME"
    assert verdict(1 / 1.031, se=0.0001).verdict == "FASTER"


def test_a_change_that_chance_may_have_made_is_inconclusive_or_the_same_by_its_bound() -> None:
    # t(0.95, 8) is 1.86: the bounds are +1.9% and +5.7%.
    assert verdict(1.0, se=0.01).verdict == "SAME"
    assert verdict(1.0, se=0.03).verdict == "INCONCLUSIVE"
    assert verdict(1.05, se=0.04).verdict == "INCONCLUSIVE"
    assert "+5.7%" in verdict(1.0, se=0.03).reason


def test_a_suite_may_ask_for_less_and_for_more() -> None:
    assert verdict(1.02, Gate(min_effect=0.01)).verdict == "SLOWER"
    assert verdict(1.08, Gate(min_effect=0.10)).verdict == "SAME"
    assert verdict(1.08, Gate(cells={"cell-*": 0.10})).verdict == "SAME"
    assert verdict(1.08, Gate(cells={"other-*": 0.10})).verdict == "SLOWER"
    assert "10%" in verdict(1.08, Gate(min_effect=0.10)).reason


def test_many_cells_ask_for_more_certainty_of_each() -> None:
    one = evidence(1.06, se=0.025, df=8, cell=99)
    assert judge([one])[0].verdict == "SLOWER"
    others = [evidence(1.0, se=0.001, cell=index) for index in range(20)]
    assert judge([one, *others])[0].verdict == "INCONCLUSIVE"


def test_no_spread_leaves_no_doubt() -> None:
    assert verdict(1.10, se=0.0).verdict == "SLOWER"
    assert verdict(1.0, se=0.0).verdict == "SAME"
    assert verdict(0.9, se=0.0).verdict == "FASTER"


@pytest.mark.parametrize(
    "numbers",
    [{"se": -0.1}, {"df": 0}, {"se": math.nan}, {"df": math.inf}, {"log_ratio": math.nan}],
)
def test_evidence_that_cannot_be_is_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cell cell-0"):
        replace(evidence(), **numbers)  # type: ignore[arg-type]


@given(ps=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_adjustment_is_benjamini_and_hochbergs(ps: list[float]) -> None:
    assert adjusted(ps) == pytest.approx(list(false_discovery_control(ps)))


@given(cells=CELLS)
def test_exchanging_the_arms_exchanges_faster_and_slower(
    cells: list[tuple[float, float, float]],
) -> None:
    ours = [
        CellEvidence(cell_id=str(i), label="", log_ratio=ratio, se=se, df=df)
        for i, (ratio, se, df) in enumerate(cells)
    ]
    theirs = [replace(one, log_ratio=-one.log_ratio) for one in ours]
    for one, other in zip(judge(ours), judge(theirs), strict=True):
        assert MIRROR.get(one.verdict) == (other.verdict if one.verdict in MIRROR else None)
        assert (other.verdict in MIRROR) == (one.verdict in MIRROR)


@given(cells=CELLS, effect=st.floats(0.005, 0.3))
def test_no_cell_is_slower_or_faster_below_the_minimum_effect(
    cells: list[tuple[float, float, float]], effect: float
) -> None:
    found = judge(
        [
            CellEvidence(cell_id=str(i), label="", log_ratio=ratio, se=se, df=df)
            for i, (ratio, se, df) in enumerate(cells)
        ],
        Gate(min_effect=effect),
    )
    for (log_ratio, _, _), one in zip(cells, found, strict=True):
        if one.verdict in MIRROR:
            assert abs(log_ratio) >= math.log1p(effect)
            assert one.verdict == ("SLOWER" if log_ratio > 0 else "FASTER")


@given(base=LATENCIES, head=LATENCIES, factor=st.floats(0.01, 100))
def test_scaling_both_arms_leaves_the_evidence(
    base: list[float], head: list[float], factor: float
) -> None:
    scaled = welch([factor * value for value in base], [factor * value for value in head])
    log_ratio, se, df = welch(base, head)
    assert scaled[0] == pytest.approx(log_ratio, abs=1e-9)
    assert scaled[1] == pytest.approx(se, rel=1e-6, abs=1e-9)
    if se > 1e-6:
        assert scaled[2] == pytest.approx(df, rel=1e-4)


def runs_with_an_alarm(*, sd: float, sessions: int, runs: int, cells: int = 21) -> int:
    """How many of `runs` comparisons of unchanged nets call a cell slower."""
    rng = np.random.default_rng(20240501)
    alarms = 0
    for _ in range(runs):
        logs = rng.normal(0, sd, (2, cells, sessions))
        found = judge([simulated(logs[0, i], logs[1, i], i) for i in range(cells)])
        alarms += any(one.verdict == "SLOWER" for one in found)
    return alarms


def simulated(base: np.ndarray, head: np.ndarray, cell: int) -> CellEvidence:
    log_ratio, se, df = welch(list(2e6 * np.exp(base)), list(2e6 * np.exp(head)))
    return CellEvidence(cell_id=f"cell-{cell}", label="", log_ratio=log_ratio, se=se, df=df)


@pytest.mark.parametrize("sd", [0.004, 0.01])
@pytest.mark.parametrize("sessions", [3, 5])
def test_unchanged_nets_give_an_alarm_in_two_percent_of_runs_at_most(
    sd: float, sessions: int
) -> None:
    assert runs_with_an_alarm(sd=sd, sessions=sessions, runs=300) <= 6


def test_a_slowdown_of_ten_percent_among_21_cells_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(100):
        logs = rng.normal(0, 0.004, (2, 21, 3))
        logs[1, 4] += math.log(1.10)
        said = judge([simulated(logs[0, i], logs[1, i], i) for i in range(21)])
        found += [one.verdict for one in said].index("SLOWER") == 4
    assert found == 100


def test_most_cells_one_way_are_told_as_that() -> None:
    assert same_way(judge([evidence(1.1, cell=i) for i in range(4)])) == "4 of 4 cells are slower"
    three = [evidence(1 / 1.1, cell=i) for i in range(3)]
    assert same_way(judge(three)) is None
    assert same_way(judge([*three, evidence(1.0, cell=9)])) == "3 of 4 cells are faster"
    assert same_way(judge([*three, evidence(cell=8), evidence(cell=9)])) is None


def test_cells_that_moved_without_being_told_apart_are_chance() -> None:
    noisy = [evidence(1.04, se=0.05, cell=i) for i in range(8)]
    assert same_way(judge(noisy)) is None
    # One that is told apart makes the others' moving a sign.
    certain = evidence(1.2, se=0.001, cell=9)
    assert same_way(judge([certain, *noisy])) == "9 of 9 cells are slower"


def test_a_cell_without_a_ratio_moves_no_way() -> None:
    moved = judge([evidence(1.1, cell=i) for i in range(4)])
    assert same_way([*moved, plain("MISSING"), plain("INCOMPARABLE")]) == "4 of 4 cells are slower"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (["SAME"], 0),
        (["SAME", "FASTER"], 0),
        (["SLOWER", "SAME"], 1),
        (["SLOWER", "MISSING", "INCONCLUSIVE"], 1),
        (["SAME", "MISSING"], 3),
        (["SAME", "INCONCLUSIVE"], 3),
        (["SAME", "INCOMPARABLE"], 3),
        ([], 3),
    ],
)
def test_the_exit_status_passes_only_cells_that_are_the_same_or_faster(
    found: list[Word], status: int
) -> None:
    assert comparison(*found).exit_status == status


def test_a_regression_that_is_advice_is_no_regression_and_no_pass() -> None:
    assert comparison("SLOWER", "SAME", doubts=("the clocks",)).exit_status == 3
    assert comparison("SAME", doubts=("the clocks",)).exit_status == 0


def test_counts_and_changes_are_told_in_words() -> None:
    assert counts(comparison("SAME", "SLOWER", "SAME").cells) == "1 slower, 2 same"
    assert counts(()) == "no cell"
    assert [percent(ratio) for ratio in (1.102, 0.9, 1.0, 0.9999, 1.0001, 12.34)] == [
        "+10.2%", "-10.0%", "0.0%", "0.0%", "0.0%", "×12.3"
    ]  # fmt: skip


def test_words_come_in_the_order_of_the_cells() -> None:
    assert words(1.0, 1.2, 0.8) == ["SAME", "SLOWER", "FASTER"]


@pytest.mark.parametrize(
    ("log_ratio", "se", "verdict", "words"),
    [
        (0.0, 0.029, "SAME", "no slowdown of 5% is left: one-sided 95% upper bound +4.9%"),
        (0.0, 0.031, "INCONCLUSIVE", "one-sided 95% upper bound +5.3%; take more sessions"),
        (0.1, 0.02, "SLOWER", "one-sided 95% lower bound +6.9%, adjusted p < 0.001"),
        (0.6, 0.35, "SLOWER", "one-sided 95% lower bound +1.9%, adjusted p 0.045"),
        (-0.1, 0.05, "FASTER", "one-sided 95% upper bound -1.7%, adjusted p 0.024"),
    ],
)
def test_a_reason_prints_the_bound_or_the_p_that_decided(
    log_ratio: float, se: float, verdict: str, words: str
) -> None:
    cell = CellEvidence(cell_id="c", label="c", log_ratio=log_ratio, se=se, df=100.0)
    (one,) = judge([cell])
    assert one.verdict == verdict
    assert one.reason.endswith(words)
    if verdict == "SAME":
        assert one.high is not None
        assert one.high > 1.05  # the two-sided interval's end isn't what decides
