"""A device's name and state, in adb's words, and what a state means."""

from __future__ import annotations

from dataclasses import dataclass

from bench.core.errors import DeviceError, DeviceNotFound, DeviceUnauthorized

READY = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A device; `state` is adb's word: device, offline, unauthorized, no permissions, ..."""

    serial: str
    state: str


def host_and_port(serial: str) -> tuple[str, int] | None:
    """Return the two halves of host:port or [host]:port, or None where `serial` isn't that."""
    host, _, port = serial.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return host.removeprefix("[").removesuffix("]"), int(port)


def not_ready(serial: str, state: str) -> DeviceError | None:
    """Return why a device can't serve, from its state or adb's sentence about it.

    None where these words tell nothing of a device's state.
    """
    if "authoriz" in state:
        return DeviceUnauthorized(serial)
    if "permission" in state:
        return DeviceNotFound(
            serial, hint="this user may not open it: install udev rules for Android devices"
        )
    if "offline" in state or "connecting" in state:
        return DeviceNotFound(
            serial, hint="it is offline: plug it in again, or run `adb reconnect offline`"
        )
    if any(mode in state for mode in ("bootloader", "recovery", "sideload", "rescue", "host")):
        return DeviceNotFound(serial, hint=f"it is in state '{state}': restart it into Android")
    if "not found" in state or "no devices" in state:
        return DeviceNotFound(serial, hint="`adb devices` lists those that are there")
    return None
