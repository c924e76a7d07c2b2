"""Programs that do one thing at once: `python -m tests.fakes.racing NAME FOLDER NUMBER START`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.artifacts.builder import Artifact
from bench.core.paths import PROJECT
from bench.storage.files import replace_report
from tests.fakes import workshop

_ROUNDS = 60


def race(name: str, folder: Path, *, runs: int) -> list[str]:
    """Have so many processes begin with it at one moment; return what each of them printed."""
    start = str(time.time() + 2.0)
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.racing", name, str(folder), str(number), start],
            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(runs)
    ]  # fmt: skip
    return [racer.communicate(timeout=120.0)[0] for racer in racers]


def artifacts(cache: Path, number: int) -> None:
    """Make both kinds of artifact of two models for two batches."""
    del number
    bench = workshop.Bench(cache)
    made = bench.make(workshop.SMALL, workshop.BIG, formats="pir nb", batches=(1, 4))
    assert len(made) == 8, made
    assert all(isinstance(it, Artifact) and it.main.exists() for it in made.values()), made
    sys.stdout.write(f"{len(bench.children.requests)} made")


def reports(folder: Path, number: int) -> None:
    """Write a report of one's own over and over, now with this plot and now with that one."""
    for turn in range(_ROUNDS):
        text = f"{number} {turn}".encode()
        plot = folder / f"{(number + turn) % 3}.svg"
        files = {folder / "report.md": text, folder / "cells.csv": text, plot: text}
        replace_report(files, lambda: set(folder.glob("*.svg")))
    sys.stdout.write("done")


if __name__ == "__main__":
    name, folder, number, start = sys.argv[1:]
    time.sleep(max(0.0, float(start) - time.time()))
    {"artifacts": artifacts, "reports": reports}[name](Path(folder), int(number))
