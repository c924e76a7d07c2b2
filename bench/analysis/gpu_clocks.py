"""Whether a GPU's clock was held still, as far as its own readings tell. Pure.

NVML has no call that tells a lock. What shows is a clock that is the same at both ends of every
session's samples and isn't simply the highest, or the driver's word that a setting holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.core.gpu_state import KEY

Values = Mapping[str, str | int | float]

_SETTING = 0x2


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What the SM clock did over a cell's sessions; `command` would lock it."""

    held: bool
    reason: str
    command: str


def clocks(before: Sequence[Values], covariates: Sequence[Values]) -> Clocks | None:
    """Return what is known of the SM clock, None where no session was on a GPU.

    `before` are the sessions' readings, `covariates` those around their samples.
    """
    clocks_mhz = [
        mhz for values in covariates for mhz in _numbers(values, "sm_mhz_begin", "sm_mhz_end")
    ]
    if not clocks_mhz:
        return None
    low, high = min(clocks_mhz), max(clocks_mhz)
    limits = [mhz for values in before for mhz in _numbers(values, "max_sm_mhz")]
    still = low == high and len(clocks_mhz) == 2 * len(covariates)
    below = bool(limits) and high < min(limits)
    span = f"{low:g} MHz" if low == high else f"{low:g} to {high:g} MHz"
    known = [mhz for values in before for mhz in _numbers(values, "application_sm_mhz")]
    target = round(min(known, default=low))
    return Clocks(
        held=still and (below or all(_set(values) for values in covariates)),
        reason=f"SM clock {span}",
        command=f"sudo nvidia-smi -lgc {target},{target}",
    )


def _numbers(values: Values, *names: str) -> list[float]:
    candidates = (values.get(name) for name in names)
    return [value for value in candidates if isinstance(value, int | float)]


def _set(covariates: Values) -> bool:
    bits = covariates.get(KEY, 0)
    return isinstance(bits, int) and bool(bits & _SETTING)
