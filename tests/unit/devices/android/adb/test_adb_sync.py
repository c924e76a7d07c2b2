"""Files over the sync service, against a service that answers by heart."""

from __future__ import annotations

import io
import struct

import pytest

from bench.core.errors import CommandFailed, PushFailed
from bench.devices.android.adb.services import PIECE_BYTES, receive_file, send_file
from bench.devices.android.adb.streams import Deadline
from tests.fakes.adb import ScriptedStream


def patience() -> Deadline:
    return Deadline.after(5)


OKAY = b"OKAY\0\0\0\0"


def answer(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data


def send(stream: ScriptedStream, data: bytes = b"content", mode: int = 0o755) -> None:
    send_file(stream, io.BytesIO(data), "/data/x,y", mode=mode, mtime_s=77, deadline=patience)


def test_a_file_goes_with_its_mode_and_time_in_pieces_of_64_kib() -> None:
    stream = ScriptedStream(OKAY[:3], OKAY[3:])
    data = bytes(range(256)) * 300
    send(stream, data)
    assert stream.written == (
        answer(b"SEND", b"/data/x,y,33261")
        + answer(b"DATA", data[:PIECE_BYTES])
        + answer(b"DATA", data[PIECE_BYTES:])
        + b"DONE\x4d\0\0\0"
    )


def test_the_devices_reason_for_refusing_a_file_is_told() -> None:
    stream = ScriptedStream(answer(b"FAIL", b"couldn't create file: Permission denied"))
    with pytest.raises(PushFailed, match="Permission denied") as raised:
        send(stream)
    assert "/data/local/tmp" in raised.value.hint


def test_nothing_more_is_sent_once_the_device_has_answered() -> None:
    stream = ScriptedStream(
        answer(b"FAIL", b"write failed: No space left on device"), answers_after=100_000
    )
    with pytest.raises(PushFailed, match="No space left") as raised:
        send(stream, bytes(1_000_000))
    assert len(stream.written) < 200_000
    assert "free some space" in raised.value.hint


class GivesUp(ScriptedStream):
    """A device that closes while data comes."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        super().write(data, deadline)
        if data.startswith(b"DATA"):
            raise ConnectionError("closed")


def test_a_reason_that_came_before_the_device_closed_is_found() -> None:
    with pytest.raises(PushFailed, match="why"):
        send(GivesUp(answer(b"FAIL", b"why"), answers_after=30))


def test_a_device_that_closes_without_a_reason_is_lost() -> None:
    with pytest.raises(ConnectionError):
        send(GivesUp())


def test_an_answer_that_is_none_of_the_protocol_ends_the_link() -> None:
    with pytest.raises(ConnectionError, match="no answer of the sync service"):
        send(ScriptedStream(b"WHAT\0\0\0\0"))
    with pytest.raises(ConnectionError, match="no answer of the sync service"):
        list(receive_file(ScriptedStream(b"WHAT\0\0\0\0"), "/x", patience))
    with pytest.raises(ConnectionError, match="of 65537 bytes"):
        list(receive_file(ScriptedStream(b"DATA\x01\0\x01\0"), "/x", patience))


def test_a_file_comes_in_the_pieces_that_the_device_chose() -> None:
    whole = answer(b"DATA", b"ab") + answer(b"DATA", b"cde") + b"DONE\0\0\0\0"
    stream = ScriptedStream(*(whole[i : i + 1] for i in range(len(whole))))
    assert list(receive_file(stream, "/x", patience)) == [b"ab", b"cde"]
    assert stream.written == answer(b"RECV", b"/x")


def test_a_file_that_is_not_there_is_told_in_the_devices_words() -> None:
    stream = ScriptedStream(answer(b"FAIL", b"No such file or directory"))
    with pytest.raises(CommandFailed, match=r"reading /x .* No such file"):
        list(receive_file(stream, "/x", patience))


def test_a_file_that_breaks_off_is_no_file() -> None:
    stream = ScriptedStream(answer(b"DATA", b"ab"))
    with pytest.raises(ConnectionError, match="in the middle"):
        list(receive_file(stream, "/x", patience))
