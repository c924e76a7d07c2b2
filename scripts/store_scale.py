"""What verbs take on a results folder of 10,000 to 1,000,000 stored cells: time, CPU, memory.

Two systems measured 35 cells each again and again. The first FRESH runs have samples of their own,
the others copies of their files. A million cells take 13 GB.

    .venv/bin/python scripts/store_scale.py 10000 [100000] [1000000] [--in FOLDER] [--export]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib as mpl

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.storage.store import Store
from scripts.made_up_results import add_run, make_results

FRESH = 40


def main() -> None:
    """Make a folder of each size, run the verbs on it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cells", type=int, nargs="+")
    parser.add_argument("--in", dest="folder", type=Path, default=None, help="where to make them")
    parser.add_argument("--export", action="store_true", help="also write all cells as CSV")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it made goes with it
    print("| cells | runs | what | seconds | CPU seconds | MiB |\n|---|---|---|---|---|---|")
    for cells in args.cells:
        with tempfile.TemporaryDirectory(dir=args.folder) as name:
            _time_verbs(Path(name), cells, export=args.export)


def _time_verbs(folder: Path, cells: int, *, export: bool) -> None:
    results = folder / "results"
    runs = make_results(results, cells, fresh=FRESH)
    oldest, *_, newest = Store(results).runs()
    cell = next(newest.records()).cell_id
    verbs = {
        "report, no index yet": ["report"],
        "report, nothing new": ["report"],
        "report, one run new": ["report"],
        "show CELL": ["show", cell],
        "history CELL": ["history", cell],
        "compare RUN latest": ["compare", oldest.path.name, "latest"],
        "models": ["models"],
    }
    if export:
        verbs["export --to csv"] = ["export", "--to", "csv", str(folder / "all.csv")]
    time.sleep(3)  # a run that was written in the last two seconds isn't indexed
    for what, words in verbs.items():
        if what == "report, one run new":
            add_run(results, runs)
        wall, cpu, mib = _measured([*words, "--results", str(results)], folder)
        print(f"| {cells:,} | {runs:,} | {what} | {wall:.1f} | {cpu:.1f} | {mib:.0f} |", flush=True)


def _measured(words: list[str], folder: Path) -> tuple[float, float, float]:
    """Return the seconds, seconds of CPU and MiB that a verb takes, with a cache of its own."""
    fonts = {"MPLCONFIGDIR": mpl.get_cachedir()}  # they are found once on each machine
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), **fonts}
    started = time.perf_counter()
    with (folder / "output").open("w") as output:
        command = [sys.executable, "-m", "bench", *words]
        process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):  # 3: nothing can be concluded
        sys.exit((folder / "output").read_text()[-2000:])
    cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - started, cpu, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
