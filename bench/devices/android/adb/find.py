"""Which devices there are, and which way leads to one.

adb-shell is imported where it is used: this module costs nothing, and works without it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bench.core.errors import DeviceNotFound, Unavailable, UnknownName
from bench.core.program import install_hint, run_command
from bench.devices.android.adb import server
from bench.devices.android.adb.known import READY, Known, called, command, host_and_port, not_ready

if TYPE_CHECKING:
    from bench.devices.android.adb.device import Device

TRANSPORTS = ("direct", "server")
# What adb reads from its environment, as far as these ways to a device read it.
VARIABLES = (
    "ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT", "ADB_VENDOR_KEYS",
)  # fmt: skip
PLUG_IN = (
    "plug one in and allow USB debugging on it, or name one: "
    f"`{run_command('arm', device='host:port')}`"
)


def server_devices() -> list[Known]:
    """Return the devices of the adb server that runs; none where none runs, which stays so.

    Raises InputError where the environment names no possible server, DeviceError where the server
    refuses to list them.
    """
    try:
        return server.known_devices(server.server_address())
    except OSError:
        return []


def usb_devices() -> list[Known]:
    """Return the devices on USB whose serial can be read without a server.

    Those that this user may not open are left out, and all where libusb is missing.
    """
    try:
        from bench.devices.android.adb.usb import usb_transports

        return [Known(serial=it.serial, state=READY, path=it.path) for it in usb_transports()]
    except (ImportError, OSError):
        return []


def choose(serial: str | None, *, environment: Mapping[str, str] = os.environ) -> str:
    """Return `serial` if it may lead to a device; as for adb, without one ANDROID_SERIAL's.

    Without either it is the name of the only device there. A USB path (`usb:1-2`) is a name too.
    Nothing is connected to: host:port is taken as it is. Raises DeviceNotFound, which names those
    that are there, DeviceUnauthorized, and DeviceError where several have that serial.
    """
    name = environment.get("ANDROID_SERIAL") or None if serial is None else serial
    if name is not None and host_and_port(name) is not None:
        return name
    served = server_devices()
    serials = {device.serial for device in served}
    known = [*served, *(device for device in usb_devices() if device.serial not in serials)]
    if not known and find_spec("adb_shell") is None:
        raise _missing("no adb_shell")
    listed = [f"{each.name} ({each.state})" for each in known]
    if name is None and len(known) != 1:
        hint = f"name one: {command(known[0].name)}" if known else PLUG_IN
        raise DeviceNotFound(None, present=listed, hint=hint)
    name = known[0].name if name is None else name
    if device := called(name, known):
        _require_ready(device, name)
        return name
    source = "" if serial is not None else "ANDROID_SERIAL names it; "
    present = f"{', '.join(listed)} would be there: {command(known[0].name)}" if known else PLUG_IN
    raise DeviceNotFound(name, hint=source + present)


def open_device(
    serial: str, *, transport: str | None = None, auth_timeout_s: float = 60.0
) -> Device:
    """Connect to a device; it is the caller's to close.

    `transport` is "server" (the adb server that runs), "direct" (host:port, or USB where no server
    runs) or None: the server where it has the device ready, else direct. A person has
    `auth_timeout_s` seconds to allow this computer. Raises any of DeviceError.
    """
    if transport not in (None, *TRANSPORTS):
        raise UnknownName("transport", transport, TRANSPORTS)
    if transport is None:
        transport = _way(serial)
    try:
        if transport == "server":
            return server.ServerDevice.open(serial)
        from bench.devices.android.adb.direct import DirectDevice

        return DirectDevice.open(serial, auth_timeout_s=auth_timeout_s)
    except ImportError as error:
        raise _missing(str(error)) from error


def _way(serial: str) -> str:
    known = called(serial, server_devices())
    if known is None or (known.state != READY and host_and_port(serial)):
        return "direct"
    # On USB the server holds the interface, so what it says of the device is final.
    _require_ready(known, serial)
    return "server"


def _require_ready(device: Known, name: str) -> None:
    if device.state != READY:
        raise not_ready(name, device.state) or DeviceNotFound(
            name, hint=f"it is in state '{device.state}': plug it in again, or restart it"
        )


def _missing(why: str) -> Unavailable:
    return Unavailable(
        f"the direct way to a device isn't installed ({why})", hint=install_hint("phone")
    )
