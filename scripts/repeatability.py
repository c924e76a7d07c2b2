"""Run the standard preset twice, back to back, several times, and see whether the intervals agree.

    .venv/bin/python scripts/repeatability.py [--pairs 3] [--variants x0_5,x1_0]
        [--results DIR] [--json]

Each pair's two runs measure the same cells (batch 1, 1 thread); a case is one cell of one pair, and
agrees where the 95% intervals overlap. The runs go to --results, or to a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.core.units import to_ms, with_interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell's figure in one run."""

    variant: str
    value_ms: float
    half_ms: float
    sessions: int
    grade: str
    stopped: str

    @property
    def text(self) -> str:
        return f"{with_interval(self.value_ms, self.half_ms)} ({self.sessions}) {self.grade}"

    def overlaps(self, other: Figure) -> bool:
        return abs(self.value_ms - other.value_ms) <= self.half_ms + other.half_ms


@dataclass(frozen=True, slots=True)
class Case:
    """The same cell in the two runs of a pair."""

    pair: int
    first: Figure
    second: Figure

    @property
    def agrees(self) -> bool:
        return self.first.overlaps(self.second)


def measure(variants: str, results: Path) -> list[Figure]:
    """Run the standard preset once and return its figures."""
    command = [
        sys.executable, "-m", "bench", "run", "--variant", variants, "--batch", "1",
        "--threads", "1", "--results", str(results), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return [
        Figure(
            variant=cell["variant"],
            value_ms=to_ms(cell["latency_ns"]),
            half_ms=to_ms(cell["half_width_95_ns"]),
            sessions=cell["sessions"],
            grade=cell["grade"],
            stopped=cell["stopped"],
        )
        for cell in json.loads(done.stdout)["cells"]
    ]


def run_pairs(pairs: int, variants: str, results: Path | None) -> list[Case]:
    """Return the cases of `pairs` pairs of runs."""
    cases = []
    with tempfile.TemporaryDirectory() as name:
        for pair in range(1, pairs + 1):
            first, second = (measure(variants, results or Path(name)) for _ in range(2))
            cases += [Case(pair, one, other) for one, other in zip(first, second, strict=True)]
    return cases


def table(cases: list[Case]) -> str:
    """Return the cases as a Markdown table and the count of those that agree."""
    lines = [
        "| Pair | Cell | First run, ms | Second run, ms | Ratio | Intervals overlap |",
        "|:--:|----|----|----|----|----|",
    ]
    for case in cases:
        ratio = case.second.value_ms / case.first.value_ms
        lines.append(
            f"| {case.pair} | {case.first.variant} | {case.first.text} | {case.second.text} | "
            f"{ratio:.3f} | {'yes' if case.agrees else 'no'} |"
        )
    agreeing = sum(case.agrees for case in cases)
    lines += ["", f"The intervals overlap in {agreeing} of {len(cases)} cases."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or its cases as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--variants", default="x0_5,x1_0")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cases = run_pairs(arguments.pairs, arguments.variants, arguments.results)
    print(json.dumps([asdict(case) for case in cases]) if arguments.json else table(cases))


if __name__ == "__main__":
    main()
