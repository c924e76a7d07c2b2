"""The targets by kind: where cells are measured. A new one is a file in this folder and one entry.

Standard library only, and no target is imported: `--help` reads this table; the class is loaded
where a target is described or opened (`bench.targets.base`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.core.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOption:
    """An option that only one target has; without a metavar it is a switch.

    `live`: ab and bisect take it too. `checked`: so does doctor, as what the machine lacks depends
    on it.
    """

    flag: str
    metavar: str | None = None
    help: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    live: bool = True
    checked: bool = True

    @property
    def name(self) -> str:
        """The field of the options that holds its value."""
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry:
    """`path` is "module:Class"; `title` names the target in a sentence.

    `suite` has the settings and the thresholds of live comparisons. `runs_sessions`: a program of
    the target's own runs each session, from its load to its last sample, and takes no images.
    """

    path: str
    title: str
    suite: str
    options: tuple[TargetOption, ...] = ()
    runs_sessions: bool = False


TARGETS: Mapping[str, TargetEntry] = {
    "cpu": TargetEntry(path="bench.targets.cpu:CpuTarget", title="this machine's CPU", suite="cpu"),
    "android": TargetEntry(
        path="bench.targets.android:AndroidTarget",
        title="a phone",
        suite="arm",
        runs_sessions=True,
        options=(
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
        ),
    ),
    "nvidia-gpu": TargetEntry(
        path="bench.targets.nvidia:NvidiaTarget",
        title="a GPU",
        suite="gpu",
        options=(
            TargetOption(
                flag="--gpu",
                metavar="UUID|INDEX",
                help="The GPU, as `nvidia-smi -L` lists it (default: the first)",
                checked=False,
            ),
            TargetOption(
                flag="--shared-gpu",
                help="Allow other processes on the GPU during measurement",
                checked=False,
            ),
            TargetOption(
                flag="--allow-partial",
                help="Measure models that TensorRT supports only in part, and mark them",
                checked=False,
            ),
        ),
    ),
}


def entry_of(kind: str, targets: Mapping[str, TargetEntry] = TARGETS) -> TargetEntry:
    """Return the entry of that kind; raises UnknownName."""
    if kind not in targets:
        raise UnknownName("target", kind, targets)
    return targets[kind]
