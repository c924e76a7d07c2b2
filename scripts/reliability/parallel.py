"""Two runs, and four reports, at a time: `python scripts/reliability/parallel.py [PAIRS] [FOURS]`.

Two runs start at once on one cache that is empty, each with results of its own: both have to be
complete, of the same artifacts. Four processes write the report of one results folder at once, two
by one catalogue and two by another: each time it has to be one that a single process writes. All
without plots, which take longer than all the rest.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
from collections import Counter
from multiprocessing.synchronize import Barrier
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench import reports
from bench.storage.store import Store
from scripts.reliability.trial_run import bench, measure
from scripts.reliability.trials import Tally, Trial

reports.FORMATS = {name: it for name, it in reports.FORMATS.items() if name != "plots"}
_SHORT_RUN = ("--preset", "quick", "--variant", "x0_25")
_WAITS_S = 120.0
Reports = list[dict[str, bytes]]


def pair(root: Path) -> Counter[str]:
    """Return what went wrong with two runs that start at once on a cold cache."""
    trials = [Trial(root / name, Tally(), _SHORT_RUN) for name in ("one", "other")]
    for trial in trials:
        trial.cache = root / "cache"
    statuses = [process.wait() for process in [trial.start() for trial in trials]]
    runs = [Store(trial.results).runs() for trial in trials]
    whole = [len(found) == 1 and found[0].manifest().status == "complete" for found in runs]
    made = {str(found[0].manifest().models["x0_25"].artifacts) for found in runs if found}
    left = [it for it in (root / "cache/artifacts").iterdir() if it.name.startswith(".")]
    return Counter(
        {
            "not status 0": sum(map(bool, statuses)),
            "not complete": whole.count(False),
            "of other artifacts": len(made) - 1,
            "leftovers": len(left),
        }
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a report, without its hidden ones."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


def catalogues(root: Path) -> tuple[Path, Path]:
    """Return two folders of models, by which the report has other figures in each of its files."""
    other = root / "other"
    shutil.copytree(root / "models", other)
    text = (other / "catalog.toml").read_text()
    (other / "catalog.toml").write_text(text.replace("one", "ONE"))
    shutil.copy(PROJECT / "tests/fakes/models/published.csv", other)
    return root / "models", other


def reporter(
    root: Path, models: Path, rounds: int, barrier: Barrier, expected: Reports, failed: list[str]
) -> None:
    """Write the report of `root` at once with the others, and look at what came."""
    report = root / "results" / "report"
    for _ in range(rounds):
        if barrier.wait(_WAITS_S) == 0:
            shutil.rmtree(report)
        barrier.wait(_WAITS_S)
        status = bench(root, "report", "--models", str(models)).status
        failed += ["not status 0"] if status else []
        if barrier.wait(_WAITS_S) == 0:
            failed += ["another report"] if contents(report) not in expected else []
            failed += ["leftovers"] if list(report.glob(".*.part")) else []
        barrier.wait(_WAITS_S)


def fours(rounds: int) -> Counter[str]:
    """Return what went wrong with so many reports by four processes at once."""
    with tempfile.TemporaryDirectory(prefix="fours-") as root, multiprocessing.Manager() as shared:
        measure(Path(root))
        barrier, failed, expected = multiprocessing.Barrier(4), shared.list(), Reports()
        both = catalogues(Path(root))
        for models in both:
            bench(Path(root), "report", "--models", str(models))
            expected.append(contents(Path(root) / "results" / "report"))
        writers = [
            multiprocessing.Process(
                target=reporter, args=(Path(root), models, rounds, barrier, expected, failed)
            )
            for models in both * 2
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        ended_badly = sum(bool(writer.exitcode) for writer in writers)
        return Counter(failed) + Counter({"not status 0": ended_badly})


def main(pairs: int = 100, rounds: int = 200) -> int:
    """Print a row for each; return 0 where all counts are 0."""
    names = ("not status 0", "not complete", "of other artifacts", "another report", "leftovers")
    print(f"| at once | tried | {' | '.join(names)} |")
    print("|---|" + "--:|" * (len(names) + 1))
    found = Counter[str]()
    for _ in range(pairs):
        with tempfile.TemporaryDirectory(prefix="pairs-") as root:
            found += pair(Path(root))
    rows = {"2 runs, cold cache": (pairs, found), "4 reports": (rounds, fours(rounds))}
    for title, (tried, counts) in rows.items():
        cells = " | ".join(str(counts[name]) for name in names)
        print(f"| {title} | {tried} | {cells} |", flush=True)
    return int(any(counts.total() for _, counts in rows.values()))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
