"""Measure cells as the machine is, and again beside busy loops: is what that does marked?

    .venv/bin/python scripts/busy_machine.py [--loops 2] [--duty 1.0,0.5] [--ahead]
        [--suite engines] [--preset standard] [--runners A,B] [--variants A,B] [--results DIR]

Each run goes to a folder of its own in --results, or in a temporary one; a run that --results
holds already isn't made again. A loop works for the share --duty of each 12 ms. Where the machine
is never quiet, --ahead lets the first run go before all others (as root, by chrt).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import hypot, log
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.boxes import Box
from bench.analysis.side_by_side import SideBySide, side_by_side
from bench.analysis.turns import Ratio, ratio
from bench.core.units import to_ms, with_interval
from bench.devices.host.busy import read_busy
from bench.devices.host.facts import heading, read_host
from bench.reports.build import load_runs, view_of
from bench.reports.markdown.tables import table

CLOSE, WRONG = 0.05, 0.10

_LOOP = """
import time
while True:
    end = time.thread_time() + 0.012 * {duty}
    while time.thread_time() < end: pass
    time.sleep(0.012 * (1 - {duty}))
"""

Boxes = Mapping[tuple[str, str], Box]
"""The measured cells of a run by net and runner."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run's tables of engines, and its cells."""

    tables: Sequence[SideBySide]

    @property
    def boxes(self) -> Boxes:
        return {
            (variant, series.runner): box
            for one in self.tables
            for variant, row in one.rows.items()
            for series, box in zip(one.engines, row, strict=True)
            if box is not None and box.estimate is not None
        }

    @property
    def fastest(self) -> dict[str, str]:
        """The runner that is called the fastest, by net."""
        return {
            variant: one.engines[index].runner
            for one in self.tables
            for variant, index in one.fastest.items()
            if index is not None
        }


def measure(folder: Path, flags: Sequence[str], *before: str) -> Measured:
    """Run the cells once, with the words `before` the command."""
    if not (folder / "report").exists():
        command = [*before, sys.executable, "-m", "bench", "run", "--results", str(folder), *flags]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return Measured(tables=side_by_side(view_of(load_runs(folder, broken=[]), PROJECT / "models")))


def cells_table(plain: Boxes, beside: Boxes) -> str:
    """Return both runs' figures side by side."""
    rows = []
    for key, one in plain.items():
        other = beside.get(key)
        if other is None or other.estimate is None or one.estimate is None:
            continue
        changed = other.estimate.value_ns / one.estimate.value_ns
        rows.append([" ".join(key), _text(one), _text(other), f"{changed:.3f}", _mark(other)])
    return table(["Cell", "As it is, ms", "Beside the loops, ms", "Over it", "Marked"], rows)


def _text(box: Box) -> str:
    assert box.estimate is not None  # noqa: S101 - `Measured.boxes` has no other
    half = box.estimate.half_width_ns
    return f"{with_interval(to_ms(box.estimate.value_ns), half and to_ms(half))} {box.grade}"


def _mark(box: Box) -> str:
    if not box.contended or box.taken is None:
        return "no"
    return f"contended, {box.taken.cpu_share:.0%} of the CPU"


def summary(plain: Measured, beside: Measured) -> list[str]:
    """Return what of the figures, the fastest engines and the ratios held beside the loops."""
    pairs = [(plain.boxes[key], box) for key, box in beside.boxes.items() if key in plain.boxes]
    errors = [
        (abs(other.estimate.value_ns / one.estimate.value_ns - 1), other)
        for one, other in pairs
        if one.estimate is not None and other.estimate is not None
    ]
    held = sum(error <= CLOSE or (it.contended and it.grade == "D") for error, it in errors)
    wrong = sum(error > WRONG and not it.contended for error, it in errors)
    named = beside.fastest.items()
    kept = sum(plain.fastest.get(net) == runner for net, runner in named)
    covered, of, widths = _covered(plain, beside)
    called = (
        f"{held} of {len(errors)} figures are within {CLOSE:.0%} or marked contended with grade D"
    )
    median = f", in the median to {sorted(widths)[of // 2]:.1%}" if of else ""
    return [
        f"{called}; {wrong} are off by over {WRONG:.0%} and not marked.",
        f"{len(named)} are called fastest, {kept} of them idle too; {len(plain.fastest)} are then.",
        f"{covered} of {of} ratios hold the idle one within both intervals{median}.",
    ]


def _covered(plain: Measured, beside: Measured) -> tuple[int, int, list[float]]:
    """Return how many ratios to the idle run's fastest hold its ratio, of how many, their widths.

    Both are estimates: it is held where the 95% interval of their difference holds 0.
    """
    covered, widths = 0, []
    for (net, runner), box in beside.boxes.items():
        base = _base(plain, net)
        if base is None or runner == base:
            continue
        idle = ratio(plain.boxes[net, runner], plain.boxes[net, base])
        busy = ratio(box, beside.boxes[net, base]) if (net, base) in beside.boxes else None
        if idle is None or busy is None:
            continue
        covered += abs(log(busy.value / idle.value)) <= hypot(*map(_log_half, (busy, idle)))
        widths.append((busy.high - busy.low) / 2 / busy.value)
    return covered, len(widths), widths


def _log_half(one: Ratio) -> float:
    return log(one.high / one.low) / 2


def _base(plain: Measured, net: str) -> str | None:
    for one in plain.tables:
        run = one.races.get(net)
        if run is not None:
            return one.engines[run.first].runner
    return None


def main() -> None:
    """Print the machine, how busy it was, and what held beside each load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--duty", default="1.0,0.5")
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--suite", default="engines")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--runners", default="")
    parser.add_argument("--variants", default="")
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    flags = ["--suite", given.suite, "--preset", given.preset]
    flags += ["--runner", given.runners] if given.runners else []
    flags += ["--variant", given.variants] if given.variants else []
    with nullcontext(given.results) if given.results else tempfile.TemporaryDirectory() as folder:
        results, before = Path(folder).absolute(), read_busy()
        ahead = ("chrt", "-f", "1") if given.ahead else ()
        plain = measure(results / "idle", flags, *ahead)
        state = f" Before: {before.sentence}." if before else ""
        state += " The first run went before all others." if given.ahead else ""
        print(f"{heading(read_host())}.{state}\n")
        for duty in given.duty.split(","):
            with loops(given.loops, float(duty)):
                beside = measure(results / f"loops-{given.loops}-{duty}", flags)
            print(f"### {given.loops} loops, {float(duty):.0%} of the time\n")
            print("\n".join(summary(plain, beside)))
            print(f"\n{cells_table(plain.boxes, beside.boxes)}", flush=True)


if __name__ == "__main__":
    main()
