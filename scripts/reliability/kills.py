"""Kill runs at random moments: `python scripts/reliability/kills.py [KILLS] [AT_ONCE]`.

A run of made-up engines is killed by SIGKILL, itself, one of its children, or both, and resumed
until it is complete; each so often (200), with so many runs under way at a time (2). No count
depends on how quiet the machine is.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from scripts.reliability.trials import Tally, Trial, heading, kill

KINDS = ("parent", "child", "both")
_KILLS_A_RUN = 5


def killed(trial: Trial, kind: str, chance: random.Random) -> bool:
    """Start or resume the run and kill it at a random moment; False: it ended before."""
    process = trial.start()
    time.sleep(chance.uniform(0.2, 4.0))
    if process.poll() is not None:
        return False
    if kind != "parent":
        children = [pid for pid in trial.processes() if pid != process.pid]
        chance.shuffle(children)
        for pid in children[:1] if kind == "child" else children:
            kill(pid)
    if kind != "child":
        kill(process.pid)
    process.wait()
    trial.ended()
    return True


def share(kind: str, kills: int, chance: random.Random) -> Tally:
    """Return what came of so many kills of one kind, one run after the other."""
    tally = Tally()
    while tally.tried < kills:
        with tempfile.TemporaryDirectory(prefix="kills-") as root:
            trial = Trial(Path(root), tally)
            for _ in range(min(_KILLS_A_RUN, kills - tally.tried)):
                if not killed(trial, kind, chance):
                    break
            trial.complete()
    return tally


def main(kills: int = 200, at_once: int = 2) -> int:
    """Print a row a kind; return 0 where all counts are 0."""
    print(heading("killed | kills"))
    total = Tally()
    for kind in KINDS:
        with ThreadPoolExecutor(at_once) as pool:
            parts = [
                pool.submit(share, kind, kills // at_once + (number < kills % at_once), chance)
                for number in range(at_once)
                for chance in [random.Random(f"{kind} {number}")]  # noqa: S311 - moments, no secret
            ]
        tally = Tally()
        for part in parts:
            tally.add(part.result())
        print(f"| {kind} | {tally.row()} |", flush=True)
        total.add(tally)
    return int(total.found.total() > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
