"""A device's names and state, in adb's words, and what a state or a refusal means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.core.errors import DeviceError, DeviceNotFound, DeviceUnauthorized
from bench.core.program import run_command

READY = "device"
_NO_SERIALS = ("", "(no serial number)", "????????????")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A device; `state` is adb's word: device, offline, unauthorized, no permissions, ...

    `path` is where it is plugged in, as `usb:1-2`; `transport_id` is the server's number for it.
    """

    serial: str
    state: str
    path: str = ""
    transport_id: str = ""

    @property
    def name(self) -> str:
        """What leads to it: its serial, or its path where it has no serial that can be typed."""
        typed = self.serial.isascii() and self.serial.isprintable()
        return self.serial if typed and self.serial not in _NO_SERIALS else self.path or self.serial


def host_and_port(serial: str) -> tuple[str, int] | None:
    """Return the two halves of host:port or [host]:port, or None where `serial` isn't that."""
    host, _, port = serial.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return host.removeprefix("[").removesuffix("]"), int(port)


def called(name: str, known: Iterable[Known]) -> Known | None:
    """Return the device of that serial or path; raises DeviceError where several have it."""
    matching = [device for device in known if name and name in (device.serial, device.path)]
    if len(matching) < 2:
        return matching[0] if matching else None
    places = "; ".join(
        f"{each.path or 'no USB path'}, {each.state}"
        + (f", transport {each.transport_id}" if each.transport_id else "")
        for each in matching
    )
    path = next((each.path for each in matching if each.path), None)
    raise DeviceError(
        f"{len(matching)} devices have the serial '{name}' ({places})",
        hint=f"choose one by its path: {command(path)}" if path else "unplug all but one",
    )


def command(name: str) -> str:
    """Return the command that measures on the device of that name, in backticks."""
    return f"`{run_command('arm', device=name)}`"


def not_ready(serial: str, words: str) -> DeviceError | None:
    """Return why a device can't serve, from its state or an adb server's refusal.

    None where these words, as a whole, are none that adb has for a device.
    """
    first = words.strip().partition("\n")[0]
    for pattern, hint in _MEANINGS.items():
        if re.fullmatch(pattern, first):
            return DeviceNotFound(serial, hint=hint) if hint else DeviceUnauthorized(serial)
    return None


# The sentences are those of adb's transport.cpp, from 1.0.31 to 1.0.41.
_MEANINGS = {
    r"unauthorized|authorizing|device (unauthorized\.?|still authorizing)( .*)?": "",
    r"no permissions.*|insufficient permissions for device.*":
        "this user may not open it: install udev rules for Android devices",
    r"offline|connecting|device offline.*|device still connecting.*":
        "it is offline: plug it in again, or run `adb reconnect offline`",
    r"bootloader|recovery|sideload|rescue|host":
        "it is in its bootloader, recovery or a mode like that: restart it into Android",
    r"device ('.*' )?not found|no devices(/emulators)? found|no device":
        "`adb devices` lists those that are there",
    r"more than one device(/emulator)?.*":
        "several devices have that serial: choose by USB path, which `adb devices -l` lists",
}  # fmt: skip
