"""How much room a phone has, from `df`."""

from __future__ import annotations

import re

# POSIX's form, so that a long device name breaks no line.
DF = ("df", "-P", "-k")

_ROW = re.compile(r"^\S+\s+\d+\s+-?\d+\s+(\d+)\s+\d+%\s+/", re.MULTILINE)


def free_mib(text: str) -> int | None:
    """Return the MiB that are free on the one file system of a `df -P -k`; None for other text."""
    found = _ROW.search(text)
    return int(found[1]) >> 10 if found else None
