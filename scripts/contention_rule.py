"""From which wait on a burst's time is off, and what leaving such bursts out changes.

    .venv/bin/python scripts/contention_rule.py --results RESULTS [RESULTS ...]

Over all stored sessions that know their bursts, as of `scripts/busy_machine.py --duty SHARE` for
some shares. First: bursts by the part of their time that their threads waited, their medians and
means over those of their cell's bursts that waited for under 0.5%. A median holds until most
samples wait; a mean is off by what was waited, and the bound is the half-width that grade A allows.
Second: what leaving out the bursts over the bound changes of figures that aren't contended; on an
idle machine it must be under 0.5%.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.analysis.contention import (
    DISTURBED,
    burst_samples_ns,
    counted_ns,
    durations_ns,
    least_left,
)
from bench.storage.schema.latency import Record, Session
from scripts.stored_records import measured

BOUNDS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.10, 0.20, 0.40, 0.60, 1e9)
CALM = 0.005


def bursts_of(session: Session) -> Iterator[tuple[float, list[int]]]:
    """Yield each burst's wait, a share of its time, and its samples in ns."""
    if session.bursts is None:
        return
    times = (session.bursts.wait_ns, session.bursts.wall_ns, burst_samples_ns(session))
    for wait, wall, ns in zip(*times, strict=True):
        yield wait / wall, ns


def ratios(records: list[Record]) -> Iterator[tuple[float, float, float]]:
    """Yield each burst's wait, and its median and mean over the calm ones' of its cell."""
    cells: dict[str, list[tuple[float, float, float]]] = {}
    for record in records:
        own = cells.setdefault(record.cell_id, [])
        own += (
            (wait, median(ns), fmean(ns)) for one in record.sessions for wait, ns in bursts_of(one)
        )
    for bursts in cells.values():
        calm = [(middle, mean) for wait, middle, mean in bursts if wait < CALM]
        if calm:
            by = median(middle for middle, _ in calm), median(mean for _, mean in calm)
            yield from ((wait, middle / by[0], mean / by[1]) for wait, middle, mean in bursts)


def first_table(records: list[Record]) -> str:
    """Return the bursts by their wait."""
    found = list(ratios(records))
    head = "| Waited | Bursts | Median over the calm ones' | 5% to 95% of them | Mean over theirs |"
    lines = [head, "|:--:|----|----|----|----|"]
    for low, high in pairwise(BOUNDS):
        own = [(middle, mean) for wait, middle, mean in found if low <= wait < high]
        if len(own) < 2:
            continue
        middles = [middle for middle, _ in own]
        cuts = quantiles(middles, n=20)
        name = f"{low:.1%} to {high:.1%}" if high < 1 else f"over {low:.1%}"
        lines.append(
            f"| {name} | {len(own)} | {median(middles):.3f} | {cuts[0]:.3f} to {cuts[-1]:.3f} "
            f"| {median(mean for _, mean in own):.3f} |"
        )
    return "\n".join(lines)


def changes(records: list[Record]) -> list[tuple[float, int, int]]:
    """Return by how much each figure changes, with its bursts over the bound and all of them."""
    found = []
    for record in records:
        told = least_left(record.sessions)
        if told is None or told.contended:
            continue
        after = fmean(median(counted_ns(it)) for it in record.sessions)
        before = fmean(median(durations_ns(it)) for it in record.sessions)
        bursts = [wait for it in record.sessions if it.bursts for wait, _ in bursts_of(it)]
        found.append((after / before - 1, sum(w > DISTURBED for w in bursts), len(bursts)))
    return found


def main() -> None:
    """Print both tables."""
    records = measured(__doc__, lambda record: any(it.bursts for it in record.sessions))
    print(first_table(records))
    changed = changes(records)
    contended = len(records) - len(changed)
    print(f"\n{len(changed)} figures that are not contended, {contended} that are.")
    if changed:
        most = max(changed, key=lambda it: abs(it[0]))
        left = sum(it[1] for it in changed) / sum(it[2] for it in changed)
        print(
            f"Leaving out {left:.1%} of their bursts changes a figure by {most[0]:+.2%} at most, "
            f"by {median(abs(it[0]) for it in changed):.2%} in the median."
        )


if __name__ == "__main__":
    main()
