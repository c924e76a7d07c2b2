"""Write docs/measurement.md: how far the figures can be trusted on the machine at hand.

    .venv/bin/python scripts/measurement_report.py        about 12 minutes, on an idle machine

Each part is a command that can be run by itself; the page holds what it printed. Results go to a
temporary folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.devices.host.facts import heading, read_host
from bench.launcher.git import git_state
from bench.storage.files import utc_now

PAGE = PROJECT / "docs" / "measurement.md"


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page; `command` follows the interpreter, RESULTS is the temporary folder."""

    title: str
    text: str
    command: tuple[str, ...]
    is_markdown: bool = False


PARTS = (
    Part(
        title="Do two runs agree?",
        text="Two runs of the standard preset back to back, three times; a case is one cell of one "
        "pair.\nA figure is the mean of the sessions' medians ± the half-width of its 95% interval "
        "(sessions) and grade.",
        command=("scripts/repeatability.py", "--results", "RESULTS/pairs"),
        is_markdown=True,
    ),
    Part(
        title="Which repeats better, the latency or the floor?",
        text="Over those runs. A floor is of the fastest tenth of a session's undisturbed bursts "
        "while the canary is within 3% of its\nbest; the script takes the runs of a day too.",
        command=("scripts/floor_repeats.py", "RESULTS/pairs"),
        is_markdown=True,
    ),
    Part(
        title="What can this machine tell from noise?",
        text="A/A sessions of one net, and of the same net with a wider last convolution.",
        command=("-m", "bench", "selftest", "--sessions", "20", "--results", "RESULTS"),
    ),
    Part(
        title="Does the interval cover the long-run median?",
        text="1,000 draws of 5 sessions from those recorded by the self-test.",
        command=("scripts/coverage_simulation.py", "--results", "RESULTS"),
    ),
    Part(
        title="Is other load marked?",
        text="A few cells as the machine is, and again beside two busy loops. CPU is the least "
        "share that a session had of the\ntime in which its threads could have run; a contended "
        "figure has grade D.",
        command=("scripts/busy_machine.py", "--results", "RESULTS"),
        is_markdown=True,
    ),
    Part(
        title="From which wait on is a burst disturbed?",
        text="Bursts of those runs by the part of their time that their threads waited for others. "
        "A median holds until most samples\nwait, a mean is off by what was waited: the bound is "
        "2%, the half-width that grade A allows.",
        command=("scripts/contention_rule.py", "--results", "RESULTS"),
        is_markdown=True,
    ),
    Part(
        title="How fast was the machine?",
        text="A canary, the same 0.1 ms of work, runs before each burst of those runs. Its time "
        "over the best of its cell marks\nbursts of a slow machine; no figure is scaled. The bound "
        "is 1.10: above the canary's own noise, and where the bursts are\nslower too. Two speeds "
        "are named where they are 6 of their spreads apart.",
        command=("scripts/canary_rule.py", "--results", "RESULTS"),
        is_markdown=True,
    ),
    Part(
        title="How far from impossible are the figures?",
        text="The least time that the cores in use can take, over what the stored sessions of the "
        "repository took. A session fails\nabove 100%: bench/analysis/roofline.py says what is "
        "allowed for.",
        command=("scripts/roofline.py",),
        is_markdown=True,
    ),
    Part(
        title="How soon is 5% found, and how often nothing?",
        text="Commands that take 1.00 and 1.05 times the CPU time, and nets with a wider last "
        "convolution. hyperfine is judged by its\nwelch_ttest.py, pyperf by `compare_to`: started "
        "with 10 runs and twice as many until they find it, and only the last\nstart's seconds "
        "count. `bench ab` includes Python's start and the harness's imports.",
        command=("scripts/against_pyperf_hyperfine.py",),
        is_markdown=True,
    ),
    Part(
        title="What do the sensors cost?",
        text="Run queue and counters are read around each burst, and the canary runs before it; "
        "all others are read before and after\na session.",
        command=("-m", "bench", "doctor", "--sensors"),
    ),
    Part(
        title="What does the harness itself cost?",
        text="Its help, a report over 10,000 stored cells, and its timed loop against a bare one.",
        command=("scripts/benchmark_harness.py",),
    ),
)


def run(part: Part, results: str) -> str:
    """Return the section: what the part's command printed, whatever its status."""
    command = [word.replace("RESULTS", results) for word in part.command]
    print(f"running {' '.join(command)}", flush=True)
    done = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, check=False, text=True, capture_output=True
    )  # fmt: skip
    if not done.stdout:
        sys.exit(done.stderr)
    printed = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    printed = printed.replace(results, "RESULTS")
    body = printed if part.is_markdown else f"```\n{printed}\n```"
    print(printed, flush=True)
    shown = " ".join(part.command)
    return f"## {part.title}\n\n{part.text}\n\n`python {shown}`\n\n{body}\n"


def main() -> None:
    """Run every part and write the page."""
    commit = git_state(PROJECT)
    state = f"{(commit.commit or 'unknown')[:8]}{' (changed)' if commit.dirty else ''}"
    head = (
        "# How far the figures can be trusted\n\n"
        "Written by `scripts/measurement_report.py`, which anyone can run; the figures are of the "
        "machine\nthat it ran on.\n\n"
        f"{heading(read_host())}; commit {state}; {utc_now()}.\n"
    )
    PAGE.parent.mkdir(exist_ok=True)
    sections: list[str] = []
    with tempfile.TemporaryDirectory() as results:
        for part in PARTS:
            sections.append(run(part, results))
            PAGE.write_text("\n".join([head, *sections]), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
