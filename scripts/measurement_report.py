"""Measure how far figures can be trusted on this machine; the figures of docs/measurement.md.

    .venv/bin/python scripts/measurement_report.py                  everything, about two hours
    .venv/bin/python scripts/measurement_report.py --part coverage  one part; --list names them
    .venv/bin/python scripts/measurement_report.py --part page      only write the page again

Each part is a command that can be run by itself, and the page holds what it printed. What is done
stands in STATE, a file a part: started again after an interruption, it goes on from there. Run it
on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.devices.host.facts import heading, read_host
from bench.launcher.git import git_state
from bench.storage.files import utc_now, write_atomic
from scripts.marked_text import write_between

PAGE = PROJECT / "docs" / "measurement.md"
RUNS = ("STATE/busy/idle", "STATE/busy/loops-2-1.0", "STATE/busy/loops-2-0.5")


@dataclass(frozen=True, slots=True)
class Part:
    """What a command prints; `command` follows the interpreter, STATE is where runs are kept."""

    command: tuple[str, ...]
    is_markdown: bool = True


PARTS = {
    "pairs": Part(("scripts/repeatability.py", "--results", "STATE/pairs")),
    "floor": Part(("scripts/floor_repeats.py", "STATE/pairs")),
    "selftest": Part(
        ("-m", "bench", "selftest", "--sessions", "20", "--results", "STATE/selftest"),
        is_markdown=False,
    ),
    "coverage": Part(
        ("scripts/coverage_simulation.py", "--results", "STATE/selftest"), is_markdown=False
    ),
    "busy": Part(("scripts/busy_machine.py", "--results", "STATE/busy")),
    "turns": Part(("scripts/turns_gain.py", "--results", RUNS[0])),
    "ratios": Part(("scripts/ratios_repeat.py", *RUNS)),
    "contention": Part(("scripts/contention_rule.py", "--results", *RUNS)),
    "canary": Part(("scripts/canary_rule.py", "--results", *RUNS)),
    "roofline": Part(("scripts/roofline.py",)),
    "load": Part(("scripts/ab_under_load.py", "--state", "STATE/ab-under-load")),
    "others": Part(("scripts/against_pyperf_hyperfine.py", "--minutes", "7")),
    "sensors": Part(("-m", "bench", "doctor", "--sensors"), is_markdown=False),
    "harness": Part(("scripts/benchmark_harness.py",), is_markdown=False),
}


def run(part: Part, state: Path) -> str:
    """Return what the part's command printed, whatever its status, with where and when it ran."""
    command = [word.replace("STATE", str(state)) for word in part.command]
    print(f"running {' '.join(command)}", flush=True)
    done = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, check=False, text=True, stdout=subprocess.PIPE
    )  # fmt: skip
    if not done.stdout:
        sys.exit(f"{' '.join(command)} printed nothing, with status {done.returncode}")
    printed = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    printed = printed.replace(str(state), "STATE")
    print(printed, flush=True)
    commit = git_state(PROJECT)
    code = f"{(commit.commit or 'unknown')[:8]}{' (changed)' if commit.dirty else ''}"
    body = printed if part.is_markdown else f"```\n{printed}\n```"
    where = f"{heading(read_host())}; commit {code}; {utc_now()}."
    return f"`python {' '.join(part.command)}`\n\n{where}\n\n{body}\n"


def write_page(state: Path, page: Path) -> None:
    """Put what is measured between the page's marks; the rest of it stays."""
    for name in PARTS:
        done = state / f"{name}.md"
        if done.exists():
            text = done.read_text(encoding="utf-8")
            write_between(page, f"<!-- {name}: begin -->", f"<!-- {name}: end -->", text)


def main() -> None:
    """Run the parts that are missing, or anew those that are named, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=[*PARTS, "page"], help="default: all")
    parser.add_argument("--list", action="store_true", help="the parts and their commands")
    parser.add_argument("--state", type=Path, default=PROJECT / "build" / "measurement")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:<11} {' '.join(it.command)}" for name, it in PARTS.items()))
        return
    state = given.state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    for name in given.part or PARTS:
        done = state / f"{name}.md"
        if name in PARTS and (given.part or not done.exists()):
            write_atomic(done, run(PARTS[name], state).encode())
            write_page(state, given.page)
    write_page(state, given.page)


if __name__ == "__main__":
    main()
