"""How a direct connection begins: whom a device trusts, and what else may come of greeting it."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from adb_shell.exceptions import DeviceAuthError  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from bench.core.errors import (
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    DeviceTimeout,
    DeviceUnauthorized,
)
from bench.devices.android.adb.direct import DirectDevice
from bench.devices.android.adb.keys import Signer, load_signer
from tests.fakes.adb import DONE, Wire, closed_port, framed, packet, peer
from tests.unit.devices.android.adb.conftest import Connect


def test_a_device_that_wants_no_key_is_given_none(tmp_path: Path) -> None:
    with peer(Wire.greet) as port:
        DirectDevice.open(f"127.0.0.1:{port}", keys=tmp_path / "none").close()
    assert not (tmp_path / "none").exists()


def signed_by(signer: Signer, token: bytes, signature: bytes) -> bool:
    digest = utils.Prehashed(hashes.SHA1())  # noqa: S303  # the protocol's own
    signer.key.public_key().verify(signature, token, padding.PKCS1v15(), digest)
    return True


def test_a_device_that_knows_the_key_wants_its_signature_only(connect: Connect, keys: Path) -> None:
    token = os.urandom(20)

    def script(wire: Wire) -> None:
        wire.hear(b"CNXN")
        wire.say(b"AUTH", 1, 0, token)
        kind, _, signature = wire.hear(b"AUTH")
        assert kind == 2
        assert signed_by(load_signer(keys), token, signature)
        wire.say(b"CNXN", 0x01000000, 4096, b"device::features=shell_v2\0")
        assert wire.serve(framed(1, b"hi"), DONE) == "shell,v2,raw:echo hi"

    with peer(script) as port:
        device = connect(port)
        assert device.run(["echo", "hi"]).stdout == b"hi"
        device.close()


def ask_for_consent(wire: Wire) -> None:
    wire.hear(b"CNXN")
    wire.say(b"AUTH", 1, 0, bytes(20))
    wire.hear(b"AUTH")
    wire.say(b"AUTH", 1, 0, bytes(20))
    kind, _, public = wire.hear(b"AUTH")
    assert kind == 3
    assert public.endswith(b"\0")


def test_a_device_may_take_long_to_be_allowed(connect: Connect) -> None:
    def script(wire: Wire) -> None:
        ask_for_consent(wire)
        time.sleep(0.3)
        wire.say(b"CNXN", 0x01000000, 4096, b"device::\0")
        wire.wait_for_the_end()

    with peer(script) as port:
        device = connect(port)
        assert device.serial.endswith(f":{port}")
        device.close()


def leave(_: Wire) -> None:
    """Close."""


@pytest.mark.parametrize("then", [Wire.wait_for_the_end, leave])
def test_a_device_that_is_not_allowed_says_where_to_allow_it(
    connect: Connect, then: Callable[[Wire], None]
) -> None:
    def script(wire: Wire) -> None:
        ask_for_consent(wire)
        then(wire)

    with peer(script) as port, pytest.raises(DeviceUnauthorized, match=f":{port} doesn't trust"):
        connect(port, auth_timeout_s=0.3)


def hear_and(*answers: bytes) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.hear(b"CNXN")
        for answer in answers:
            wire.socket.sendall(answer)
        wire.wait_for_the_end()

    return script


@pytest.mark.parametrize(
    ("script", "expected", "word"),
    [
        (hear_and(b"HTTP/1.1 400 Bad Request\r\n\r\n"), DeviceNotFound, "doesn't speak ADB"),
        (hear_and(packet(b"AUTH", 1, 0, b"short")), DeviceNotFound, "doesn't speak ADB"),
        (hear_and(packet(b"CNXN", 1, 1, b"x")[:-1] + b"y"), DeviceNotFound, "speak ADB"),
        (hear_and(struct.pack("<6I", 0x4E584E43, 0, 0, 1 << 30, 0, 0x4E584E43 ^ 0xFFFFFFFF)),
         DeviceNotFound, "doesn't speak ADB"),
        (hear_and(struct.pack("<6I", 0x4E584E43, 0, 4096, 0, 0, 7)), DeviceNotFound, "speak ADB"),
        (hear_and(packet(b"STLS", 0x01000000)), DeviceNotFound, "adb pair"),
        (leave, DeviceLost, "cable"),
    ],
)  # fmt: skip
def test_a_handshake_that_fails_says_why(
    connect: Connect, script: Callable[[Wire], None], expected: type[DeviceError], word: str
) -> None:
    with peer(script) as port, pytest.raises(expected) as raised:
        connect(port)
    assert word in raised.value.hint


def test_what_an_earlier_connection_left_is_passed_over(connect: Connect) -> None:
    def script(wire: Wire) -> None:
        wire.hear(b"CNXN")
        wire.say(b"WRTE", 7, 3, b"left")
        wire.say(b"CLSE", 7, 3)
        wire.say(b"CNXN", 0x01000000, 4096, b"device::features=shell_v2")
        wire.serve(DONE)

    with peer(script) as port:
        device = connect(port)
        assert device.run(["true"]).status == 0
        device.close()


def test_a_device_that_says_nothing_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.devices.android.adb.direct.CONNECT_S", 0.2)
    with (
        peer(Wire.wait_for_the_end) as port,
        pytest.raises(DeviceTimeout, match=r"within 0\.2 s during the handshake"),
    ):
        connect(port)


def test_a_port_on_which_nothing_listens_is_no_device(connect: Connect) -> None:
    with pytest.raises(DeviceNotFound, match="nothing listens there"):
        connect(closed_port())


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70, "a b'c", "$HOME"])
def test_a_host_that_nobody_knows_is_no_device(host: str) -> None:
    with pytest.raises(DeviceNotFound, match="no such host"):
        DirectDevice.open(f"{host}:5555")


def test_a_failure_of_the_library_while_connecting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: str) -> NoReturn:
        raise DeviceAuthError("no key is good")

    monkeypatch.setattr("bench.devices.android.adb.direct.find_usb", fails)
    with pytest.raises(DeviceError, match=r"device abc: connecting failed .*no key is good"):
        DirectDevice.open("abc")
