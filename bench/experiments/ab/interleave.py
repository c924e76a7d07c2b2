"""Two live arms by turns: when which one works, and what comes of it. Pure, the arms passed in.

Both arms are loaded and warm; one pair after the other each works for one burst, in random order,
and never both at once. What the machine does to one it does to the other a few ms later, so that it
falls out of their ratio. The first sample of a burst, which pays for cold caches, is dropped. A
session's estimate is the median over its pairs of log(head's median / base's median).

On a shared 2-core machine with a net of 5 ms, 30 pairs of bursts of 11 inferences, the ratio of a
net to itself had an SD of 0.41%; ratios of medians of processes that run one after the other had
5.8%. Three sessions of fresh processes told 5% and 10% every time, and never called equals unequal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.interleaved import ArmName, Burst
from bench.core.cell import MOST_CALLS

Sample = Callable[[int], Burst]
"""A count of inferences -> an arm's burst of that many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a session goes: `pairs` of bursts, each about `burst_s` long, `dropped` samples first.

    A burst has `least_calls` at least, so that a slow net's has some left, and `most_calls` at
    most.
    """

    pairs: int = 30
    burst_s: float = 0.05
    least_calls: int = 4
    most_calls: int = MOST_CALLS
    dropped: int = 1

    def calls(self, warm_ns: Sequence[int]) -> int:
        """Return how many inferences make a burst of an arm that warmed up like this.

        Its fastest one tells: a machine that is busy just then would make the bursts short.
        """
        each_ns = max(min(warm_ns), 1)
        wanted = math.ceil(self.burst_s * 1e9 / each_ns)
        return min(max(wanted, self.least_calls), self.most_calls)


def turns(arms: int, rule: Rule, chance: random.Random) -> list[int]:
    """Return the index of the arm that runs each burst: every arm once a pair, in random order."""
    return [index for _ in range(rule.pairs) for index in chance.sample(range(arms), arms)]


def alternate(
    arms: Mapping[ArmName, Sample],
    calls: Mapping[ArmName, int],
    rule: Rule,
    chance: random.Random,
) -> list[Burst]:
    """Return the bursts of a session in the order in which they were run."""
    names = sorted(arms)
    order = [names[index] for index in turns(len(names), rule, chance)]
    return [arms[name](calls[name]) for name in order]
