"""Wait until a phone is cool enough that a session starts as the others did."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bench.core.errors import DeviceError

# A Pixel 5 at rest, its battery at 22 C, read 36 to 43 C in its CPU zones (a public listing of a
# browser project's test phones). So 45 C is a phone at rest and not one that has just worked.
LIMIT_C = 45.0


class TooHot(DeviceError):
    """The phone did not cool down in time."""

    kind = "too-hot"


def wait_until_cool(
    read: Callable[[], Mapping[str, str | int | float]],
    *,
    limit_c: float = LIMIT_C,
    poll_s: float = 5.0,
    timeout_s: float = 600.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    tell: Callable[[str], None],
) -> Mapping[str, str | int | float]:
    """Return the readings once `read` gives a temperature within `limit_c` and status 0.

    `read` gives readings of `bench.devices.android.state`; one that it lacks holds nothing up.
    `tell` gets the reason, once a poll. Raises TooHot after `timeout_s` seconds.
    """
    started = clock()
    while hot := _hot(readings := read(), limit_c):
        left_s = timeout_s - (clock() - started)
        if left_s <= 0:
            raise TooHot(
                f"the phone is still hot after {timeout_s:g} s ({hot})",
                hint="take it off its charger, switch on airplane mode, switch off its screen, "
                "lay it in the shade, and run again: what is measured is kept",
            )
        tell(f"waiting for the phone to cool down: {hot}")
        sleep(min(poll_s, left_s))
    return readings


def _hot(readings: Mapping[str, str | int | float], limit_c: float) -> str:
    """Return what is too hot, '' where nothing is."""
    temperature_c, status = readings.get("temperature_c"), readings.get("thermal_status")
    reasons = []
    if isinstance(temperature_c, int | float) and temperature_c > limit_c:
        reasons.append(f"{temperature_c:.1f} °C, the limit is {limit_c:g} °C")
    if isinstance(status, int | float) and status > 0:
        reasons.append(f"thermal status {status:g}")
    return ", ".join(reasons)
