"""Commands and files by the direct way to a device, against scripted peers on a socket."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from bench.core.errors import DeviceLost, DeviceTimeout, PushFailed
from tests.fakes.adb import DONE, Wire, framed, packet, peer
from tests.unit.devices.android.adb.conftest import Connect


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
    ended: list[bool] = []

    def watch(wire: Wire) -> None:
        wire.greet()
        wire.wait_for_the_end()
        ended.append(True)

    with peer(watch) as port:
        device = connect(port)
        device.close()
        device.close()
    assert ended == [True]
