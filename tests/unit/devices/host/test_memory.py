"""Whether there is memory for one more engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.devices.host.memory import has_room


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def meminfo(free: int, total: int = 1000) -> dict[str, str]:
    return {"proc/meminfo": f"MemTotal: {total} kB\nMemAvailable: {free} kB\n"}


def group(limit: str, used: str, stat: str = "anon 0\n") -> dict[str, str]:
    names = ("memory.max", "memory.current", "memory.stat")
    texts = (limit, used, stat)
    return {f"sys/fs/cgroup/{name}": text for name, text in zip(names, texts, strict=True)}


@pytest.mark.parametrize(
    ("files", "has"),
    [
        ({}, True),
        (meminfo(200), True),
        (meminfo(199), False),
        (meminfo(900) | group("max", "5"), True),
        (meminfo(900) | group("1000", "800"), True),
        (meminfo(900) | group("1000", "801"), False),
        (meminfo(900) | group("1000", "950", "anon 1\nfile 150\n"), True),
        (meminfo(100) | group("1000", "0"), False),
        (meminfo(900) | group("garbage", "801"), True),
    ],
)
def test_there_is_room_while_a_fifth_is_free_of_all_that_limits(
    files: dict[str, str], has: bool, tmp_path: Path
) -> None:
    assert has_room(tree(tmp_path, files)) is has
