"""What the harness itself costs: `--help`, a report over 10,000 cells, its page, the timed loop.

Prints each figure beside what it may be. The machine may be shared, so nothing here is a test.

    .venv/bin/python scripts/benchmark_harness.py [help] [report] [page] [loop]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.reports.build import StoredRuns, view_of
from bench.reports.page.write import write
from bench.runners.base import time_calls
from scripts.made_up_results import make_results
from tests.browser.opening import loaded, opened
from tests.browser.stores import CELLS as SHOWN
from tests.browser.stores import STORES

CELLS = 10_000


def main(wanted: list[str]) -> None:
    """Run the parts that are named, or all."""
    parts: dict[str, Callable[[], None]] = {
        "help": time_help,
        "report": time_report,
        "page": time_page,
        "loop": time_loop,
    }
    for name in wanted or parts:
        parts[name]()


def time_help() -> None:
    """Print the median wall time of `python -m bench --help` over 15 starts, and of bare Python."""
    command = [sys.executable, "-m", "bench", "--help"]
    bare = median(_wall([sys.executable, "-c", "pass"]) for _ in range(15))
    full = median(_wall(command) for _ in range(15))
    print(f"--help: {full:.3f} s (Python alone {bare:.3f} s); it may take 0.3 s")


def _wall(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def time_report() -> None:
    """Print what `python -m bench.report` takes over CELLS stored cells, and its page's size."""
    with tempfile.TemporaryDirectory() as name:
        runs = make_results(Path(name), CELLS)
        page = Path(name) / "report" / "index.html"
        command = [sys.executable, "-m", "bench.report", "--results", name]
        for which in ("first", "second"):
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            print(
                f"report over {CELLS} cells in {runs} runs, {which}: {wall:.2f} s "
                f"({usage.ru_utime + usage.ru_stime:.2f} s of CPU), "
                f"{usage.ru_maxrss / 1024:.0f} MiB, page {page.stat().st_size / 1e6:.1f} MB; "
                f"it may take 6 s, 500 MB and 10 MB (status {status})"
            )


def time_page() -> None:
    """Print how long a browser takes to load a page of SHOWN cells, each of them shown."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or sys.exit(
        "chromium isn't installed: apt install chromium"
    )
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        STORES["many"](Path(name))
        view = view_of(StoredRuns(Path(name), None, []), PROJECT / "models")
        ((path, data),) = write(view, Path(name) / "report").items()
        path.parent.mkdir()
        path.write_bytes(data)
        browser = playwright.chromium.launch(executable_path=chromium)
        for which in ("first", "second"):
            started = time.perf_counter()
            with opened(browser, path) as shown:
                loaded(shown)
                wall = time.perf_counter() - started
                print(
                    f"page of {SHOWN} cells, {which}: loaded in {wall:.2f} s "
                    f"({shown.metrics()['ThreadTime']:.2f} s of CPU), {len(data) / 1e6:.1f} MB, "
                    f"{shown.page.locator('*').count()} elements; it may take 3 s"
                )
        browser.close()


def time_loop() -> None:
    """Print what the timed loop adds to a call: the median difference from a bare loop, in turn."""
    for label, call, count in (
        ("an empty call", _nothing, 20_000),
        ("a call of about 1 ms", _one_millisecond, 30),
    ):
        bare, added = [], []
        for turn in range(31):
            loops = (_bare, _timed) if turn % 2 else (_timed, _bare)
            taken = {loop: loop(call, count) for loop in loops}
            bare.append(taken[_bare])
            added.append(taken[_timed] - taken[_bare])
        print(
            f"timed loop, {label}: bare {median(bare) / 1000:.3f} us, the timed one adds "
            f"{median(added) / 1000:+.3f} us ({100 * median(added) / median(bare):+.2f} %); "
            "it may add 1 % or 5 us, whichever is larger"
        )


def _bare(call: Callable[[], object], count: int) -> float:
    started = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - started) / count


def _timed(call: Callable[[], object], count: int) -> float:
    """Return ns per call of the whole harness loop, its own work included."""
    started = time.perf_counter_ns()
    time_calls(call, count)
    return (time.perf_counter_ns() - started) / count


def _nothing() -> None:
    return None


def _one_millisecond() -> int:
    return sum(range(60_000))


if __name__ == "__main__":
    main(sys.argv[1:])
