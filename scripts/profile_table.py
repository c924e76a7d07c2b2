"""What profiles cost and where the time goes: a row for each net and engine.

    .venv/bin/python scripts/profile_table.py --write       some 5 minutes, on an idle machine

Measures and profiles x0_25 and x1_0 in the engines that have profiles, one thread, batch 1, into a
folder of its own, and prints the table; --write puts it into docs/profiles.md too. --torch PATH is
an interpreter that has PyTorch. --stored DIR measures nothing and takes the newest run there that
has profiles.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.analysis.operators import by_family, cost, latency_ns, profiles_of, together_ns
from bench.analysis.series import StoredRun
from bench.core.units import significant, to_ms
from bench.reports.build import load_runs, view_of
from bench.reports.markdown.tables import table
from bench.runners import RUNNERS
from bench.storage.schema.profile import Profiled
from scripts.marked_text import write_between

MODELS = PROJECT / "models"
PAGE = PROJECT / "docs" / "profiles.md"
BEGIN, END = "<!-- profiles: begin -->", "<!-- profiles: end -->"
ENGINES = ("onnxruntime", "openvino", "ncnn", "mnn")
HEAD = (
    "Net", "Engine", "Latency, ms", "With the profile", "Operators", "Together, ms",
    "Most of it, share of their time",
)  # fmt: skip
SHOWN = 3


def measured(torch: Path | None, results: Path) -> None:
    """Measure and profile into `results`; what it prints goes to this terminal."""
    runners = [*ENGINES, *["torch"] * (torch is not None)]
    words = ["run", "--suite", "engines", "--variant", "x0_25,x1_0", "--runner", ",".join(runners)]
    words += ["--batch", "1", "--threads", "1", "--preset", "quick", "--profile"]
    words += [] if torch is None else ["--env", f"torch={torch}"]
    command = [sys.executable, "-m", "bench", *words, "--results", str(results)]
    subprocess.run(command, cwd=PROJECT, check=False)


def newest(results: Path) -> StoredRun:
    """Return the newest run with profiles; leaves with a sentence where there is none."""
    runs = [run for run in load_runs(results, broken=[]) if run.profiles]
    if not runs:
        sys.exit(f"profile_table.py: {results} has no run with profiles: leave --stored out")
    return runs[-1]


def rows(run: StoredRun) -> Iterator[list[str]]:
    """Yield a row for each profile of `run`, net by net."""
    view = view_of([run], MODELS)
    found = [
        (variant, RUNNERS[series.runner].title, profiled)
        for series in view.series
        for (variant, _, _), _, profiled in profiles_of(view, series)
    ]
    order = list(view.models)
    for variant, engine, profiled in sorted(found, key=lambda it: order.index(it[0])):
        yield [variant, engine, *figures(profiled)]


def figures(profiled: Profiled) -> list[str]:
    """Return what stands behind net and engine in a row."""
    total = together_ns(profiled)
    most = list(by_family(profiled.operators).items())[:SHOWN]
    return [
        significant(to_ms(latency_ns(profiled))),
        f"{cost(profiled):.2f} times",
        str(len(profiled.operators)),
        significant(to_ms(total)),
        ", ".join(f"{name} {ns / total:.0%}" for name, ns in most),
    ]


def caption(run: StoredRun) -> str:
    """Return what was measured, by which code, on which machine."""
    code = run.manifest.provenance
    changed = " (changed)" if code.dirty else ""
    return (
        f"{run.system.heading}; commit {code.code}{changed}; {run.manifest.started[:10]}; batch 1, "
        "1 thread."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Profile, or take what is stored, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--torch", type=Path, metavar="PATH", help="an interpreter that has PyTorch")
    add("--stored", type=Path, metavar="DIR", help="a results folder to take the newest run of")
    add("--write", action="store_true", help="put the table into docs/profiles.md")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.stored is None:
            measured(chosen.torch, Path(folder))
        run = newest(chosen.stored or Path(folder))
    text = f"{caption(run)}\n\n{table(HEAD, list(rows(run)))}"
    print(text)
    if chosen.write:
        write_between(PAGE, BEGIN, END, text)


if __name__ == "__main__":
    main()
