"""How fast the machine was over stored bursts, and what a slow one does to their samples.

    .venv/bin/python scripts/canary_rule.py --results RESULTS [RESULTS ...]

Over all stored sessions that have canaries. First: the canaries over their cell's best, which says
how quiet the canary itself is. Second: bursts that others left alone by their canary, and their
medians over those at the machine's best of the same cell: from where on they follow it is the bound
of a slow burst. Third: each cell with two speeds, and how often series of one mode are taken for
two. Fourth: what a canary and the counters cost here, and whether a burst's first sample feels it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.analysis.canary import SLOW, best_ns, canaries_ns, modes, sentence, speeds
from bench.analysis.contention import are_disturbed, burst_samples_ns
from bench.analysis.floor import AT_BEST
from bench.storage.schema.latency import Record
from bench.worker.canary import canary_ns
from bench.worker.counters import Counters
from bench.worker.cpu_time import BURST_NS
from bench.worker.threads import TASKS
from scripts.stored_records import measured

MOST = 3
BOUNDS = (0.0, 1.01, 1.02, AT_BEST, 1.05, SLOW, 1.20, 1.40, 1.60, 1e9)
SERIES, READS = 1000, 200

Burst = tuple[float, list[int]]
"""A canary over its cell's best, and the samples of the burst behind it in ns."""


def slownesses(record: Record) -> list[float]:
    """Return the canaries of a record over their best."""
    best = best_ns(record.sessions)
    found = [ns for one in record.sessions for ns in canaries_ns(one)]
    return [ns / best for ns in found] if best else []


def left_alone(record: Record) -> Iterator[Burst]:
    """Yield the record's bursts in which others took nothing that counts."""
    best = best_ns(record.sessions)
    for one in record.sessions if best else ():
        columns = zip(canaries_ns(one), are_disturbed(one), burst_samples_ns(one), strict=False)
        for canary, disturbed, samples_ns in columns:
            if best and not disturbed:
                yield canary / best, samples_ns


def over_the_best(records: Sequence[Record]) -> Iterator[tuple[float, float]]:
    """Yield each burst's canary, and its median over that of its cell's bursts at the best."""
    for record in records:
        bursts = [(slowness, median(ns)) for slowness, ns in left_alone(record)]
        at_best = [ns for slowness, ns in bursts if slowness <= AT_BEST]
        if at_best:
            by = median(at_best)
            yield from ((slowness, ns / by) for slowness, ns in bursts)


def table(records: Sequence[Record]) -> list[str]:
    """Return the bursts by their canary."""
    found = list(over_the_best(records))
    lines = [
        "| Canary over its best | Bursts | Median over those at the best | 5% to 95% of them |",
        "|:--:|----|----|----|",
    ]
    for low, high in pairwise(BOUNDS):
        own = [ratio for slowness, ratio in found if low < slowness <= high]
        if len(own) < 2:
            continue
        cuts = quantiles(own, n=20)
        name = f"{low:.2f} to {high:.2f}" if low > 0 and high < 10 else "over 1.60"
        name = f"up to {high:.2f}" if low == 0 else name
        lines.append(
            f"| {name} | {len(own)} | {median(own):.3f} | {cuts[0]:.3f} to {cuts[-1]:.3f} |"
        )
    return lines


def taken_for_two(draw: Callable[[], float], bursts: int) -> float:
    """Return the share of series of one mode that is taken for two."""
    series = ([(draw(), 1) for _ in range(bursts)] for _ in range(SERIES))
    return sum(bool(modes(one)) for one in series) / SERIES


def false_modes() -> Iterator[str]:
    """Yield how often each of some series of one mode is taken for two."""
    chance = random.Random(0)  # noqa: S311 - no secret
    shapes: dict[str, Callable[[], float]] = {
        "normal, SD 10%": lambda: max(chance.gauss(1, 0.1), 0.1),
        "uniform, 1 to 2": lambda: chance.uniform(1, 2),
        "exponential tail": lambda: 1 + chance.expovariate(5),
    }
    for name, draw in shapes.items():
        shares = " and ".join(f"{taken_for_two(draw, n):.1%} of {n}" for n in (20, 100))
        yield f"{name}: {shares} bursts"


def cost() -> str:
    """Return what a burst's canary and readings take here, in shares of a burst."""
    counters = Counters(TASKS, own=True)

    def spent_ns(act: Callable[[], object]) -> float:
        times = []
        for _ in range(READS):
            began = time.perf_counter_ns()
            act()
            times.append(time.perf_counter_ns() - began)
        return median(times)

    canary, reading = spent_ns(canary_ns), spent_ns(counters.read)
    return (
        f"A canary takes {canary / 1e3:.0f} us, two readings of the counters "
        f"{2 * reading / 1e3:.0f} us: {canary / BURST_NS:.2%} and {2 * reading / BURST_NS:.2%} of "
        "a burst, both outside the timed calls."
    )


def first_samples(records: Sequence[Record]) -> str:
    """Return what a burst's first sample takes over the median of its others."""
    ratios = [
        ns[0] / median(ns[1:]) for record in records for _, ns in left_alone(record) if len(ns) > 2
    ]
    return f"A burst's first sample takes {median(ratios):.4f} of the others." if ratios else ""


def main() -> None:
    """Print all four."""
    records = measured(__doc__, lambda record: best_ns(record.sessions) is not None)
    series = [slowness for record in records for slowness in slownesses(record)]
    if len(series) < 2:
        sys.exit("no session there has canaries: measure with this version")
    cuts = quantiles(series, n=100)
    shares = ", ".join(f"{at}% {cuts[at - 1]:.3f}" for at in (5, 50, 75, 90, 95, 99))
    print(
        f"{len(series)} canaries of {len(records)} cells over their best, by quantile: {shares}\n"
    )
    print(*table(records), "", sep="\n")
    found = [(told, one.cell_id) for one in records if (told := speeds(one.sessions)) is not None]
    two = sorted((it for it in found if it[0].modes), key=lambda it: -it[0].slow_share)
    print(f"{len(two)} of {len(found)} cells have two speeds; those that were slow the longest:")
    print(*(f"{cell_id}: {sentence(told)}" for told, cell_id in two[:MOST]), "", sep="\n")
    print("Series of one mode that are taken for two:", *false_modes(), "", sep="\n")
    print(cost(), first_samples(records))


if __name__ == "__main__":
    main()
