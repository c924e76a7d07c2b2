"""Which addresses a fleet is reached at, and how: by the loopback, or not at all yet."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from bench.core.errors import InputError

_ADDRESS = re.compile(
    r"(?P<scheme>tcp|tls)://(?P<host>\[[0-9a-fA-F:.]+\]|[^:/\[\]]+):(?P<port>\d+)"
)


def host_of(address: str) -> str:
    """Return the host of `tcp://host:port`; raises InputError where it isn't such an address."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(
            f"'{address}' is no scheduler's address", hint="write it as in tcp://127.0.0.1:8786"
        )
    return match["host"].strip("[]")


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine's own loopback, which nobody else reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def security_for(host: str) -> dict[str, Any]:
    """Return the arguments of distributed's Scheduler, Worker and Client for that host.

    Whoever reaches a scheduler can have its workers run anything. Raises InputError.
    """
    if not is_loopback(host):
        raise InputError(
            f"{host} isn't this machine's loopback, and the connection wouldn't be encrypted",
            hint="name 127.0.0.1",
        )
    return {"security": None, "protocol": "tcp", "host": host}
