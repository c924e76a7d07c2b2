"""Which devices there are, and which way leads to one.

The clients are imported where they are used: this module costs nothing, and works without them.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bench.core.errors import DeviceNotFound, Unavailable, UnknownName
from bench.core.paths import install_hint
from bench.devices.android.adb.known import READY, Known, host_and_port, not_ready

if TYPE_CHECKING:
    from bench.devices.android.adb.device import Device

TRANSPORTS = ("direct", "server")
# What adb reads from its environment, as far as these ways to a device read it.
VARIABLES = (
    "ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT", "ADB_VENDOR_KEYS",
)  # fmt: skip
PLUG_IN = (
    "plug one in and allow USB debugging on it, or name one: `make bench-arm DEVICE=host:port`"
)


def server_devices() -> list[Known]:
    """Return the devices of the adb server that runs; none where none runs, which stays so.

    Raises InputError where the environment names no possible server, Unavailable without adbutils.
    """
    try:
        from bench.devices.android.adb import server
    except ImportError as error:
        raise _missing(error) from error
    try:
        return server.known_devices(server.server_address())
    except OSError:
        return []


def usb_devices() -> list[Known]:
    """Return the devices on USB whose serial can be read without a server.

    Those that this user may not open are left out, and all where libusb is missing.
    """
    try:
        from bench.devices.android.adb.transports import usb_transports

        return [Known(serial=serial, state=READY) for serial in usb_transports()]
    except (ImportError, OSError):
        return []


def choose(serial: str | None) -> str:
    """Return `serial` if it may lead to a device, or without one that of the only device there.

    Nothing is connected to: host:port is taken as it is. Raises DeviceNotFound, which names those
    that are there, and DeviceUnauthorized.
    """
    known = {device.serial: device for device in [*usb_devices(), *server_devices()]}
    if serial is None:
        return _ready(_only(list(known.values())))
    if host_and_port(serial) is not None:
        return serial
    if serial in known:
        return _ready(known[serial])
    raise DeviceNotFound(serial, hint=_there(list(known.values())))


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
            from bench.devices.android.adb.server import ServerDevice

            return ServerDevice.open(serial)
        from bench.devices.android.adb.direct import DirectDevice

        return DirectDevice.open(serial, auth_timeout_s=auth_timeout_s)
    except ImportError as error:
        raise _missing(error) from error


def _way(serial: str) -> str:
    known = next((device for device in server_devices() if device.serial == serial), None)
    if known is None or (known.state != READY and host_and_port(serial)):
        return "direct"
    # On USB the server holds the interface, so what it says of the device is final.
    _ready(known)
    return "server"


def _only(known: list[Known]) -> Known:
    if len(known) != 1:
        hint = f"name one: {_command(known[0])}" if known else PLUG_IN
        raise DeviceNotFound(None, found=_names(known), hint=hint)
    return known[0]


def _ready(device: Known) -> str:
    if device.state == READY:
        return device.serial
    raise not_ready(device.serial, device.state) or DeviceNotFound(
        device.serial, hint=f"it is in state '{device.state}': plug it in again, or restart it"
    )


def _there(known: list[Known]) -> str:
    if not known:
        return PLUG_IN
    return f"{', '.join(_names(known))} would be there: {_command(known[0])}"


def _command(device: Known) -> str:
    return f"`make bench-arm DEVICE={shlex.quote(device.serial)}`"


def _names(known: list[Known]) -> list[str]:
    return [f"{each.serial} ({each.state})" for each in known]


def _missing(error: ImportError) -> Unavailable:
    return Unavailable(f"the ADB clients aren't installed ({error})", hint=install_hint("phone"))
