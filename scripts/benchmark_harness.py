"""What the harness itself costs: `--help`, a report over 10,000 cells, its page, the timed loop.

Prints each figure beside what it may be. The machine may be shared, so nothing here is a test.

    .venv/bin/python scripts/benchmark_harness.py [help] [report] [page] [loop]
"""

from __future__ import annotations

import os
import random
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

from bench.config.suite import load_suite
from bench.core.cell import Cell, Sampling
from bench.reports.build import StoredRuns, view_of
from bench.reports.page.write import write
from bench.runners.base import time_calls
from bench.storage.digests import with_digest
from bench.storage.files import to_text
from bench.storage.schema.common import CellFields, Provenance, SamplingFields, System
from bench.storage.schema.latency import (
    Costs,
    Measured,
    ModelFacts,
    Record,
    RunManifest,
    Session,
    Storage,
)
from bench.storage.store import Store
from tests.browser.opening import loaded, opened
from tests.browser.stores import CELLS as SHOWN
from tests.browser.stores import STORES

CELLS = 10_000
SYSTEMS = 2
VARIANTS = ("x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish")
COLUMNS = ((1, 1), (1, 2), (1, 4), (4, 1), (8, 1))


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
        runs = make_results(Path(name))
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


def make_results(root: Path) -> int:
    """Store CELLS measured cells below `root`, as many sessions and samples as `standard` has."""
    sampling = load_suite("cpu").sampling("standard")
    per_run = len(VARIANTS) * len(COLUMNS)
    numbers = random.Random(0)  # noqa: S311
    for system_number in range(SYSTEMS):
        system = System(system_id=f"made-up-{system_number}", heading="Made-up CPU", facts={})
        for index in range(-(-CELLS // SYSTEMS // per_run)):
            left = min(per_run, CELLS // SYSTEMS - index * per_run)
            _store_run(Store(root), system, index, left, sampling, numbers)
    return len(Store(root).runs())


def _store_run(
    store: Store, system: System, index: int, count: int, sampling: Sampling, numbers: random.Random
) -> None:
    cells = [
        Cell(variant=v, model_hash=v, runner="paddle", batch=b, threads=t)
        for v in VARIANTS
        for b, t in COLUMNS
    ][:count]
    manifest = _manifest(f"2026010{index % 9 + 1}T{index:06d}Z-made-up", system, cells, sampling)
    run = store.create(manifest, system)
    folder = run.path / "cells"
    folder.mkdir()
    for cell in cells:
        # Not write_record(): ten thousand fsyncs would be the disk's figure.
        text = with_digest(to_text(_record(cell, sampling, numbers)).encode())
        (folder / f"{cell.id}.json").write_bytes(text)
    run.write_manifest(manifest.model_copy(update={"sealed": run.seals()}))


def _record(cell: Cell, sampling: Sampling, numbers: random.Random) -> Record:
    return Record(
        cell_id=cell.id,
        cell=CellFields(**cell.to_json()),
        plan_hash="0" * 12,
        sampling=SamplingFields(**sampling.to_json()),
        outcome=Measured(),
        sessions=[_session(order, numbers) for order in range(sampling.sessions)],
    )


def _session(order: int, numbers: random.Random) -> Session:
    return Session(
        started="2026-01-01T00:00:00+00:00",
        order=order,
        round=order,
        pid=1000 + order,
        wall_ns=3_000_000_000,
        load_ns=500_000_000,
        first_inference_ns=40_000_000,
        relative_l2=1e-6,
        steady=True,
        warmup_ns=[numbers.randint(4_000_000, 6_000_000) for _ in range(120)],
        samples_ns=[numbers.randint(4_000_000, 5_000_000) for _ in range(30)],
        facts={"engine": "made-up 1.0", "threads": "1", "precision": "fp32"},
        covariates={"involuntary_switches": 3, "cpu_s": 0.2, "peak_rss_mib": 300.5},
        before={"load_1m": 0.5, "steal_ms": 10},
        after={"load_1m": 0.6, "steal_ms": 12},
    )


def _manifest(run_id: str, system: System, cells: list[Cell], sampling: Sampling) -> RunManifest:
    costs = Costs(
        macs=10, flops_paddle=20_000_000, params=5_000_000, params_trainable=9, uncounted=[]
    )
    storage = Storage(format="Paddle Lite .nb, arm", bytes=9 << 20, sha256_body="0", converter="-")
    facts = {
        v: ModelFacts(
            title=v, published="ShuffleNetV2_" + v if v != "x1_0" else "ShuffleNetV2",
            model_hash=v, weights="seeded", costs=costs, storage=storage,
        )
        for v in VARIANTS
    }  # fmt: skip
    return RunManifest(
        run_id=run_id, system_id=system.system_id, status="complete",
        started="2026-01-01T00:00:00+00:00", suite="cpu", suite_title="made up", target="cpu",
        beside=["sd855_ms_threads1"], seed=0, sampling=SamplingFields(**sampling.to_json()),
        rounds=[[cell.id for cell in cells]] * sampling.sessions,
        cells={cell.id: CellFields(**cell.to_json()) for cell in cells}, models=facts,
        left_out=[], weights="seeded",
        provenance=Provenance(
            commit=None, dirty=None, command=["made", "up"], harness={}, environments={},
            host="0", conditions={},
        ),
    )  # fmt: skip


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
