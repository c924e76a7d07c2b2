"""What a target needs of this machine, and the command that brings what is missing."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.core.cell import TargetSpec
from bench.core.errors import DeviceError, Unavailable
from bench.devices.android.adb.find import choose
from bench.devices.android.device_program import check_program
from bench.devices.nvidia.choice import count
from bench.devices.nvidia.nvml import open_nvml
from bench.devices.nvidia.presence import has_card
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.environments.uv_tool import base_python
from bench.runners import RunnerEntry

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_GPU_ENV = "gpu"
# The wheels (2.3 GB), unpacked, and room for the download beside them.
_GPU_ENV_GIB = 8


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that isn't here, as a clause, and its remedy."""

    what: str
    remedy: str


def missing_for(
    target: TargetSpec, names: Iterable[str], runners: Mapping[str, RunnerEntry]
) -> list[Missing]:
    """Return what keeps the runners of those names from `target` here; nothing: they can run."""
    return _TARGET_CHECKS.get(target.kind, _cpu)(target) + [
        Missing(
            f"this version has no runner '{name}'",
            f"measure with {', '.join(sorted(runners))} meanwhile (`make bench`)",
        )
        for name in dict.fromkeys(names)
        if name not in runners and target.kind != "cpu"
    ]


def check_target(
    what: str, target: TargetSpec, names: Iterable[str], runners: Mapping[str, RunnerEntry]
) -> None:
    """Raise Unavailable, naming everything that is missing, where `what` can't run here."""
    lacks = missing_for(target, names, runners)
    if lacks:
        told = "; ".join(one.what for one in lacks)
        raise Unavailable(f"{what} can't run here: {told}", hint=lacks[0].remedy)


def _cpu(_: TargetSpec) -> list[Missing]:
    return []


def _nvidia_gpu(target: TargetSpec) -> list[Missing]:
    return [*_missing_card(), *_missing_for_environment(target)]


def _missing_card() -> list[Missing]:
    """Return whether GPU, driver or both are missing. The driver knows best which cards there are;
    without it the PCI bus does.
    """
    elsewhere = "run it on a machine with one; `make bench` measures this machine's CPU"
    if _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi"):
        try:
            seen = count_gpus()
        except Unavailable as error:
            return [Missing(error.problem, error.hint)]
        return [] if seen else [Missing("the driver sees no NVIDIA GPU", elsewhere)]
    driver = Missing(
        "there is no NVIDIA driver (no /proc/driver/nvidia/version, no nvidia-smi)",
        "install the driver of your distribution, 450.80 or later, and restart",
    )
    return [driver] if has_card() else [Missing("there is no NVIDIA GPU", elsewhere), driver]


def count_gpus() -> int:
    """Return how many cards the driver sees; raises Unavailable where it can't be asked."""
    nvml = open_nvml()
    try:
        return count(nvml)
    finally:
        nvml.close()


def _missing_for_environment(target: TargetSpec) -> list[Missing]:
    """Return what keeps the engines' environment from being built, nothing where it is there."""
    cache = Path(target.engines or "engines").parent
    if target.own_python is not None or Environments(cache).is_built(_GPU_ENV):
        return []
    lacks = []
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        lacks.append(
            Missing(
                f"the engines exist for Linux on x86-64, and this is {platform.system()} on "
                f"{platform.machine()}",
                "give a Python that has TensorRT with --env gpu=PATH, and `--runner tensorrt`",
            )
        )
    try:
        base_python(ENVIRONMENTS[_GPU_ENV])
    except Unavailable as error:
        lacks.append(Missing(error.problem, error.hint))
    free_gib = _free_bytes(cache) / 2**30
    if free_gib < _GPU_ENV_GIB:
        lacks.append(
            Missing(
                f"{free_gib:.1f} GiB of disk are free for {cache}, the engines take {_GPU_ENV_GIB}",
                "free some, or name another folder with --cache DIR",
            )
        )
    return lacks


def _free_bytes(folder: Path) -> int:
    """Return what is free where `folder` is or would be."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    return shutil.disk_usage(there).free


def _android(target: TargetSpec) -> list[Missing]:
    lacks = []
    if target.benchmark_bin is not None:
        if not Path(target.benchmark_bin).is_file():
            lacks.append(
                Missing(f"{target.benchmark_bin} is no file", "give benchmark_bin's own path")
            )
    else:
        lacks += _refused(lambda: check_program(Path(target.agent or "")))
    return lacks + _refused(lambda: choose(target.device))


def _refused(check: Callable[[], object]) -> list[Missing]:
    try:
        check()
    except (DeviceError, Unavailable) as error:
        return [Missing(error.problem, error.hint)]
    return []


_TARGET_CHECKS = {"cpu": _cpu, "nvidia-gpu": _nvidia_gpu, "android": _android}
