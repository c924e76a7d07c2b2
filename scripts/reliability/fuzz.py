"""Give every reader thousands of hostile files: each is a value or a refusal, and nothing else.

    python scripts/reliability/fuzz.py [INPUTS]     5,000 a reader by default

The seeds are the numbers of the inputs, so that one can be had again: `mutated(files, Random(17))`.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import redirect_stderr
from pathlib import Path
from random import Random

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from bench.core.errors import BenchError
from tests.fakes.mutations import mutated
from tests.fakes.readers import READERS, Reader

INPUTS = 5000


def outcome(reader: Reader, seed: int, folder: Path) -> str:
    """Return what became of the input of that seed; what nobody handles is written to stderr."""
    data = mutated(reader.files, Random(seed))  # noqa: S311 - a choice, not a secret
    try:
        with redirect_stderr(io.StringIO()):  # a device program's own lines go through
            reader.read(folder, data)
    except BenchError:
        return "refusals"
    except Exception:  # noqa: BLE001 - which is what this looks for
        traceback.print_exc()
        return "unhandled"
    return "values"


def main(inputs: int) -> int:
    """Print a row a reader; return 1 where an input was unhandled."""
    os.fsync = lambda fd: None  # the power stays on
    total = Counter[str]()
    print("| reader | inputs | values | refusals | unhandled |\n|---|--:|--:|--:|--:|")
    for name, reader in READERS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = Counter(outcome(reader, seed, Path(folder)) for seed in range(inputs))
        total += found
        counts = (found[it] for it in ("values", "refusals", "unhandled"))
        print(f"| {name} | {inputs} | {' | '.join(map(str, counts))} |", flush=True)
    return int(bool(total["unhandled"]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS))
