"""How often intervals of 5 sessions hold the long-run median, over the sessions that runs stored.

Draws from each cell with at least 8 sessions (a self-test's base and again count as one) and prints
the share of draws whose 95% interval holds it, as `bench.analysis.coverage.Coverage` defines it,
and beside it the share that holds the other sessions' mean. The pooled share must be 93%: status 1
where it is less, 2 where no cell has enough sessions. A single cell may lie below by chance.

    .venv/bin/python scripts/coverage_simulation.py [--results DIR] [--draws N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.coverage import DRAWS, SESSIONS, Coverage, Rate, coverage, session_medians
from bench.analysis.selftest import AGAIN, BASE, SUITE
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import Measured, Session
from bench.storage.store import Store

LEAST = 0.93
ENOUGH = 8


def main(argv: list[str]) -> int:
    """Print a line a cell and one for all; return the status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=Path, default=PROJECT / "results", metavar="DIR")
    parser.add_argument("--draws", type=int, default=DRAWS, metavar="N")
    options = parser.parse_args(argv)
    found = list(covered(options.results, options.draws))
    for name, sessions, one in found:
        print(f"{line(one)}  {sessions} sessions of {name}")
    if not found:
        print(f"no cell in {options.results} has {ENOUGH} sessions", file=sys.stderr)
        return 2
    pooled = pool([one for _, _, one in found])
    print(f"{line(pooled)}  pooled over {len(found)} cells; it must be {LEAST:.0%}")
    return int(pooled.median.share < LEAST)


def covered(results: Path, draws: int) -> Iterator[tuple[str, int, Coverage]]:
    """Yield each cell's name, how many sessions it has, and its coverage."""
    for run in Store(results).runs():
        for name, sessions in cells(run):
            if len(sessions) >= ENOUGH:
                ordered = sorted(sessions, key=lambda one: one.order)
                medians = session_medians([one.samples_ns for one in ordered])
                yield f"{run.path.name} {name}", len(medians), coverage(medians, draws=draws)


def cells(run: RunFolder) -> Iterator[tuple[str, list[Session]]]:
    """Yield the sessions of each measured cell of `run`; those of equal nets together."""
    selftest = run.manifest().suite == SUITE
    equal: list[Session] = []
    for record in run.records():
        if not isinstance(record.outcome, Measured):
            continue
        if selftest and record.cell.variant in (BASE, AGAIN):
            equal += record.sessions
        else:
            yield record.cell_id, record.sessions
    if equal:
        yield f"{BASE} and {AGAIN}", equal


def pool(found: list[Coverage]) -> Coverage:
    """Return the counts of all cells together."""

    def total(name: str) -> Rate:
        rates = [getattr(one, name) for one in found]
        return Rate(hits=sum(r.hits for r in rates), of=sum(r.of for r in rates))

    return Coverage(**{name: total(name) for name in ("median", "mean", "in_time")})


def line(one: Coverage) -> str:
    """Return the coverages in columns: of the median, of the other sessions' mean."""
    mark = "ok   " if one.median.share >= LEAST else "below"
    return (
        f"{mark} {one.median.share:6.1%} of {one.median.of} draws of {SESSIONS}"
        f" (the others' mean: {one.mean.share:.1%},"
        f" consecutive {one.in_time.hits}/{one.in_time.of})"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
