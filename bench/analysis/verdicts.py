"""Verdicts on cells, HEAD against BASE: every rule of a comparison stands here. Pure.

In comes evidence: the logarithm of a cell's ratio (HEAD's latency over BASE's), its standard error
and its degrees of freedom, from stored runs (`bench.analysis.stored_runs`) or from arms that ran
side by side.

    SLOWER        "it isn't slower" is rejected (one-sided t, adjusted over the cells after
                  Benjamini and Hochberg, below 5%) and the ratio is at least 1 + the minimum effect
    FASTER        the same with the arms exchanged
    SAME          neither, and no slowdown of 5% is left: the ratio's one-sided 95% upper bound is
                  below 1.05, or below 1 + the minimum effect where that is more
    INCONCLUSIVE  neither, and that bound is not: it takes more sessions
    MISSING       BASE has a figure and HEAD has none; never a pass
    INCOMPARABLE  another hardware, precision, workload, net or way of sampling

The minimum effect is 3% unless `bench.config.thresholds` says otherwise. Where at least 75% of 4 or
more cells moved by it one way, and one of them is told apart, what moved is what they share
(`same_way`).

Sources: Benjamini and Hochberg, JRSS B 57 (1995) 289. Of runs over 21 cells of unchanged nets on a
shared 2-core machine, 1% had an alarm with both the adjustment and the minimum effect, 19-63%
without. The bound for SAME is the one-sided half of an equivalence test (Schuirmann,
J Pharmacokinet Biopharm 15 (1987) 657).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.analysis.layer_changes import LayerChanges
from bench.config.thresholds import DEFAULT, Gate

Word = Literal["FASTER", "SLOWER", "SAME", "INCONCLUSIVE", "MISSING", "INCOMPARABLE"]

ALPHA = 0.05
SAME_BELOW = 0.05
MOST, LEAST_CELLS = 0.75, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEvidence:
    """What sessions tell of one cell: ln(HEAD / BASE), its standard error, degrees of freedom.

    `base_ns` and `head_ns` are for the reader alone. Raises ValueError for a number that can't be.
    """

    cell_id: str
    label: str
    log_ratio: float
    se: float
    df: float
    base_ns: float | None = None
    head_ns: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.log_ratio, self.se, self.df)
        if not all(map(math.isfinite, numbers)) or self.se < 0 or self.df <= 0:
            raise ValueError(
                f"cell {self.cell_id}: ln ratio, its standard error and its df are {numbers}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """A cell's verdict and why; the numbers are None where the cell wasn't judged.

    `ratio` is HEAD over BASE, `low` and `high` its two-sided 95% interval, `q` the adjusted p of
    the direction in which it lies. `layers`: where that interval excludes 1 and both sides'
    engines tell their layers, which of them run other kernels.
    """

    cell_id: str
    label: str
    verdict: Word
    reason: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    q: float | None = None
    min_effect: float | None = None
    base_ns: float | None = None
    head_ns: float | None = None
    layers: LayerChanges | None = None

    @property
    def is_apart(self) -> bool:
        """Whether the interval of its ratio excludes 1."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The verdicts of HEAD against BASE. `doubts` say why they are advice and no more.

    `as_asked` is False where a requested setting wasn't effective: nothing passes then. `measure`
    is wall, or cpu: the CPU time of all threads.
    """

    base: str
    head: str
    cells: tuple[CellVerdict, ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    as_asked: bool = True
    measure: str = "wall"

    def count(self, word: Word) -> int:
        """Return how many cells have that verdict."""
        return sum(cell.verdict == word for cell in self.cells)

    @property
    def exit_status(self) -> int:
        """0: no regression, 1: a regression, 3: inconclusive, missing, incomparable, settings
        that weren't effective, or a regression that is advice.
        """
        if self.count("SLOWER"):
            return 3 if self.doubts else 1
        passed = self.count("SAME") + self.count("FASTER")
        return 0 if self.as_asked and self.cells and passed == len(self.cells) else 3


def judge(evidence: Sequence[CellEvidence], gate: Gate = DEFAULT) -> list[CellVerdict]:
    """Return a verdict for each cell of one comparison, in the order given."""
    slower = adjusted([_p_not_above(cell.log_ratio, cell) for cell in evidence])
    faster = adjusted([_p_not_above(-cell.log_ratio, cell) for cell in evidence])
    return [
        _verdict(cell, q_slower, q_faster, gate.of(cell.cell_id))
        for cell, q_slower, q_faster in zip(evidence, slower, faster, strict=True)
    ]


def adjusted(ps: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's adjusted p of each."""
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(ps)] if ps else []


