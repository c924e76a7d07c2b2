"""How near each stored figure is to the least time that the cores in use can take.

    .venv/bin/python scripts/roofline.py [--results RESULTS]

`bench.analysis.roofline` has the rule: a session below its bound fails. Here is its margin over
what was really measured, by system, runner and threads: the nets that come nearest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.contention import durations_ns
from bench.analysis.roofline import FAST_CONVOLUTION, bound
from bench.analysis.series import StoredRun
from bench.reports.build import load_runs

Row = tuple[float, str, str]


def margins(run: StoredRun) -> Iterator[tuple[tuple[str, str, int], Row]]:
    """Yield each session's group, bound over median, net and figures."""
    for record in run.records:
        cell, facts = record.cell.to_cell(), run.manifest.models.get(record.cell.variant)
        for session in record.sessions:
            least = bound(cell, facts.costs if facts else None, run.system.facts, session.facts)
            if least is None:
                continue
            took_ns = median(durations_ns(session))
            rate = f"{least.macs / took_ns:.1f} of {least.cores * least.rate / 1e9:.0f}"
            group = (run.system.heading, f"{cell.runner} {cell.precision}", cell.threads)
            yield group, (least.least_ns / took_ns, f"{cell.variant} batch {cell.batch}", rate)


def main() -> None:
    """Print the nearest session of each group."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, default=PROJECT / "results")
    runs = load_runs(parser.parse_args().results, broken=[])
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for run in runs:
        for group, row in margins(run):
            groups.setdefault(group, []).append(row)
    print(
        "| System | Runner | Threads | Sessions | Nearest | GMAC/s of the peak | Bound over time |"
    )
    print("|----|----|:--:|:--:|----|----|----|")
    for (system, runner, threads), rows in sorted(groups.items()):
        share, what, rate = max(rows)
        print(f"| {system} | {runner} | {threads} | {len(rows)} | {what} | {rate} | {share:.1%} |")
    shares = [share for rows in groups.values() for share, _, _ in rows]
    if shares:
        print(
            f"\nA figure fails at 100%. The nearest of {len(shares)} sessions is at "
            f"{max(shares):.1%}; without the factor of {FAST_CONVOLUTION:g} for fast convolutions "
            f"it would be {FAST_CONVOLUTION * max(shares):.1%}."
        )


if __name__ == "__main__":
    main()
