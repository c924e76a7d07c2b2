"""`python -m tests.golden.renew`: write the expected pages again; then read `git diff`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.golden.sample import build, pages

EXPECTED = Path(__file__).parent / "expected"


def main() -> None:
    EXPECTED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        for file, data in pages(Path(name)).items():
            (EXPECTED / file).write_bytes(data)
            sys.stdout.write(f"wrote {EXPECTED / file}\n")


if __name__ == "__main__":
    main()
