"""Two arms by turns, on a machine of the test's own that drifts as it likes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, stdev

import pytest

from bench.analysis.interleaved import ARMS, ArmName, Burst, Growth, estimate, log_ratio, stopped
from bench.experiments.ab.interleave import Rule, alternate

RULE = Rule(pairs=30, burst_s=0.05, dropped=1)
CALLS: dict[ArmName, int] = {"base": 11, "head": 11}


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - an order, not a secret


@dataclass
class Machine:
    """A clock that arms share; `speed` is how slow the machine is at a time in seconds."""

    speed: Callable[[float], float] = lambda _: 1.0
    noise: float = 0.0
    chance: random.Random = field(default_factory=lambda: chance(7))
    now_ns: float = 0.0
    running: int = 0
    asked: list[tuple[ArmName, int]] = field(default_factory=list)

    def arm(self, name: ArmName, each_ns: float, *, first: float = 1.0) -> Callable[[int], Burst]:
        def sample(count: int) -> Burst:
            assert self.running == 0, "two arms work at once"
            self.running += 1
            self.asked.append((name, count))
            found = [self._one(each_ns * (first if index == 0 else 1.0)) for index in range(count)]
            self.running -= 1
            return Burst(name, tuple(found))

        return sample

    def _one(self, ns: float) -> int:
        ns *= self.speed(self.now_ns / 1e9) * math.exp(self.chance.gauss(0, self.noise))
        self.now_ns += ns
        return round(ns)


def session(
    machine: Machine, head: float = 1.0, *, seed: int = 0, first: float = 1.0, rule: Rule = RULE
) -> list[Burst]:
    arms = {"base": machine.arm("base", 5e6), "head": machine.arm("head", 5e6 * head, first=first)}
    return alternate(arms, CALLS, rule, chance(seed))  # type: ignore[arg-type]


def drifting(time_s: float) -> float:
    """The speed of a machine that falls by a fifth in 3 s and jumps about in between."""
    return 1 + 0.2 * time_s / 3 + 0.1 * math.sin(3 * time_s)


def test_each_pair_has_one_burst_of_each_arm_of_the_length_that_the_arm_asked_for() -> None:
    machine = Machine()
    arms = {name: machine.arm(name, 5e6) for name in ARMS}
    bursts = alternate(arms, {"base": 11, "head": 7}, RULE, chance(0))
    assert len(bursts) == 60
    assert all({*pair} == {"base", "head"} for pair in in_pairs([it.arm for it in bursts]))
    assert machine.asked == [(it.arm, len(it.ns)) for it in bursts]
    assert {(it.arm, len(it.ns)) for it in bursts} == {("base", 11), ("head", 7)}


def in_pairs(values: Sequence[ArmName]) -> list[tuple[ArmName, ArmName]]:
    return list(zip(values[::2], values[1::2], strict=True))


def test_which_arm_comes_first_is_chance_and_the_seed_tells_which() -> None:
    firsts = [first for first, _ in in_pairs([it.arm for it in session(Machine())])]
    assert 8 <= firsts.count("base") <= 22
    assert firsts != sorted(firsts)
    assert [it.arm for it in session(Machine())] == [it.arm for it in session(Machine())]
    assert [it.arm for it in session(Machine())] != [it.arm for it in session(Machine(), seed=1)]


def test_a_drift_that_moves_the_medians_falls_out_of_the_ratio() -> None:
    machine = Machine(speed=drifting)
    bursts = session(machine, rule=RULE)
    halves = [median(ns for it in half for ns in it.ns) for half in (bursts[:30], bursts[30:])]
    assert halves[1] > 1.08 * halves[0]
    assert abs(log_ratio(bursts, dropped=1)) < 0.004


@pytest.mark.parametrize("slower", [1.0, 1.05, 1.1])
def test_the_ratio_is_the_true_one_within_half_a_percent_on_a_noisy_drifting_machine(
    slower: float,
) -> None:
    found = [
        log_ratio(
            session(Machine(speed=drifting, noise=0.05, chance=chance(n)), slower, seed=n),
            dropped=1,
        )
        for n in range(20)
    ]
    assert math.exp(median(found)) == pytest.approx(slower, abs=0.005)
    assert stdev(found) < 0.01


def test_the_first_sample_of_a_burst_does_not_count() -> None:
    rule = Rule(pairs=3)
    taken = Burst("base", (100, 100)), Burst("head", (900, 100))
    arms = {burst.arm: lambda _, burst=burst: burst for burst in taken}
    bursts = alternate(arms, {"base": 2, "head": 2}, rule, chance(0))
    assert log_ratio(bursts, dropped=1) == 0
    assert log_ratio(bursts, dropped=0) == pytest.approx(math.log(5))


def test_a_pair_that_a_neighbour_disturbed_does_not_move_the_estimate() -> None:
    bursts = session(Machine(), 1.05)
    disturbed = [Burst(bursts[0].arm, tuple(9 * ns for ns in bursts[0].ns)), *bursts[1:]]
    assert log_ratio(disturbed, dropped=1) == pytest.approx(log_ratio(bursts, dropped=1))


@pytest.mark.parametrize(
    "bursts",
    [
        [Burst("base", (1, 1)), Burst("base", (1, 1))],
        [Burst("base", (1, 1)), Burst("head", (1,))],
        [Burst("base", (1, 1)), Burst("head", (1, 1)), Burst("base", (1, 1))],
    ],
)
def test_bursts_that_are_no_pairs_are_refused(bursts: list[Burst]) -> None:
    with pytest.raises(ValueError, match=r"pair|zip"):
        log_ratio(bursts, dropped=1)


@pytest.mark.parametrize(
    ("each_ns", "calls"),
    [(5_000_000, 10), (4_500_000, 12), (2_000_000, 25), (30_000_000, 4), (100, 200), (0, 200)],
)
def test_a_burst_is_50_ms_long_but_has_a_sample_left_and_an_end(each_ns: int, calls: int) -> None:
    assert RULE.calls([each_ns * 3, each_ns, each_ns * 2]) == calls


def test_the_estimate_is_the_mean_over_sessions_with_its_standard_error() -> None:
    found = estimate([0.04, 0.05, 0.06])
    assert found.log_ratio == pytest.approx(0.05)
    assert found.se == pytest.approx(0.01 / math.sqrt(3))
    assert (found.sessions, found.df) == (3, 2)
    assert found.ratio == pytest.approx(math.exp(0.05))
    with pytest.raises(ValueError, match="two sessions"):
        estimate([0.0])


GROWTH = Growth(sessions=3, max_sessions=5, half_width=0.01, grow_for_s=100.0)
NARROW, WIDE = [0.001, 0.0, -0.001], [0.02, 0.0, -0.02]


@pytest.mark.parametrize(
    ("ratios", "elapsed_s", "why"),
    [
        ([], 0.0, None),
        (NARROW[:2], 1e9, None),
        (NARROW, 0.0, "narrow"),
        (WIDE, 0.0, None),
        (WIDE, 100.0, "time"),
        ([*WIDE, 0.02, -0.02], 0.0, "cap"),
        ([*WIDE, 0.02, -0.02], 100.0, "cap"),
    ],
)
def test_a_cell_stops_when_its_interval_is_narrow_or_at_its_cap_or_out_of_time(
    ratios: list[float], elapsed_s: float, why: str | None
) -> None:
    assert stopped(ratios, GROWTH, elapsed_s=elapsed_s) == why


def test_how_clear_the_verdict_is_stops_nothing() -> None:
    for shift in (0.0, 0.05, 0.5):
        assert stopped([it + shift for it in WIDE], GROWTH, elapsed_s=0) is None
        assert stopped([it + shift for it in NARROW], GROWTH, elapsed_s=0) == "narrow"


def test_the_width_that_will_do_is_of_the_ratio_s_interval() -> None:
    # Three sessions: t(2) is 4.303, so an SD of 0.4% has a half-width of 1%.
    sd = math.log(1.01) / 4.3026527 * math.sqrt(3)
    assert stopped([-sd, 0.0, sd * 0.999], GROWTH, elapsed_s=0) == "narrow"
    assert stopped([-sd * 1.01, 0.0, sd], GROWTH, elapsed_s=0) is None
