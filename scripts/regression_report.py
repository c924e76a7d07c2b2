"""Show what the live comparison can tell on the machine at hand; the figures of docs/regression.md.

    .venv/bin/python scripts/regression_report.py                 everything, about two hours
    .venv/bin/python scripts/regression_report.py --part live     one part: live, seven, engines
    .venv/bin/python scripts/regression_report.py --part page     only write the page again

Each trial is one `python -m bench ab`. What is done stands in STATE/trials.jsonl, a line a trial:
start it again after an interruption and it goes on from there. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.devices.host.facts import heading, read_host
from bench.launcher.git import git_state
from bench.storage.files import utc_now, write_atomic
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbRecord
from bench.storage.store import Store
from scripts.marked_text import write_between
from scripts.regression_tally import (
    Trial,
    engines_table,
    live_table,
    select,
    seven_table,
    slowed_table,
)

PAGE = PROJECT / "docs" / "regression.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
NETS = {"x0_25": 512, "x0_5": 1024}
SHARES = {"plus5": 1.05, "plus10": 1.10}
STEP = 16
CLOSE = 0.004
LONG = ("--half-width", "0.002", "--sessions", "10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where trials are kept, and how many of each are wanted."""

    state: Path
    runner: str
    repeats: int
    seven: int
    older: str
    page: Path

    @property
    def trials(self) -> list[Trial]:
        return [Trial(**json.loads(line)) for line in self._whole().splitlines()]

    def _whole(self) -> str:
        """Return the state's whole lines: the last one may have been cut off."""
        path = self.state / "trials.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return text[: text.rfind("\n") + 1]

    def keep(self, trial: Trial) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        text = self._whole() + json.dumps(asdict(trial)) + "\n"
        write_atomic(self.state / "trials.jsonl", text.encode())

    def models(self, net: str, channels: int) -> Path:
        """Return a models folder in which `net` has that many channels at its end."""
        folder = self.state / "models" / f"{net}_{channels}"
        if not (folder / "catalog.toml").exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / "bench/regression_models/nets.py", folder)
            text = f'[models.{net}]\nfactory = "nets:{net}_{channels}"\n'
            (folder / "catalog.toml").write_text(text, encoding="utf-8")
        return folder

    def compare(self, *flags: str, **names: Any) -> Trial:
        """Run one comparison and keep it as the trial of these names."""
        results = self.state / "results"
        command = [sys.executable, "-m", "bench", "ab", "--results", str(results)]
        started, clock = utc_now(), time.monotonic()
        done = subprocess.run(
            [*command, "--format", "json", *flags],
            cwd=PROJECT, check=False, text=True, capture_output=True,
        )  # fmt: skip
        if done.returncode not in (0, 1, 3):
            sys.exit(done.stderr)
        seconds = time.monotonic() - clock
        records = list(AbFolder.find(Store(results), "latest").records())
        trial = Trial(
            seconds=seconds,
            started=started,
            cells=json.loads(done.stdout)["cells"],
            medians_ns={one.label: medians(one) for one in records},
            **names,
        )
        self.keep(trial)
        print(f"{trial.key}: {verdicts(trial)}, {seconds:.0f} s", file=sys.stderr, flush=True)
        return trial

    def has(self, part: str, net: str, kind: str, number: int) -> bool:
        return (part, net, kind, number) in {it.key for it in self.trials}


def medians(record: AbRecord) -> dict[str, list[float]]:
    """Return the median of each arm's samples, session by session."""
    return {
        arm: [
            float(median(ns for it in one.bursts if it.arm == arm for ns in it.ns[1:]))
            for one in record.sessions
        ]
        for arm in ("base", "head")
    }


def verdicts(trial: Trial) -> str:
    """Return its verdicts and ratios in a line."""
    return ", ".join(
        f"{cell['verdict']} {cell['ratio']:.3f}" if cell["ratio"] else cell["verdict"]
        for cell in trial.cells
    )


def arms(bench: Bench, net: str, channels: int) -> list[str]:
    """Return the flags that compare `net` with itself, that wide at its end."""
    base, head = bench.models(net, NETS[net]), bench.models(net, channels)
    where = ["--models", str(base), "--head", f"model:{head}", "--variant", net]
    return [*where, "--runner", bench.runner]


def widths(bench: Bench, net: str) -> dict[str, int]:
    """Return how wide `net` must be to be slower by each share, each verified by a long run.

    The time is nearly linear in the width, so that a secant gets there in a few steps.
    """
    found = {"same": NETS[net]}
    for kind, share in SHARES.items():
        kept = [it for it in select(bench.trials, "true-share", kind) if it.net == net]
        found[kind] = int(kept[-1].note) if kept else _seek(bench, net, kind, share)
    return found


