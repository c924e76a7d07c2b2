"""What a target needs of this machine, and the command that brings what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.adb.find import choose
from bench.cell import Target
from bench.errors import DeviceError, Unavailable
from bench.runners import RunnerEntry

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


PROGRAM = "bench_agent"
_BUILD = (
    "fetch an NDK (r19 or later) and inference_lite_lib.android.armv8.clang.c++_shared.with_extra"
    ".tar.gz of Paddle-Lite v2.12, unpack both, then `make agent NDK=... PADDLE_LITE=...`"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that isn't here, as a clause, and its remedy."""

    what: str
    remedy: str


def missing_for(
    target: Target, names: Iterable[str], runners: Mapping[str, RunnerEntry]
) -> list[Missing]:
    """Return what keeps the runners of those names from `target` here; nothing: they can run."""
    return _TARGET_CHECKS[target.kind](target) + [
        Missing(
            f"this version has no runner '{name}'",
            f"measure with {', '.join(sorted(runners))} meanwhile (`make bench`)",
        )
        for name in dict.fromkeys(names)
        if name not in runners and target.kind != "cpu"
    ]


def check_target(
    suite: str, target: Target, names: Iterable[str], runners: Mapping[str, RunnerEntry]
) -> None:
    """Raise Unavailable, naming everything that is missing, where `suite` can't run here."""
    lacks = missing_for(target, names, runners)
    if lacks:
        what = "; ".join(one.what for one in lacks)
        raise Unavailable(f"suite {suite} can't run here: {what}", hint=lacks[0].remedy)


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
    if target.benchmark_bin is not None:
        if not Path(target.benchmark_bin).is_file():
            lacks.append(
                Missing(f"{target.benchmark_bin} is no file", "give benchmark_bin's own path")
            )
    elif not (Path(target.agent or "") / PROGRAM).is_file():
        lacks.append(Missing("the device program isn't built", _BUILD))
    try:
        choose(target.device)
    except DeviceError as error:
        lacks.append(Missing(error.problem, error.hint))
    return lacks


_TARGET_CHECKS = {"cpu": _cpu, "nvidia-gpu": _nvidia_gpu, "android": _android}
