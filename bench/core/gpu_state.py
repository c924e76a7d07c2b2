"""What a GPU's readings mean: why its clock is lower than it could be, from NVML's bits, and
whether it was shared. Pure.

Source: NVML API reference, "NvmlClocksEventReasons" (older name: throttle reasons).
"""

from __future__ import annotations

from collections.abc import Mapping

BITS: Mapping[int, str] = {
    0x1: "idle",
    0x2: "applications clocks setting",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clock setting",
}

# Heat or power held the clock back. The other reasons are idleness or somebody's setting.
THROTTLED = 0x4 | 0x8 | 0x20 | 0x40 | 0x80

KEY = "throttle_bits"
COMPUTE_PROCESSES = "compute_processes"
VIOLATIONS = ("power_violation_ms", "thermal_violation_ms")

Values = Mapping[str, str | int | float]


def words(bits: int) -> list[str]:
    """Return every reason in `bits` in words, a bit that isn't known as its number."""
    known = [text for bit, text in BITS.items() if bits & bit]
    rest = bits & ~sum(BITS)
    unknown = [f"bit {1 << n:#x}" for n in range(rest.bit_length()) if rest >> n & 1]
    return known + unknown


def reasons(before: Values, after: Values, covariates: Values) -> list[str]:
    """Return why a session counts as throttled, nothing where it doesn't.

    `before` and `after` are the readings around its process, `covariates` those around its samples.
    """
    bits = 0
    for values in (before, after, covariates):
        found = values.get(KEY, 0)
        bits |= found if isinstance(found, int) else 0
    held = words(bits & THROTTLED)
    for name in VIOLATIONS:
        grown = covariates.get(name, 0)
        if isinstance(grown, int | float) and grown > 0:
            held.append(f"{name.split('_')[0]} limit for {grown:g} ms")
    return held


def has_company(*values: Values) -> bool:
    """Tell whether any of these readings, taken while no child of ours ran, saw a process."""
    found = (one.get(COMPUTE_PROCESSES, 0) for one in values)
    return any(isinstance(count, int) and count > 0 for count in found)
