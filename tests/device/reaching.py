"""What the tests of both ways to a device share; the ways themselves are fixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.devices.android.adb.device import Device as Client
from tests.device.daemon import Device

TMP = "/data/local/tmp"
MIB = 1 << 20

Reach = Callable[[Device], Client]


def shell(script: str) -> Sequence[str]:
    return ["sh", "-c", script]
