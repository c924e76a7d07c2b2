"""What the trials of `scripts/regression_report.py` come to: pure, from the lines of its state."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.coverage import Rate
from bench.analysis.stored_runs import welch
from bench.analysis.verdicts import CellEvidence, judge, percent
from bench.reports.markdown.tables import table

KINDS = {"same": "the same net", "plus5": "slower by 5%", "plus10": "slower by 10%"}
NAIVE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One comparison: its cells as `--format json` tells them, and each arm's session medians.

    `medians_ns` is by the cell's label, then by arm.
    """

    part: str
    net: str
    kind: str
    number: int
    seconds: float
    started: str
    cells: Sequence[Mapping[str, Any]]
    medians_ns: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names it: a trial that is in the state isn't made again."""
        return self.part, self.net, self.kind, self.number

    def has(self, verdict: str) -> bool:
        """Tell whether one of its cells has that verdict."""
        return any(cell["verdict"] == verdict for cell in self.cells)


def select(trials: Iterable[Trial], part: str, kind: str | None = None) -> list[Trial]:
    """Return the trials of a part, in the order in which they were made."""
    found = [it for it in trials if it.part == part and kind in (None, it.kind)]
    return sorted(found, key=lambda it: it.started)


def live_table(trials: Sequence[Trial]) -> str:
    """Return how many one-cell comparisons called a regression, live and against a stored one."""
    rows = []
    for kind, title in KINDS.items():
        live = select(trials, "live", kind)
        stored = against_stored(select(trials, "live"), kind)
        if live:
            rows.append(
                [
                    title,
                    told(sum(it.has("SLOWER") for it in live), len(live)),
                    told(sum(it.has("INCONCLUSIVE") for it in live), len(live)),
                    told(stored.slower, stored.of),
                    told(stored.naive, stored.of),
                ]
            )
    head = [
        "HEAD is",
        "live: called slower",
        "live: inconclusive",
        "stored, Welch's t and 3%: called slower",
        "stored, medians differ by 5%",
    ]
    return table(head, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Comparisons with a baseline that was measured once: called slower by each rule."""

    slower: int
    naive: int
    of: int


def against_stored(live: Sequence[Trial], kind: str) -> Stored:
    """Compare each trial's HEAD of that kind with the BASE of the first comparison of its net.

    The same processes as in the live comparisons, weighed as if BASE had been stored before.
    """
    slower = naive = of = 0
    for net in dict.fromkeys(it.net for it in live):
        ours = [it for it in live if it.net == net]
        baseline = _only(ours[0], "base")
        for trial in ours[1:]:
            if trial.kind != kind:
                continue
            log_ratio, se, df = welch(baseline, _only(trial, "head"))
            one = CellEvidence(cell_id=net, label=net, log_ratio=log_ratio, se=se, df=df)
            (verdict,) = judge([one])
            of += 1
            slower += verdict.verdict == "SLOWER"
            naive += verdict.ratio is not None and verdict.ratio > 1 + NAIVE
    return Stored(slower=slower, naive=naive, of=of)


def _only(trial: Trial, arm: str) -> Sequence[float]:
    (medians,) = trial.medians_ns.values()
    return medians[arm]


def told(hits: int, of: int) -> str:
    """Write a count with its 95% interval."""
    if of == 0:
        return "none made"
    low, high = Rate(hits=hits, of=of).interval
    return f"{hits} of {of} [{low:.0%}, {high:.0%}]"


def slowed_table(trials: Sequence[Trial]) -> str:
    """Return by how much the slowed nets really are slower: the long comparisons."""
    rows = [
        [it.net, KINDS[it.kind], it.note, _change(it.cells[0]), str(_sessions(it))]
        for it in select(trials, "true-share")
    ]
    return table(["Net", "Asked for", "Last channels", "Measured [95% interval]", "Sessions"], rows)


def _sessions(trial: Trial) -> int:
    return max((len(arms["base"]) for arms in trial.medians_ns.values()), default=0)


def seven_table(trials: Sequence[Trial]) -> str:
    """Return the comparisons of all nets with themselves, and what a stored one would have said."""
    rows = []
    ours = select(trials, "seven")
    for trial in ours:
        ratios = [cell["ratio"] for cell in trial.cells if cell["ratio"] is not None]
        rows.append(
            [
                str(trial.number + 1),
                _counted(trial),
                f"{percent(min(ratios))} to {percent(max(ratios))}" if ratios else "",
                f"{trial.seconds:.0f}",
                _stored_seven(ours[0], trial) if trial is not ours[0] else "the baseline",
            ]
        )
    return table(["No.", "Live verdicts", "Ratios", "Seconds", "Against the first, stored"], rows)


def _counted(trial: Trial) -> str:
    words = [cell["verdict"] for cell in trial.cells]
    return ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(words))


def _stored_seven(first: Trial, trial: Trial) -> str:
    found = []
    for label, arms in trial.medians_ns.items():
        if label in first.medians_ns:
            log_ratio, se, df = welch(first.medians_ns[label]["base"], arms["head"])
            found.append(
                CellEvidence(cell_id=label, label=label, log_ratio=log_ratio, se=se, df=df)
            )
    words = [one.verdict for one in judge(found)]
    return ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(words))


def engines_table(trials: Sequence[Trial]) -> str:
    """Return the comparison of two versions of an engine."""
    rows = [
        [cell["label"].partition(" ")[0], cell["verdict"], _figures(cell), _change(cell)]
        for trial in select(trials, "engines")
        for cell in trial.cells
    ]
    return table(["Net", "Verdict", "Older, newer", "Change [95% interval]"], rows)


def _figures(cell: Mapping[str, Any]) -> str:
    if cell["base_ns"] is None:
        return ""
    return f"{cell['base_ns'] / 1e6:.2f} -> {cell['head_ns'] / 1e6:.2f} ms"


def _change(cell: Mapping[str, Any]) -> str:
    if cell["ratio"] is None:
        return str(cell["reason"])
    return f"{percent(cell['ratio'])} [{percent(cell['low'])}, {percent(cell['high'])}]"
