"""Commands and pushes through an adb server, against scripted servers on a socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from bench.core.errors import DeviceLost, DeviceTimeout, PushFailed
from bench.devices.android.adb.streams import Deadline, SocketStream
from tests.fakes.adb import Wire, framed, peer
from tests.fakes.adb_server import FEATURES, SERIAL, asked, opened, serving, telling


def test_a_command_goes_through_with_both_outputs_and_its_status() -> None:
    whole = framed(1, b"out\0") + framed(2, b"err") + framed(3, b"\x07")
    cut = serving("shell,v2,raw:ls 'a b'", *(whole[i : i + 1] for i in range(len(whole))))
    with peer(FEATURES, cut, serving("shell,v2,raw:ls", whole)) as port:
        device = opened(port)
        for command in (["ls", "a b"], ["ls"]):
            done = device.run(command)
            assert (done.status, done.stdout, done.stderr) == (7, b"out\0", b"err")
        device.close()


def test_an_old_device_behind_a_server_tells_its_status_behind_a_mark() -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(b"OKAY")
        command, _, mark = asked(wire).partition("; echo ")
        assert command == "shell:ls"
        wire.socket.sendall(b"OKAYhi\n" + mark.removesuffix("$?").encode() + b"3\n")

    with peer(telling(f"host-serial:{SERIAL}:features", ""), script) as port:
        done = opened(port).run(["ls"])
    assert (done.status, done.stdout) == (3, b"hi\n")


def test_a_stream_that_the_server_cuts_is_a_lost_device() -> None:
    with peer(FEATURES, serving("shell,v2,raw:ls", framed(1, b"half"))) as port:
        device = opened(port)
        with pytest.raises(DeviceLost, match="during `ls`"):
            device.run(["ls"])


def test_a_deadline_holds_for_a_command_that_keeps_talking() -> None:
    def script(wire: Wire) -> None:
        serving("shell,v2,raw:yes")(wire)
        with pytest.raises(OSError, match=r"(Broken pipe|reset by peer)"):
            endless(wire)

    def endless(wire: Wire) -> None:
        while True:
            wire.socket.sendall(framed(1, b"y\n"))

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(DeviceTimeout):
            device.run(["yes"], timeout_s=0.3)


def test_a_read_waits_for_what_is_left_of_its_deadline_only() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        with pytest.raises(TimeoutError):
            SocketStream(here).read(Deadline.after(0.05))
        assert (here.gettimeout() or 5) <= 0.05


def test_leaving_lines_early_ends_their_connection() -> None:
    def script(wire: Wire) -> None:
        serving("shell,v2,raw:x", framed(1, b"one\n"))(wire)
        wire.wait_for_the_end()

    with peer(FEATURES, script) as port, opened(port).lines(["x"]) as lines:
        assert next(lines) == "one"


def test_the_reason_of_a_refused_push_is_seen_while_data_still_goes_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(16 << 20))
    came = []

    def script(wire: Wire) -> None:
        serving("sync:", b"FAIL\x08\0\0\0no space")(wire)
        while data := wire.socket.recv(1 << 20):
            came.append(len(data))

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(PushFailed, match="no space"):
            device.push(tmp_path / "file", "/data/x")
    assert sum(came) < 16 << 20


def test_a_push_that_nobody_takes_ends_at_its_deadline(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(32 << 20))
    given_up = threading.Event()

    def script(wire: Wire) -> None:
        serving("sync:")(wire)
        assert given_up.wait(20)

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(DeviceTimeout, match="the push of file"):
            device.push(tmp_path / "file", "/data/x", silence_s=0.3)
        given_up.set()
