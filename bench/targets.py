"""What a target needs of this machine, and the command that brings what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cell import Target
from bench.errors import Unavailable
from bench.runners import RunnerEntry
from bench.suite import Suite

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that isn't here, as a clause, and its remedy."""

    what: str
    remedy: str


def missing_for(suite: Suite, target: Target, runners: Mapping[str, RunnerEntry]) -> list[Missing]:
    """Return what keeps `suite` from running on `target` here; nothing: it can run."""
    lacks = _TARGET_CHECKS[suite.file.target](target)
    names = dict.fromkeys(name for group in suite.file.cells for name in group.runner)
    return lacks + [
        Missing(
            f"this version has no runner '{name}'",
            f"measure with {', '.join(sorted(runners))} meanwhile (`make bench`)",
        )
        for name in names
        if name not in runners and suite.file.target != "cpu"
    ]


def check_target(suite: Suite, target: Target, runners: Mapping[str, RunnerEntry]) -> None:
    """Raise Unavailable, naming everything that is missing, where `suite` can't run here."""
    lacks = missing_for(suite, target, runners)
    if lacks:
        what = "; ".join(one.what for one in lacks)
        raise Unavailable(f"suite {suite.name} can't run here: {what}", hint=lacks[0].remedy)


def _cpu(_: Target) -> list[Missing]:
    return []


def _nvidia_gpu(_: Target) -> list[Missing]:
    if _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi"):
        return []
    return [
        Missing(
            "there is no NVIDIA GPU (no driver, no nvidia-smi)",
            "run it on a machine with one; `make bench` measures this machine's CPU",
        )
    ]


def _android(target: Target) -> list[Missing]:
    lacks = []
    if target.device is None:
        lacks.append(
            Missing(
                "no phone is named",
                "run `make bench-arm DEVICE=serial` with a serial that `adb devices` prints",
            )
        )
    if shutil.which("adb") is None:
        lacks.append(Missing("there is no adb", "install it, on Debian with `apt install adb`"))
    return lacks


_TARGET_CHECKS = {"cpu": _cpu, "nvidia-gpu": _nvidia_gpu, "android": _android}