def same_way(cells: Sequence[CellVerdict]) -> str | None:
    """Return in a clause that most cells moved one way, None where they didn't."""
    judged = [cell for cell in cells if cell.ratio is not None and cell.min_effect is not None]
    for word, sign in (("SLOWER", 1), ("FASTER", -1)):
        moved = sum(_moved(cell, sign) for cell in judged)
        decided = any(cell.verdict == word for cell in judged)
        if decided and len(judged) >= LEAST_CELLS and moved >= MOST * len(judged):
            return f"{moved} of {len(judged)} cells are {word.lower()}"
    return None


def counts(cells: Sequence[CellVerdict]) -> str:
    """Return how many cells have which verdict: `1 slower, 20 same`."""
    number = Counter(cell.verdict for cell in cells)
    words: tuple[Word, ...] = (
        "SLOWER", "MISSING", "INCOMPARABLE", "INCONCLUSIVE", "FASTER", "SAME"
    )  # fmt: skip
    return (
        ", ".join(f"{number[word]} {word.lower()}" for word in words if number[word]) or "no cell"
    )


def percent(ratio: float) -> str:
    """Write a ratio as a change: 1.102 is +10.2%; from ten times on, as a multiple."""
    text = f"{ratio - 1:+.1%}" if ratio < 10 else f"×{ratio:.3g}"
    return "0.0%" if text in ("-0.0%", "+0.0%") else text


def share(effect: float) -> str:
    """Write an effect: 0.025 is 2.5%."""
    return f"{100 * effect:.3g}%"


def _moved(cell: CellVerdict, sign: int) -> bool:
    assert cell.ratio is not None  # noqa: S101 - the caller asks of judged cells alone
    assert cell.min_effect is not None  # noqa: S101
    return sign * math.log(cell.ratio) >= math.log1p(cell.min_effect)


def _p_not_above(log_ratio: float, cell: CellEvidence) -> float:
    """Return the p of "the ratio is at most 1"; a spread of nothing leaves no doubt."""
    from scipy.special import stdtr

    if cell.se == 0:
        return 0.5 if log_ratio == 0 else float(log_ratio < 0)
    return float(stdtr(cell.df, -log_ratio / cell.se))


def _quantile(df: float, share: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, share))


def _verdict(
    cell: CellEvidence, q_slower: float, q_faster: float, min_effect: float
) -> CellVerdict:
    word, reason = _word(cell, q_slower, q_faster, min_effect)
    half = cell.se * _quantile(cell.df, 1 - ALPHA / 2)
    return CellVerdict(
        cell_id=cell.cell_id,
        label=cell.label,
        verdict=word,
        reason=reason,
        ratio=_exp(cell.log_ratio),
        low=_exp(cell.log_ratio - half),
        high=_exp(cell.log_ratio + half),
        q=q_slower if cell.log_ratio >= 0 else q_faster,
        min_effect=min_effect,
        base_ns=cell.base_ns,
        head_ns=cell.head_ns,
    )


def _word(
    cell: CellEvidence, q_slower: float, q_faster: float, min_effect: float
) -> tuple[Word, str]:
    least, half = math.log1p(min_effect), cell.se * _quantile(cell.df, 1 - ALPHA)
    bound = cell.log_ratio + half
    upper = f"95% upper bound {percent(_exp(bound))}"
    effect = f"by {share(min_effect)} or more: one-sided"
    if q_slower < ALPHA and cell.log_ratio >= least:
        lower = f"95% lower bound {percent(_exp(cell.log_ratio - half))}"
        return "SLOWER", f"slower {effect} {lower}, {_p_text(q_slower)}"
    if q_faster < ALPHA and cell.log_ratio <= -least:
        return "FASTER", f"faster {effect} {upper}, {_p_text(q_faster)}"
    limit = max(SAME_BELOW, min_effect)
    if bound < math.log1p(limit):
        return "SAME", f"no slowdown of {share(limit)} is left: one-sided {upper}"
    reason = f"a slowdown of {share(limit)} may be there: one-sided {upper}; take more sessions"
    return "INCONCLUSIVE", reason


def _p_text(q: float) -> str:
    """Write a p that is adjusted over the cells."""
    return "adjusted p < 0.001" if q < 0.001 else f"adjusted p {q:.3f}"


def _exp(log_ratio: float) -> float:
    """Return e to that; a bound that no figure bears out stays a number that JSON can hold."""
    return math.exp(max(-50.0, min(50.0, log_ratio)))
