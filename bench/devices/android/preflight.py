"""Before a run: what rules a phone out, and what is only worth a note."""

from __future__ import annotations

from collections.abc import Mapping

from bench.core.errors import Unavailable
from bench.devices.android.adb.device import Device
from bench.devices.android.identity import UNKNOWN, PhoneFacts

ABI = "arm64-v8a"
"""What the device program and the engine's library are built for."""

LOW_BATTERY_PERCENT = 20


def preflight(device: Device, facts: PhoneFacts) -> None:
    """Raise Unavailable where the phone can't run the device program at all."""
    if ABI not in facts.abis:
        named = ", ".join(facts.abis) or UNKNOWN
        raise Unavailable(
            f"this device runs {named} programs and no {ABI} ones",
            hint="take a phone with a 64-bit ARM chip and a 64-bit Android",
        )
    if device.run(["test", "-w", "/data/local/tmp"]).status != 0:
        raise Unavailable(
            "nothing can be written in /data/local/tmp on the device",
            hint="allow USB debugging for the main user, not a guest or a work profile",
        )


def notes(state: Mapping[str, str | int | float]) -> list[str]:
    """Return what may disturb a measurement and is no fault, each in one clause."""
    remarks = [note for name, note in _UNREAD.items() if name not in state]
    if state.get("screen") == "on":
        remarks.append("the screen is on: switch it off, since it warms the phone")
    power = state.get("power", "battery")
    if power != "battery":
        remarks.append(f"it is powered ({power}): charging warms it")
    percent = state.get("battery_percent")
    if isinstance(percent, int | float) and percent < LOW_BATTERY_PERCENT:
        remarks.append(f"the battery is at {percent:g}%: phones slow down when it is low")
    governor = state.get("governor", "performance")
    if governor != "performance":
        remarks.append(f"governor {governor}: the clock follows the load")
    return remarks


_UNREAD = {
    "temperature_c": "the chip's temperature can't be read: no start waits for it to cool",
    "battery_percent": "the battery can't be read",
}
