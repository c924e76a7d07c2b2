"""Cut off a run's files, flip bits of them: each is refused by name, or nothing changes.

    python scripts/reliability/power_loss.py [PLACES]     400 a file and a damage by default

What is read of a damaged run is compared with what was read before: manifest, system, records and
journal are all that a report is made of. A journal may lose its last lines, whose sessions are then
measured again; that is what a power cut before they were written would do.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.core.errors import BrokenResult
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store
from scripts.reliability.trial_run import measure, only_run
from tests.cli.launches import interrupt

PLACES = 400
OUTCOMES = ("refused by name", "nothing changed", "measured again", "unnoticed")


@dataclass(frozen=True, kw_only=True)
class Read:
    """All that a report and a resumed run are made of."""

    manifest: object
    system: object
    records: tuple[object, ...]
    journal: tuple[object, ...]


def read(run: RunFolder) -> Read:
    """Return all of `run`; raises BrokenResult."""
    manifest = run.manifest()
    return Read(
        manifest=manifest,
        system=Store(run.path.parents[2]).system(manifest.system_id),
        records=tuple(run.records()),
        journal=tuple(run.journal()),
    )


def outcome(run: RunFolder, path: Path, before: Read) -> str:
    """Return what comes of reading `run` with the file at `path` damaged."""
    try:
        now = read(run)
    except BrokenResult as error:
        return "refused by name" if error.path == path else "unnoticed"
    if now == before:
        return "nothing changed"
    same = (now.manifest, now.system, now.records) == (
        before.manifest,
        before.system,
        before.records,
    )
    lost = same and now.journal == before.journal[: len(now.journal)]
    return "measured again" if lost and path == run.journal_path else "unnoticed"


def cut(data: bytes, places: int, chance: random.Random) -> Iterator[bytes]:
    """Yield `data` cut off at every byte, or at so many places."""
    ends = range(len(data))
    for end in ends if len(data) <= places else chance.sample(ends, places):
        yield data[:end]


def flipped(data: bytes, places: int, chance: random.Random) -> Iterator[bytes]:
    """Yield `data` with one bit of it flipped, so many times."""
    for bit in chance.sample(range(8 * len(data)), min(places, 8 * len(data))):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


Damage = Callable[[bytes, int, random.Random], Iterator[bytes]]


def damaged(run: RunFolder, path: Path, damage: Damage, places: int) -> Counter[str]:
    """Return how often each outcome came of a damage to one file, which is whole afterwards."""
    before, data = read(run), path.read_bytes()
    found = Counter[str]()
    for changed in damage(data, places, random.Random(0)):  # noqa: S311 - places, no secret
        path.write_bytes(changed)
        found[outcome(run, path, before)] += 1
    path.write_bytes(data)
    return found


def files(run: RunFolder) -> dict[str, Path]:
    """Return a file of each kind that `run` has."""
    system = run.path.parents[2] / "systems" / f"{run.manifest().system_id}.json"
    found = {"run.json": run.manifest_path, "a cell": min(run.path.glob("cells/*.json"))}
    found |= {"journal.jsonl": run.journal_path} if run.journal_path.exists() else {}
    return found | {"a system": system}


def main(places: int) -> int:
    """Print a row a kind of file and of damage; return 1 where one was unnoticed."""
    total = Counter[str]()
    print(f"| run | file | damage | tried | {' | '.join(OUTCOMES)} |")
    print("|---|---|---|" + "--:|" * (1 + len(OUTCOMES)))
    for title, after in (("complete", -1), ("interrupted", 10)):
        with tempfile.TemporaryDirectory(prefix="power-") as folder:
            measure(Path(folder), after=after, event=interrupt)
            run = only_run(Path(folder))
            for kind, path in files(run).items():
                for name, damage in (("cut off", cut), ("bit flipped", flipped)):
                    found = damaged(run, path, damage, places)
                    total += found
                    counts = " | ".join(str(found[it]) for it in OUTCOMES)
                    row = f"{title} | {kind} | {name} | {found.total()}"
                    print(f"| {row} | {counts} |", flush=True)
    return int(bool(total["unnoticed"]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PLACES))
