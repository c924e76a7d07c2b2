"""What a fleet's scheduler and an idle worker take of a core, and whether figures beside one move.

    .venv/bin/python scripts/fleet_idle.py [--for-s S]              CPU time of idle programs
    .venv/bin/python scripts/fleet_idle.py --suite [--pairs N]      figures with and without one

The first prints the CPU time of a scheduler and a worker that do nothing, over S seconds, and of a
worker as `distributed` has it by default. The second measures six cells N times with and N times
without a worker that has joined on this machine, by turns, and compares the runs of each cell by
Welch's t on their logarithms; the intervals hold for all cells together. It takes the extra
`fleet`.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

import numpy as np
from scipy.stats import t as student

from bench.analysis.stored_runs import welch
from bench.config.project import default_cache
from bench.core.units import NS_PER_MS
from bench.storage.schema.latency import Session
from bench.storage.store import Store
from tests.cli.fleets import Program, TestFleet, eventually, fleet
from tests.cli.process import REAL, ROOT, call

MOST = 0.01
"""The share of a core that each may take."""
NETS, RUNNERS = "x0_25,x0_5,x1_0", "onnxruntime,openvino"
_SETTLES_S = 15.0
_DEFAULT_WORKER = (
    "import asyncio, sys, distributed\n"
    "async def main():\n"
    "    async with distributed.Worker(sys.argv[1], name='default', dashboard=False) as worker:\n"
    "        print('default joined', flush=True)\n"
    "        await worker.finished()\n"
    "asyncio.run(main())\n"
)


def main(argv: list[str]) -> int:
    """Print the figures; 1 where a share is above MOST, or a worker moves the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--for-s", type=float, default=120.0, metavar="S")
    parser.add_argument("--suite", action="store_true")
    parser.add_argument("--pairs", type=int, default=6, metavar="N")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-fleet-idle-") as holder:
        folder, models = Path(holder), ROOT / "models"
        with fleet(folder, models, module=REAL, cache=default_cache()) as made:
            if options.suite:
                return compared(made, options.pairs)
            return idle(made, options.for_s)


def idle(made: TestFleet, for_s: float) -> int:
    """Print what idle programs take of a core."""
    worker = made.join("one")
    programs = {"scheduler": made.scheduler, "worker": worker}
    shares = _shares(programs, for_s)
    with _default_worker(made) as default:
        shares |= _shares({"worker with distributed's own settings": default}, for_s / 2)
    for name, share in shares.items():
        print(f"{name}: {100 * share:.2f}% of a core")
    return int(any(shares[name] > MOST for name in programs))


@contextmanager
def _default_worker(made: TestFleet) -> Iterator[Program]:
    folder = made.folder / "default"
    folder.mkdir()
    (folder / "default_worker.py").write_text(_DEFAULT_WORKER)
    where = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    program = Program((made.address,), folder, "default_worker", where)
    program.start()
    eventually(lambda: "default joined" in program.said)
    yield program
    program.end(signal.SIGKILL)


def _shares(programs: dict[str, Program], for_s: float) -> dict[str, float]:
    time.sleep(_SETTLES_S)
    began = time.monotonic()
    before = {name: _cpu_s(it.process.pid) for name, it in programs.items()}
    time.sleep(for_s)
    passed = time.monotonic() - began
    return {name: (_cpu_s(it.process.pid) - before[name]) / passed for name, it in programs.items()}


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process's threads, user and system, in s, to a nanosecond."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in tasks) / 1e9


def compared(made: TestFleet, pairs: int) -> int:
    """Measure with and without a worker by turns; print each cell's figures and their ratio."""
    figures: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for pair in range(pairs):
        for joined in (True, False) if pair % 2 else (False, True):
            worker = made.join(f"one{pair}") if joined else None
            time.sleep(2.0)
            figures[joined].append(_figures_ms(made.folder / f"runs{pair}{joined:d}"))
            if worker is not None:
                worker.end()
    cells = list(figures[True][0])
    print(f"{'cell':32}{'without, ms':>12}{'with, ms':>12}   with / without, {pairs} runs each")
    rows = [
        _Row(cell, *([run[cell] for run in figures[joined]] for joined in (False, True)))
        for cell in cells
    ]
    moved = [row for row in rows if not row.tell(0.05 / len(rows))]
    print(f"{len(moved)} of {len(rows)} cells moved, at 5% over all of them")
    return int(bool(moved))


@dataclass(frozen=True)
class _Row:
    cell: str
    without: list[float]
    having: list[float]

    def tell(self, alpha: float) -> bool:
        """Print the cell's means and their ratio; return whether its interval has 1 in it."""
        log_ratio, error, freedom = welch(self.without, self.having)
        half = float(student.ppf(1 - alpha / 2, freedom)) * error
        low, ratio, high = (math.exp(log_ratio + it) for it in (-half, 0.0, half))
        means = "".join(f"{np.mean(it):12.4f}" for it in (self.without, self.having))
        print(f"{self.cell:32}{means}   {ratio:.3f} ({low:.3f} to {high:.3f})")
        return low <= 1 <= high


def _figures_ms(results: Path) -> dict[str, float]:
    """Return each cell's latency in a run: the mean of its sessions' medians."""
    done = call(
        "run", "--suite", "engines", "--runner", RUNNERS, "--variant", NETS, "--threads", "1",
        "--batch", "1", "--preset", "quick", "--no-turns", "--no-report", "--results", results,
        env={"XDG_RUNTIME_DIR": str(results.parent)}, timeout_s=600.0,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    (run,) = Store(results).runs()
    return {f"{it.cell.variant} {it.cell.runner}": _median_ms(it.sessions) for it in run.records()}


def _median_ms(sessions: Sequence[Session]) -> float:
    return float(np.mean([np.median(it.samples_ns) for it in sessions])) / NS_PER_MS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
