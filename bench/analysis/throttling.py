"""What held a session back, as far as the readings around it tell: each target has its signs. Pure.

What couldn't be read is no sign that nothing held it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bench.analysis.phone_throttling import KEYS, throttled
from bench.core import gpu_state
from bench.storage.schema.latency import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """`held` tells whether `name` held a session back, None where that couldn't be read.

    `remedy` is against it, `reader` what it takes to read it.
    """

    name: str
    held: Callable[[Session], bool | None]
    remedy: str
    reader: str


def grown(session: Session, name: str) -> float | None:
    """Return by how much a running count grew over the session, None where it couldn't be read."""
    before, after = session.before.get(name), session.after.get(name)
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after - before
    return None


def _counted(name: str, session: Session) -> bool | None:
    count = grown(session, name)
    return None if count is None else count > 0


def _phone(session: Session) -> bool | None:
    if KEYS.isdisjoint(session.before | session.after):
        return None
    return bool(throttled(session.before, session.after, session.samples_ns))


def _gpu(session: Session) -> bool | None:
    """Judge by all readings; only those around the samples can clear the GPU."""
    if gpu_state.reasons(session.before, session.after, session.covariates):
        return True
    cleared = {gpu_state.KEY, *gpu_state.VIOLATIONS} & session.covariates.keys()
    return False if cleared else None


NVML_READER = (
    "install nvidia-ml-py for the engine's interpreter, and see what `nvidia-smi -q` tells"
)

_HEAT = Sign(
    name="heat",
    held=partial(_counted, "throttle_count"),
    remedy="let it cool down, or cap the clock below its limit",
    reader="measure where the kernel counts it (thermal_throttle in /sys: Intel's chips, "
    "no virtual machine)",
)
# A GPU's host hands the work over: what can't be read of its heat leaves the figure as it is.
_HOST_HEAT = replace(_HEAT, name="heat of the host", held=lambda session: bool(_HEAT.held(session)))
_QUOTA = Sign(
    name="the CPU quota of its cgroup",
    held=partial(_counted, "cgroup_throttled"),
    remedy="raise the quota of its container or service",
    reader="measure on Linux, where the cgroup's cpu.stat tells",
)
_PHONE = Sign(
    name="heat",
    held=_phone,
    remedy="let the phone cool down, off the charger",
    reader="measure on Android 10 or later, whose thermal service tells",
)
_GPU = Sign(
    name="a limit of the GPU",
    held=_gpu,
    remedy="lock a clock that it can hold (`sudo nvidia-smi -lgc MHZ,MHZ`), or cool it better",
    reader=NVML_READER,
)

SIGNS: Mapping[str, tuple[Sign, ...]] = {
    "cpu": (_HEAT, _QUOTA),
    "android": (_PHONE,),
    "nvidia-gpu": (_GPU, _QUOTA, _HOST_HEAT),
}
