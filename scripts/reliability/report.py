"""Run the trials of this folder and write docs/reliability.md: `make reliability`, two hours.

    python scripts/reliability/report.py [fuzz power_loss disks kills calls parallel]

Of the trials that aren't named the page keeps what it has.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.devices.host.facts import heading, read_host
from bench.launcher.git import git_state
from bench.storage.files import utc_now

PAGE = PROJECT / "docs" / "reliability.md"
HEAD = """# What files, disks and kills can't break

Written by `make reliability`; each part names the machine that it ran on.
"""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A script with its arguments; `text` says what its table counts."""

    title: str
    command: tuple[str, ...]
    text: str


TRIALS = (
    Trial(
        title="Is any hostile file too much for a reader?",
        command=("fuzz.py", "5000"),
        text="Real files are cut off, flipped, spliced with others, their values replaced by ones "
        "that no program would write: numbers beyond 64 bits, 100,000 brackets, halves of "
        "surrogate pairs. A reader gives a value or refuses in one sentence; what raises anything "
        "else is unhandled. A worker's reply always gives a value: a session, or its failure.",
    ),
    Trial(
        title="Does a damaged file go unnoticed?",
        command=("power_loss.py", "400"),
        text="Each kind of file of a run is cut off, and single bits of it are flipped. A report "
        "is made of what is read, so that nothing changes in it where nothing read has changed. "
        "The sessions of a journal's lost last lines are measured again.",
    ),
    Trial(
        title="What does a disk that fills up lose?",
        command=("disks.py",),
        text="A run of 12 sessions on a disk of 256 KiB, of which only so much is left after the "
        "fifth. It ends in one sentence; once there is space, the command that it names goes on.",
    ),
    Trial(
        title="What do kills lose?",
        command=("kills.py", "200"),
        text="A run is killed at random moments, itself, a child of it, or both, and resumed "
        "until it is complete.",
    ),
    Trial(
        title="Is there a call at which a run must not end?",
        command=("calls.py",),
        text="A run of two cells is killed before each call (of `calls.py 2`, each second one) "
        "that makes, writes, flushes, renames or removes a file of its own, and resumed until it "
        "is complete. So are runs whose disk is full from that call on, or fails in it.",
    ),
    Trial(
        title="What do parallel runs and reports do to each other?",
        command=("parallel.py", "100", "200"),
        text="Two runs start at once on one cold cache; four processes write one report at once.",
    ),
)


def table_of(trial: Trial) -> tuple[int, str]:
    """Return how a trial left, and the table that it printed."""
    script, *arguments = trial.command
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    done = subprocess.run(command, cwd=PROJECT, check=False, text=True, stdout=subprocess.PIPE)
    return done.returncode, done.stdout.strip()


def section(trial: Trial, table: str) -> str:
    """Return a trial's part of the page, with the machine and the commit that it ran on."""
    script, *arguments = trial.command
    command = " ".join(("python", f"scripts/reliability/{script}", *arguments))
    commit = (git_state(PROJECT).commit or "unknown")[:8]
    where = f"{heading(read_host())}; commit {commit}; {utc_now()}."
    return f"## {trial.title}\n\n{trial.text}\n\n`{command}`: {where}\n\n{table}\n"


def kept(page: str) -> dict[str, str]:
    """Return the sections that the page has, by title."""
    parts = page.split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def main(names: list[str]) -> int:
    """Write the page; return 1 where a trial failed."""
    parts, failed = kept(PAGE.read_text(encoding="utf-8")), []
    for trial in TRIALS:
        name = trial.command[0].removesuffix(".py")
        if names and name not in names:
            continue
        print(f"running {' '.join(trial.command)}", flush=True)
        status, table = table_of(trial)
        failed += [name] if status else []
        parts[trial.title] = section(trial, table)
        write(parts)
    print(f"wrote {PAGE.relative_to(PROJECT)}; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def write(parts: dict[str, str]) -> None:
    """Write the page of the sections that there are, in the order of the trials."""
    there = [parts[trial.title] for trial in TRIALS if trial.title in parts]
    PAGE.write_text("\n".join((HEAD, *there)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
