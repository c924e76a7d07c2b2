"""The direct way to a device, against scripted peers on a socket."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from bench.adb.direct import DirectDevice
from bench.adb.keys import Signer, load_signer
from bench.errors import (
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    DeviceTimeout,
    DeviceUnauthorized,
    PushFailed,
)
from tests.fakes.adb import Wire, closed_port, framed, packet, peer

DONE = framed(3, b"\0")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key pair."""
    folder = tmp_path_factory.mktemp("android")
    load_signer(folder)
    return folder


@pytest.fixture
def connect(keys: Path) -> Callable[..., DirectDevice]:
    def call(port: int, auth_timeout_s: float = 5.0) -> DirectDevice:
        return DirectDevice.open(f"127.0.0.1:{port}", auth_timeout_s=auth_timeout_s, keys=keys)

    return call


Connect = Callable[..., DirectDevice]


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
    monkeypatch.setattr("bench.adb.direct.CONNECT_S", 0.2)
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


def test_a_service_that_the_device_refuses_is_told_at_once(connect: Connect) -> None:
    def script(wire: Wire) -> None:
        wire.greet()
        peer_id, _, _ = wire.hear(b"OPEN")
        wire.say(b"CLSE", 0, peer_id)
        wire.wait_for_the_end()

    with peer(script) as port:
        device = connect(port)
        with pytest.raises(DeviceLost, match="during `ls`"):
            device.run(["ls"])


def test_shell_packets_may_be_cut_and_joined_anywhere(connect: Connect) -> None:
    whole = framed(1, b"out") + framed(2, b"err") + framed(3, b"\x07")

    def script(wire: Wire) -> None:
        wire.greet()
        wire.serve(*(whole[i : i + 1] for i in range(len(whole))))
        wire.serve(whole)

    with peer(script) as port:
        device = connect(port)
        for _ in range(2):
            done = device.run(["x"])
            assert (done.status, done.stdout, done.stderr) == (7, b"out", b"err")
        device.close()


@pytest.mark.parametrize("banner", [b"device::\0", b"device::ro.x=y;features=cmd,shell_v22\0"])
def test_a_device_without_shell_v2_tells_its_status_behind_a_mark(
    connect: Connect, banner: bytes
) -> None:
    def script(wire: Wire) -> None:
        wire.greet(banner)
        peer_id, _, name = wire.hear(b"OPEN")
        wire.say(b"OKAY", 7, peer_id)
        command, _, mark = name.rstrip(b"\0").partition(b"; echo ")
        assert command == b"shell:ls 'a b'"
        for piece in (b"no newline" + mark[:5], mark[5:].removesuffix(b"$?") + b"1", b"27\r\n"):
            wire.say(b"WRTE", 7, peer_id, piece)
            wire.hear(b"OKAY")
        wire.say(b"CLSE", 7, peer_id)
        wire.hear(b"CLSE")

    with peer(script) as port:
        device = connect(port)
        done = device.run(["ls", "a b"])
        device.close()
    assert (done.status, done.stdout, done.stderr) == (127, b"no newline", b"")


def talk(wire: Wire) -> None:
    """Take a command and never stop saying things."""
    wire.greet()
    peer_id, _, _ = wire.hear(b"OPEN")
    wire.say(b"OKAY", 7, peer_id)
    with suppress(OSError, EOFError, AssertionError):
        while True:
            wire.say(b"WRTE", 7, peer_id, framed(1, b"y\n"))
            wire.hear(b"OKAY")


def test_a_deadline_holds_for_a_device_that_keeps_talking_and_the_next_call_begins_anew(
    connect: Connect,
) -> None:
    def again(wire: Wire) -> None:
        wire.greet()
        wire.serve(DONE)

    with peer(talk, again) as port:
        device = connect(port)
        with pytest.raises(DeviceTimeout):
            device.run(["yes"], timeout_s=0.3)
        assert device.run(["true"]).status == 0
        device.close()


def test_a_deadline_holds_for_half_a_packet(connect: Connect) -> None:
    def script(wire: Wire) -> None:
        wire.greet()
        peer_id, _, _ = wire.hear(b"OPEN")
        wire.say(b"OKAY", 7, peer_id)
        wire.socket.sendall(packet(b"WRTE", 7, peer_id, b"whole")[:26])
        wire.wait_for_the_end()

    with peer(script) as port:
        device = connect(port)
        with pytest.raises(DeviceTimeout):
            device.run(["x"], timeout_s=0.3)


