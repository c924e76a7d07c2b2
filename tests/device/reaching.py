"""What the tests of both ways to a device share; the ways themselves are fixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.devices.android.adb.calls import StreamedDevice
from tests.device.daemon import Device

TMP = "/data/local/tmp"
MIB = 1 << 20

Reach = Callable[[Device], StreamedDevice]


def shell(script: str) -> Sequence[str]:
    return ["sh", "-c", script]
