"""What sensors cost, on a clock that only the work and the readers move."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from bench.analysis.sensor_cost import CALLS, Effect, ReadCost, count_up, effect, read_costs


class Machine:
    """Its clock moves by what is done; calls between two reads are slower by `drag_ns`."""

    def __init__(self, *, call_ns: int = 1_000_000, drag_ns: int = 0) -> None:
        self.now, self.call_ns, self.drag_ns = 0, call_ns, drag_ns
        self.dragged = False
        self.done: list[str] = []
        self.jitter = count()

    def work(self) -> None:
        self.done.append("work")
        self.now += self.call_ns + next(self.jitter) % 7 + self.drag_ns * self.dragged

    def read(self) -> None:
        self.done.append("read")
        self.now += 50_000
        self.dragged = not self.dragged

    def clock(self) -> int:
        return self.now

    def effect(self, bursts: int = 12, seed: int = 0) -> Effect:
        return effect(self.work, self.read, self.clock, bursts=bursts, seed=seed)


def moving(machine: Machine, *times_us: int) -> Callable[[], None]:
    """A reader that takes these times, one after the other and again."""
    calls = count()

    def read() -> None:
        machine.now += 1000 * times_us[next(calls) % len(times_us)]

    return read


def test_a_sensors_cost_is_the_median_and_the_maximum_of_its_reads() -> None:
    machine = Machine()
    readers = {"quick": moving(machine, 1, 2, 30), "slow": moving(machine, 400)}
    assert read_costs(readers, machine.clock, reads=9) == (
        ReadCost(sensor="quick", median_us=2, max_us=30, reads=9),
        ReadCost(sensor="slow", median_us=400, max_us=400, reads=9),
    )


def test_reads_that_slow_nothing_are_told_to_change_nothing_that_can_be_seen() -> None:
    found = Machine().effect()
    assert found.low <= 1 <= found.high
    assert found.sentence.startswith(
        "Reading all of them before and after a burst changes the figure by less than can be seen "
    )


def test_reads_that_slow_the_loop_are_told_with_how_much() -> None:
    found = Machine(drag_ns=100_000).effect()
    assert found.ratio == pytest.approx(1.1, abs=1e-3)
    assert 1 < found.low <= found.ratio <= found.high
    assert "goes with a figure 10% higher" in found.sentence
    assert "(ratio 1.100 ± 0.000)" in found.sentence


def test_a_loop_that_reads_quicken_is_told_so_too() -> None:
    assert "goes with a figure 10% lower" in Machine(drag_ns=-100_000).effect().sentence


def bursts(machine: Machine) -> list[bool]:
    """Which bursts had reads: their work stands between two reads, or between none."""
    text = "".join(name[0] for name in machine.done)
    found = []
    while text:
        read = text.startswith("r")
        burst = f"r{'w' * CALLS}r" if read else "w" * CALLS
        assert text.startswith(burst)
        text = text.removeprefix(burst)
        found.append(read)
    return found


def test_bursts_with_and_without_reads_take_turns_in_random_order() -> None:
    machine = Machine()
    assert machine.effect(bursts=12).pairs == 12
    kinds = bursts(machine)
    pairs = list(zip(kinds[::2], kinds[1::2], strict=True))
    assert len(pairs) == 12
    assert set(pairs) == {(True, False), (False, True)}


def test_the_same_seed_gives_the_same_order() -> None:
    machines = [Machine() for _ in range(3)]
    for machine, seed in zip(machines, (1, 1, 2), strict=True):
        machine.effect(seed=seed)
    assert machines[0].done == machines[1].done != machines[2].done


def test_one_pair_bears_no_interval() -> None:
    with pytest.raises(ValueError, match="no interval"):
        Machine().effect(bursts=1)


def test_the_workload_is_always_the_same() -> None:
    assert count_up() == count_up() == 12_000 // 8 * sum(range(8))
