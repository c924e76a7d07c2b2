"""Files to a device and back: whole or absent, however long they take."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bench.core.errors import (
    CommandFailed,
    DeviceLost,
    InputError,
    PushFailed,
)
from bench.devices.android.adb.streams import Deadline
from tests.fakes.adb import ScriptedDevice, ScriptedStream


def test_a_refused_push_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    stream = ScriptedStream(b"FAIL\x03\0\0\0why")
    device = ScriptedDevice(stream)
    with pytest.raises(PushFailed, match="/data/x can't be written on the device: why"):
        device.push(tmp_path / "file", "/data/x")
    assert stream.closed
    assert device.drops == 0


def test_a_push_tells_the_files_own_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    mtime_s = int((tmp_path / "file").stat().st_mtime)
    stream = ScriptedStream(b"OKAY\0\0\0\0")
    ScriptedDevice(stream).push(tmp_path / "file", "/data/x", mode=0o700)
    assert b"/data/x,33216" in stream.written
    assert stream.written.endswith(b"DONE" + struct.pack("<I", mtime_s))


def test_a_file_that_is_not_here_is_the_persons_matter_and_no_devices(tmp_path: Path) -> None:
    device = ScriptedDevice()
    with pytest.raises(InputError, match="can't be read: No such file"):
        device.push(tmp_path / "nothing", "/data/x")
    with pytest.raises(InputError, match="can't be written: No such file"):
        device.pull("/data/x", tmp_path / "no-folder" / "file")
    assert device.services == []


RATE = 0.3 * (1 << 20)


class SlowStream(ScriptedStream):
    """Takes and gives 0.3 MiB/s by the clock that the deadlines read, and keeps no byte."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *came: bytes) -> None:
        super().__init__(*came)
        self.now_s = 0.0
        monkeypatch.setattr("bench.devices.android.adb.streams.monotonic", lambda: self.now_s)

    def read(self, deadline: Deadline) -> bytes:
        piece = super().read(deadline)
        self.now_s += len(piece) / RATE
        deadline.left_s()
        return piece

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.now_s += len(data) / RATE
        deadline.left_s()


def test_a_push_may_take_minutes_while_bytes_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "big"
    with local.open("wb") as file:
        file.truncate(40 << 20)
    stream = SlowStream(monkeypatch, b"OKAY\0\0\0\0")
    ScriptedDevice(stream).push(local, "/data/x")
    assert stream.now_s > 130


def test_a_pull_may_take_minutes_while_bytes_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = b"DATA\0\0\1\0" + bytes(65536)
    stream = SlowStream(monkeypatch, *[piece] * 640, b"DONE\0\0\0\0")
    ScriptedDevice(stream).pull("/data/x", tmp_path / "big")
    assert stream.now_s > 130
    assert (tmp_path / "big").stat().st_size == 40 << 20


def test_a_pull_is_whole_or_absent(tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"before")
    half = ScriptedStream(b"DATA\x02\0\0\0ab", ConnectionError())
    gone = ScriptedStream(b"FAIL\x02\0\0\0no")
    whole = ScriptedStream(b"DATA\x02\0\0\0abDONE\0\0\0\0")
    device = ScriptedDevice(half, gone, whole)

    with pytest.raises(DeviceLost, match="the pull of /data/x"):
        device.pull("/data/x", local)
    with pytest.raises(CommandFailed, match="reading /data/x"):
        device.pull("/data/x", local)
    assert local.read_bytes() == b"before"

    device.pull("/data/x", local)
    assert local.read_bytes() == b"ab"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
