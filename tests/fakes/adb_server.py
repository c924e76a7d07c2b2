"""Scripts of an adb server, for the `peer` of tests.fakes.adb."""

from __future__ import annotations

from collections.abc import Callable

from bench.devices.android.adb.server import ServerDevice
from tests.fakes.adb import Wire

Script = Callable[[Wire], None]
SERIAL = "x; rm -rf $HOME"


def block(text: str) -> bytes:
    return b"%04x" % len(text.encode()) + text.encode()


def asked(wire: Wire) -> str:
    """Return a request as the server reads it."""
    return wire.exactly(int(wire.exactly(4), 16)).decode()


def refusing(reason: str) -> Script:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(b"FAIL" + block(reason))

    return script


def telling(request: str, answer: str) -> Script:
    def script(wire: Wire) -> None:
        assert asked(wire) == request
        wire.socket.sendall(b"OKAY" + block(answer))

    return script


FEATURES = telling(f"host-serial:{SERIAL}:features", "cmd,shell_v2\n")


def serving(service: str, *pieces: bytes) -> Script:
    """Join a client to a service that says `pieces` and ends."""

    def script(wire: Wire) -> None:
        assert asked(wire) == f"host:transport:{SERIAL}"
        wire.socket.sendall(b"OKAY")
        assert asked(wire) == service
        wire.socket.sendall(b"OKAY")
        for piece in pieces:
            wire.socket.sendall(piece)

    return script


def hanging(wire: Wire) -> None:
    wire.wait_for_the_end()


def opened(port: int) -> ServerDevice:
    return ServerDevice.open(SERIAL, address=("127.0.0.1", port))
