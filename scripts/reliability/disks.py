"""Fill a small disk to nine levels while a run measures, then free it and resume the run.

    python scripts/reliability/disks.py

Each run starts on a tmpfs of 256 KiB of its own, which takes root; after its fifth session all but
so many KiB are taken. Counted are sessions that were stored and are lost, and files that can't be
read. A run that doesn't fit has to end in one sentence, with status 2.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.storage.run_folders import RunFolder
from scripts.reliability.trial_run import bench, measure, only_run
from tests.cli.launches import Counted

FREE_KIB = (0, 4, 8, 12, 16, 20, 28, 36, 64)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Make `folder` a file system of its own of 256 KiB; raises CalledProcessError."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path, free_kib: int) -> None:
    """Take all of the disk but `free_kib`."""
    size = 0
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                size += 4096
        except OSError:
            file.truncate(max(0, size - 1024 * free_kib))


def stored(run: RunFolder) -> dict[tuple[str, int], int]:
    """Return the process of each session that `run` holds; raises BrokenResult."""
    lines = [(it.cell_id, it.session) for it in run.journal() if it.session is not None]
    lines += [(it.cell_id, one) for it in run.records() for one in it.sessions]
    return {(cell_id, session.order): session.pid for cell_id, session in lines}


def trial(root: Path, free_kib: int) -> str:
    """Return the row of one level."""
    ballast = root / "results" / "ballast"
    ended = measure(root, after=5, event=lambda: fill(ballast, free_kib))
    sentences = [line for line in ended.err.splitlines() if line.startswith("bench:")]
    run = only_run(root)
    kept = stored(run)
    ballast.unlink()
    measured = run.manifest().status == "complete"  # then only its report lacks room
    again = ("report",) if measured else ("run", "--resume", "latest")
    after = bench(root, *again, launch=Counted()).status if ended.status else 0
    now = stored(run)
    lost = sum(now.get(key) != pid for key, pid in kept.items())
    told = [line for line in sentences if "can't be written" in line]
    well = not lost and not after and len(now) == 12 and len(told) == (ended.status == 2)
    then = f"`{again[0]}`" if ended.status else "-"
    cells = (free_kib, ended.status, len(told), len(kept), then, after, lost, len(now))
    return f"| {' | '.join(map(str, cells))} | {'yes' if well else 'NO'} |"


def main() -> int:
    """Print a row a level; return 1 where something was lost."""
    rows = []
    print("| free, KiB | status | sentences | kept | then | status | lost | sessions | well |")
    print("|--:|--:|--:|--:|---|--:|--:|--:|---|")
    for free_kib in FREE_KIB:
        with tempfile.TemporaryDirectory(prefix="disks-") as folder:
            try:
                with small_disk(Path(folder) / "results"):
                    rows.append(trial(Path(folder), free_kib))
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"a small file system takes root and mount: {error}")
                return 2
        print(rows[-1], flush=True)
    return int(any(row.endswith("NO |") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
