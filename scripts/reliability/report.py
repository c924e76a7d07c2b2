"""Run every trial of this folder and write docs/reliability.md: `make reliability`, ten minutes."""

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
        command=("kills.py", "15"),
        text="A run is killed at random moments, itself, a child of it, or both, and resumed "
        "until it is complete.",
    ),
)


def table_of(trial: Trial) -> tuple[int, str]:
    """Return how a trial left, and the table that it printed."""
    script, *arguments = trial.command
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    done = subprocess.run(command, cwd=PROJECT, check=False, text=True, stdout=subprocess.PIPE)
    return done.returncode, done.stdout.strip()


def main() -> int:
    """Write the page; return 1 where a trial failed."""
    commit = (git_state(PROJECT).commit or "unknown")[:8]
    parts = [
        "# What files, disks and kills can't break\n",
        "Written by `make reliability`; the figures are of the machine that it ran on.\n",
        f"{heading(read_host())}; commit {commit}; {utc_now()}.\n",
    ]
    failed = []
    for trial in TRIALS:
        print(f"running {' '.join(trial.command)}", flush=True)
        status, table = table_of(trial)
        failed += [trial.command[0]] if status else []
        command = " ".join(
            ("python", f"scripts/reliability/{trial.command[0]}", *trial.command[1:])
        )
        parts.append(f"## {trial.title}\n\n{trial.text}\n\n`{command}`\n\n{table}\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PROJECT)}; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
