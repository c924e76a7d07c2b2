"""Files of a Linux tree below a root: what can't be read is empty or None, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

LIVE = Path("/")
CPU = "sys/devices/system/cpu"


def text(path: Path) -> str:
    """Return the file's content, stripped, or nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").replace("\0", "").strip()
    except OSError:
        return ""


def each(root: Path, pattern: str) -> list[str]:
    """Return the content of each file of `pattern` below `root`, empty ones left out."""
    return [content for path in root.glob(pattern) if (content := text(path))]


def integers(texts: list[str]) -> list[int]:
    """Return those of `texts` that are whole numbers."""
    return [int(item) for item in texts if re.fullmatch(r"-?[0-9]+", item)]


def first_integer(pattern: str, where: str) -> int | None:
    """Return the first group of `pattern`, which may span from line to line."""
    match = re.search(pattern, where, flags=re.MULTILINE)
    return int(match[1]) if match else None


def memory(root: Path, name: str, *, kib_per_unit: int) -> int | None:
    """Return a line of /proc/meminfo in the unit that so many KiB make."""
    kib = first_integer(rf"^{name}:\s+(\d+) kB", text(root / "proc/meminfo"))
    return None if kib is None else round(kib / kib_per_unit)


def cpu_groups(root: Path) -> Iterator[Path]:
    """Yield the folder of each cgroup, v1 and v2, that rules this process's CPU time.

    Its own comes first, then those above it; some may not be there.
    """
    groups = re.findall(r"^\d+:(.*?):(.*)$", text(root / "proc/self/cgroup"), flags=re.MULTILINE)
    for controllers, path in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # A container sees its own group as the top one, under a path that only its host has.
        inner = Path("" if ".." in path else path.lstrip("/"))
        yield from (base / inner, *(base / parent for parent in inner.parents))
