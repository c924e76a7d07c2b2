"""host:port, as a device's name."""

from __future__ import annotations


def host_and_port(serial: str) -> tuple[str, int] | None:
    """Return the two halves of host:port or [host]:port, or None where `serial` isn't that."""
    host, _, port = serial.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return host.removeprefix("[").removesuffix("]"), int(port)
