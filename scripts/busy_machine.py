"""Measure a few cells as the machine is, and again beside busy loops: is what that does marked?

    .venv/bin/python scripts/busy_machine.py [--loops 2] [--duty 1.0] [--ahead]
        [--runners onnxruntime,paddle] [--variants x0_25,x1_0] [--results DIR] [--json]

The runs (batch 1, 1 thread) go to --results, or to a temporary folder. A loop works for the share
--duty of each 12 ms. Where the machine is never quiet, --ahead lets the first run go before all
others (as root, by chrt): nothing takes the CPU from it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.core.units import to_ms, with_interval
from bench.devices.host.busy import read_busy
from bench.devices.host.facts import heading, read_host


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell's figure in one run; `share` is the least that a session had of the CPU."""

    cell: str
    value_ms: float
    half_ms: float
    grade: str
    share: float
    contended: bool

    @property
    def text(self) -> str:
        marked = "contended" if self.contended else "not marked"
        figure = f"{with_interval(self.value_ms, self.half_ms)} {self.grade}"
        return f"{figure} | {self.share:.0%} | {marked}"


_LOOP = """
import time
while True:
    end = time.thread_time() + 0.012 * {duty}
    while time.thread_time() < end: pass
    time.sleep(0.012 * (1 - {duty}))
"""


@contextmanager
def loops(count: int, duty: float) -> Iterator[None]:
    """Keep so many processes busy for the share `duty` of the time."""
    command = [sys.executable, "-c", _LOOP.format(duty=duty)]
    started = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def measure(runners: str, variants: str, results: str, *before: str) -> list[Figure]:
    """Run the cells once, with the words `before` the command, and return their figures."""
    command = [
        *before, sys.executable, "-m", "bench", "run", "--suite", "engines", "--runner", runners,
        "--variant", variants, "--results", results, "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return [
        Figure(
            cell=f"{cell['variant']} {cell['runner']}",
            value_ms=to_ms(cell["latency_ns"]),
            half_ms=to_ms(cell["half_width_95_ns"]),
            grade=cell["grade"],
            share=float(cell["cpu_share"]),
            contended=cell["contended"],
        )
        for cell in json.loads(done.stdout)["cells"]
    ]


def table(plain: list[Figure], beside: list[Figure], count: int) -> str:
    """Return both runs side by side as a Markdown table."""
    lines = [
        f"| Cell | As it is, ms | CPU | Marked | Beside {count} loops, ms | CPU | Marked | Ratio |",
        "|:--:|" + "----|" * 7,
    ]
    for one, other in zip(plain, beside, strict=True):
        ratio = other.value_ms / one.value_ms
        lines.append(f"| {one.cell} | {one.text} | {other.text} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the machine, how busy it was, and the table; or the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--duty", type=float, default=1.0)
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--runners", default="paddle,onnxruntime")
    parser.add_argument("--variants", default="x0_25,x1_0")
    parser.add_argument("--results")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = given.results or temporary
        before = read_busy()
        ahead = ("chrt", "-f", "1") if given.ahead else ()
        plain = measure(given.runners, given.variants, results, *ahead)
        with loops(given.loops, given.duty):
            beside = measure(given.runners, given.variants, results)
    if given.json:
        print(json.dumps({"plain": [*map(asdict, plain)], "beside": [*map(asdict, beside)]}))
        return
    state = f" Before: {before.sentence}." if before else ""
    state += " The first run went before all others." if given.ahead else ""
    print(f"{heading(read_host())}.{state}\n\n{table(plain, beside, given.loops)}")


if __name__ == "__main__":
    main()
