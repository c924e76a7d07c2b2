"""What a worker imports: a few modules of this project, numpy and the standard library."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.core.paths import PROJECT

_TELL = "import sys, bench.worker.__main__; print(*sys.modules)"


def imported() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", _TELL], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    return set(done.stdout.split())


def test_a_worker_imports_its_own_room_and_few_modules_more() -> None:
    ours = {name for name in imported() if name.startswith("bench.")}
    assert {name for name in ours if not name.startswith("bench.worker")} == {
        "bench.core", "bench.core.cell", "bench.core.digest", "bench.core.errors",
        "bench.core.paths", "bench.core.program", "bench.core.protocol", "bench.core.tensors",
        "bench.core.units",
        "bench.runners", "bench.runners.base", "bench.runners.feeds",
        "bench.devices", "bench.devices.host", "bench.devices.host.energy",
        "bench.devices.host.procfs",
    }  # fmt: skip
    assert len(ours) <= 33


def test_a_worker_imports_nothing_else_than_the_standard_library() -> None:
    top = {name.partition(".")[0] for name in imported()}
    assert top - {"bench"} <= sys.stdlib_module_names | {"__main__"}