def test_leaving_lines_early_closes_the_stream_and_the_connection_serves_on(
    connect: Connect,
) -> None:
    def script(wire: Wire) -> None:
        wire.greet()
        first, _, _ = wire.hear(b"OPEN")
        wire.say(b"OKAY", 7, first)
        wire.say(b"WRTE", 7, first, framed(1, b"one\n"))
        wire.hear(b"OKAY")
        # What was under way when the stream was closed must not be taken for the next one's.
        wire.say(b"WRTE", 7, first, framed(1, b"two\n"))
        assert wire.hear(b"CLSE")[:2] == (first, 7)
        wire.say(b"CLSE", 7, first)
        second, _, _ = wire.hear(b"OPEN")
        assert second != first
        wire.say(b"OKAY", 8, second)
        wire.say(b"WRTE", 8, second, framed(1, b"next") + DONE)
        wire.hear(b"OKAY")
        wire.hear(b"CLSE")

    with peer(script) as port:
        device = connect(port)
        with device.lines(["x"]) as lines:
            assert next(lines) == "one"
        assert device.run(["y"]).stdout == b"next"
        device.close()


def test_a_command_may_run_while_the_lines_of_another_come(connect: Connect) -> None:
    def script(wire: Wire) -> None:
        wire.greet()
        first, _, _ = wire.hear(b"OPEN")
        wire.say(b"OKAY", 7, first)
        second, _, _ = wire.hear(b"OPEN")
        wire.say(b"OKAY", 8, second)
        wire.say(b"WRTE", 7, first, framed(1, b"line\n"))
        wire.say(b"WRTE", 8, second, framed(1, b"other") + DONE)
        wire.say(b"WRTE", 7, first, DONE)
        wire.wait_for_the_end()

    with peer(script) as port:
        device = connect(port)
        with device.lines(["x"]) as lines:
            assert device.run(["y"]).stdout == b"other"
            assert list(lines) == ["line"]
        device.close()


def test_what_a_device_takes_at_once_bounds_a_packet(connect: Connect, tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(os.urandom(10_000))
    sizes = []

    def script(wire: Wire) -> None:
        wire.greet(size=1024)
        peer_id, _, name = wire.hear(b"OPEN")
        assert name == b"sync:\0"
        wire.say(b"OKAY", 7, peer_id)
        came = b""
        while came[-8:-4] != b"DONE":
            came += (piece := wire.hear(b"WRTE")[2])
            sizes.append(len(piece))
            wire.say(b"OKAY", 7, peer_id)
        assert local.read_bytes() in came.replace(b"DATA" + struct.pack("<I", 10_000), b"")
        wire.say(b"WRTE", 7, peer_id, b"OKAY\0\0\0\0")
        wire.wait_for_the_end()

    with peer(script) as port:
        device = connect(port)
        device.push(local, "/data/x")
        device.close()
    assert max(sizes) <= 1024
    assert not [size for size in sizes if size % 512 == 0]


@pytest.mark.parametrize("ends", [b"CLSE", b""], ids=["and closes", "and waits"])
def test_a_device_that_answers_instead_of_taking_a_file_is_heard_at_once(
    connect: Connect, tmp_path: Path, ends: bytes
) -> None:
    (tmp_path / "file").write_bytes(bytes(300_000))

    def script(wire: Wire) -> None:
        wire.greet()
        peer_id, _, _ = wire.hear(b"OPEN")
        wire.say(b"OKAY", 7, peer_id)
        wire.hear(b"WRTE")
        wire.say(b"OKAY", 7, peer_id)
        wire.hear(b"WRTE")
        wire.say(b"WRTE", 7, peer_id, b"FAIL\x08\0\0\0no space")
        if ends:
            wire.say(ends, 7, peer_id)
        wire.hear(b"OKAY")
        wire.hear(b"CLSE")
        wire.serve(DONE)

    with peer(script) as port:
        device = connect(port)
        with pytest.raises(PushFailed, match="no space"):
            device.push(tmp_path / "file", "/data/x")
        assert device.run(["true"]).status == 0
        device.close()


@pytest.mark.parametrize("garbage", [b"\0" * 24, packet(b"CNXN"), b"x" * 100])
def test_a_connection_that_loses_its_step_is_lost_and_then_opened_anew(
    connect: Connect, garbage: bytes
) -> None:
    def spoil(wire: Wire) -> None:
        wire.greet()
        wire.hear(b"OPEN")
        wire.socket.sendall(garbage)
        wire.wait_for_the_end()

    def again(wire: Wire) -> None:
        wire.greet()
        wire.serve(DONE)

    with peer(spoil, again) as port:
        device = connect(port)
        with pytest.raises(DeviceLost, match="during `x`"):
            device.run(["x"], timeout_s=5)
        assert device.run(["true"]).status == 0
        device.close()


def test_closing_twice_is_closing(connect: Connect) -> None:
    with peer(Wire.greet) as port:
        device = connect(port)
        device.close()
        device.close()