def _seek(bench: Bench, net: str, kind: str, share: float) -> int:
    known = {NETS[net]: 1.0}
    channels = _rounded(NETS[net] * (1 + 10 * (share - 1)))
    for number in range(6):
        flags = [*arms(bench, net, channels), *LONG]
        names = {"part": "seek", "net": net, "kind": kind, "number": number}
        ratio = bench.compare(*flags, **names, note=str(channels)).cells[0]["ratio"]
        known[channels] = ratio
        if abs(ratio - share) <= CLOSE:
            break
        (x0, y0), (x1, y1) = sorted(known.items(), key=lambda it: abs(it[1] - share))[:2]
        wider = _rounded(x0 + (share - y0) * (x1 - x0) / (y1 - y0)) if y1 != y0 else channels + STEP
        if wider in known or wider <= NETS[net]:
            break
        channels = wider
    channels = min(known, key=lambda it: abs(known[it] - share))
    # Measured anew: the one that came closest did so by chance too.
    names = {"part": "true-share", "net": net, "kind": kind, "number": 0}
    bench.compare(*arms(bench, net, channels), *LONG, **names, note=str(channels))
    return channels


def _rounded(channels: float) -> int:
    return STEP * round(channels / STEP)


def live(bench: Bench) -> None:
    """One-cell comparisons of both nets, as they are and slowed, in random order."""
    wide = {net: widths(bench, net) for net in NETS}
    todo = [
        (net, kind, number) for net in NETS for kind in wide[net] for number in range(bench.repeats)
    ]
    random.Random(0).shuffle(todo)  # noqa: S311 - an order, not a secret
    for net, kind, number in todo:
        if not bench.has("live", net, kind, number):
            flags = [*arms(bench, net, wide[net][kind]), "--seed", str(number)]
            bench.compare(*flags, part="live", net=net, kind=kind, number=number)


def seven(bench: Bench) -> None:
    """All nets of the catalogue on Paddle, each with itself."""
    for number in range(bench.seven):
        if not bench.has("seven", "all", "same", number):
            flags = ["--runner", "paddle", "--seed", str(number)]
            bench.compare(*flags, part="seven", net="all", kind="same", number=number)


def engines(bench: Bench) -> None:
    """An older version of Paddle with the locked one, for all nets of the catalogue."""
    if not bench.has("engines", "all", bench.older, 0):
        flags = ["--runner", "paddle", "--base-env", bench.older]
        bench.compare(*flags, part="engines", net="all", kind=bench.older, number=0)


PARTS: Mapping[str, Callable[[Bench], None]] = {"live": live, "seven": seven, "engines": engines}


def page(bench: Bench) -> str:
    """Return the figures, as they stand between the page's marks."""
    commit = git_state(PROJECT)
    state = f"{(commit.commit or 'unknown')[:8]}{' (changed)' if commit.dirty else ''}"
    trials = bench.trials
    days = sorted(it.started for it in trials)
    span = f"{days[0]} to {days[-1]}" if days else "nothing measured yet"
    older = ", ".join(it.kind for it in select(trials, "engines")) or bench.older
    parts = [
        f"{heading(read_host())}; commit {state}; {span}.",
        f"### One cell, on {bench.runner}, one thread\n\n{live_table(trials)}",
        f"What the slowed nets really are, by long comparisons:\n\n{slowed_table(trials)}",
        f"### All nets with themselves, on Paddle, one thread\n\n{seven_table(trials)}",
        f"### Two versions of an engine\n\nBASE is {older}, HEAD the locked version.",
        engines_table(trials),
    ]
    return "\n\n".join(part.strip() for part in parts)


def write_page(bench: Bench) -> None:
    """Put the figures between the page's marks."""
    write_between(bench.page, BEGIN, END, page(bench))


def main(argv: Sequence[str] | None = None) -> None:
    """Make the trials that are missing, then write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--part", action="append", choices=[*PARTS, "page"], help="default: all")
    add("--state", type=Path, default=PROJECT / "build" / "regression", metavar="DIR")
    add("--runner", default="onnxruntime", help="of the one-cell comparisons")
    add("--repeats", type=int, default=30, metavar="N", help="a net and kind: twice that in all")
    add("--seven", type=int, default=10, metavar="N")
    add("--page", type=Path, default=PAGE, metavar="FILE", help="where the figures are put")
    add("--older", default="paddlepaddle==3.2.2", metavar="NAME==VERSION")
    given = parser.parse_args(argv)
    bench = Bench(
        state=given.state.absolute(),
        runner=given.runner,
        repeats=given.repeats,
        seven=given.seven,
        older=given.older,
        page=given.page.absolute(),
    )
    for part in given.part or PARTS:
        if part in PARTS:
            PARTS[part](bench)
    write_page(bench)


if __name__ == "__main__":
    main()
