"""The options that only one target has, described without the command line's library.

`bench.cli.options` makes them options of each verb that measures there. Standard library only:
`--help` reads this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOption:
    """One option; without a metavar it is a switch. `live`: whether ab and bisect take it too."""

    flag: str
    metavar: str | None = None
    help: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    live: bool = True

    @property
    def name(self) -> str:
        """The field of the options that holds its value."""
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """The options of a target, and its name in a sentence."""

    title: str
    options: tuple[TargetOption, ...] = ()


_ANDROID = (
    TargetOption(
        flag="--device",
        metavar="SERIAL",
        help="The phone: its serial or USB path in `adb devices -l`, or host:port "
        "(default: ANDROID_SERIAL, then the only one)",
    ),
    TargetOption(
        flag="--agent",
        metavar="DIR",
        help="The folder of the device program that `make agent` builds",
        is_path=True,
    ),
    TargetOption(
        flag="--transport",
        metavar="WAY",
        help="direct or server (default: the one that reaches the phone)",
        choices=("direct", "server"),
    ),
    TargetOption(
        flag="--benchmark-bin",
        metavar="PATH",
        help="Use Paddle Lite's own benchmark_bin instead of the device program",
        is_path=True,
        live=False,
    ),
)
_NVIDIA_GPU = (
    TargetOption(
        flag="--gpu",
        metavar="UUID|INDEX",
        help="The GPU, as `nvidia-smi -L` lists it (default: the first)",
    ),
    TargetOption(flag="--shared-gpu", help="Allow other processes on the GPU during measurement"),
    TargetOption(
        flag="--allow-partial",
        help="Measure models that TensorRT supports only in part, and mark them",
    ),
)

TARGET_OPTIONS: Mapping[str, TargetOptions] = {
    "cpu": TargetOptions(title="this machine's CPU"),
    "android": TargetOptions(title="a phone", options=_ANDROID),
    "nvidia-gpu": TargetOptions(title="a GPU", options=_NVIDIA_GPU),
}
