"""The script behind docs/regression.md: it counts rightly and goes on where it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import ROOT

SCRIPT = ROOT / "scripts/regression_report.py"
PAGE = "# A page\n\nBefore.\n\n<!-- figures: begin -->\n\nold\n\n<!-- figures: end -->\n\nAfter.\n"
KINDS = {"same": (1.0, "SAME"), "plus5": (1.05, "SLOWER"), "plus10": (1.1, "SLOWER")}


def trial(part: str, net: str, kind: str, number: int, ratio: float, verdict: str) -> Any:
    """A line of the state; the machine is a third slower from the second trial on."""
    speed = 1e6 * (1.0 if number == 0 and kind == "same" else 1.3)
    base = [speed * noise for noise in (0.99, 1.0, 1.01)]
    label = f"{net} onnxruntime"
    cell = {
        "label": label, "verdict": verdict, "ratio": ratio, "low": ratio - 0.01,
        "high": ratio + 0.01, "base_ns": 2e6, "head_ns": 2e6 * ratio, "reason": "because",
    }  # fmt: skip
    return {
        "part": part, "net": net, "kind": kind, "number": number, "seconds": 12.3,
        "started": f"2026-01-02T03:{10 * list(KINDS).index(kind) + number:02d}:05+00:00",
        "cells": [cell], "medians_ns": {label: {"base": base, "head": [it * ratio for it in base]}},
        "note": "1280",
    }  # fmt: skip


def all_trials(repeats: int) -> list[Any]:
    nets = ("x0_25", "x0_5")
    live = [
        trial("live", net, kind, number, ratio, verdict)
        for net in nets
        for kind, (ratio, verdict) in KINDS.items()
        for number in range(repeats)
    ]
    true = [
        trial("true-share", net, kind, 0, KINDS[kind][0], "SLOWER")
        for net in nets
        for kind in ("plus5", "plus10")
    ]
    return live + true


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "page.md").write_text(PAGE)
    lines = [json.dumps(it) for it in all_trials(3)]
    # The last line of a script that was interrupted in the middle of it.
    (tmp_path / "trials.jsonl").write_text("\n".join(lines) + '\n{"part": "li')
    return tmp_path


def run(state: Path, *flags: str) -> None:
    where = ["--state", str(state), "--page", str(state / "page.md")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *where, *flags], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def row(page: str, title: str) -> list[str]:
    (line,) = [it for it in page.splitlines() if it.startswith(f"| {title}")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.slow
def test_the_figures_take_the_place_of_the_old_ones_and_the_text_stays(state: Path) -> None:
    run(state, "--part", "page")
    page = (state / "page.md").read_text()
    assert page.startswith("# A page\n\nBefore.\n\n<!-- figures: begin -->\n")
    assert page.endswith("<!-- figures: end -->\n\nAfter.\n")
    assert "old" not in page
    run(state, "--part", "page")
    assert (state / "page.md").read_text() == page


def test_live_and_stored_comparisons_are_counted_beside_each_other(state: Path) -> None:
    run(state, "--part", "page")
    page = (state / "page.md").read_text()
    # A baseline of before the machine slowed down calls every later one slower, equals too.
    assert row(page, "the same net")[:4] == [
        "0 of 6 [0%, 46%]",
        "0 of 6 [0%, 46%]",
        "4 of 4 [40%, 100%]",
        "4 of 4 [40%, 100%]",
    ]
    assert row(page, "slower by 5%")[0] == "6 of 6 [54%, 100%]"
    assert "| x0_5 | slower by 10% | 1280 | +10.0% [+9.0%, +11.0%] | 3 |" in page


def test_what_is_there_is_not_measured_again(state: Path) -> None:
    before = (state / "trials.jsonl").read_text()
    run(state, "--part", "live", "--repeats", "3")
    assert (state / "trials.jsonl").read_text() == before


def test_a_trial_takes_the_place_of_a_line_that_was_cut_off(state: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import regression_report as report;"
        "bench = report.Bench(state=Path(sys.argv[1]), runner='', repeats=1, seven=1, older='',"
        " page=Path()); bench.keep(bench.trials[0]); print(len(bench.trials))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(state)],
        cwd=SCRIPT.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{len(all_trials(3)) + 1}\n"
