"""A disk that fills up in the middle of a run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def filled(ballast: Path) -> None:
    """Fill the disk of `ballast` with it, until it is removed."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
