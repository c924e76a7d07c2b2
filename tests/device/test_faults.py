"""Each fault of the stand-in does what its name says, as often as it is told to."""

from __future__ import annotations

import time

import pytest

from tests.device.daemon import CommandFault, Device, PushFault
from tests.device.peer import Gone, PeerStream, greeted, push, request, say, syncing, unframed
from tests.device.test_daemon import eventually

COUNT = "for n in 1 2 3 4 5; do echo $n; done; sleep 0.2; echo err >&2; exit 7"
NAME = "/data/local/tmp/file"
DATA = b"x" * 300_000


def until_gone(stream: PeerStream) -> bytes:
    """Return what comes before the connection is lost."""
    data = b""
    try:
        while True:
            data += stream.piece()
    except Gone:
        return data


@pytest.mark.parametrize("lines", [0, 2])
def test_a_connection_that_drops_passes_on_so_many_lines_first(device: Device, lines: int) -> None:
    device.faults.commands.append(
        CommandFault(matching="for n", does="drop", after_lines=lines, times=1)
    )
    with greeted(device.serial) as peer:
        data = until_gone(peer.open(f"exec:{COUNT}"))
    assert data == b"1\n2\n"[: 2 * lines]
    assert eventually(lambda: not device.processes())
    assert say(device.serial, COUNT).status == 7


@pytest.mark.parametrize("lines", [0, 2])
def test_a_truncated_command_ends_as_if_it_had_done_well(device: Device, lines: int) -> None:
    device.faults.commands.append(
        CommandFault(matching="for n", does="truncate", after_lines=lines)
    )
    said = say(device.serial, COUNT.replace("0.2", "1000"))
    assert (said.stdout, said.stderr, said.status) == (b"1\n2\n"[: 2 * lines], b"", 0)
    assert eventually(lambda: not device.processes())
    assert say(device.serial, "echo other; exit 3").status == 3


def test_a_killed_program_says_so_by_its_status(device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="sleep", does="kill", after_lines=1))
    said = say(device.serial, "echo 1; sleep 1000")
    assert (said.stdout, said.status) == (b"1\n", 137)
    assert not device.processes()


def test_garbage_comes_between_the_lines(device: Device) -> None:
    device.faults.commands.append(
        CommandFault(matching="for n", does="garbage", after_lines=2, garbage=b"\xff{\n")
    )
    said = say(device.serial, COUNT)
    assert (said.stdout, said.stderr) == (b"1\n2\n\xff{\n3\n4\n5\n", b"err\n")
    assert said.status == 7


def test_a_device_that_hangs_accepts_the_command_and_says_nothing(device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="for n", does="hang", after_lines=1))
    with greeted(device.serial) as peer:
        stream = peer.open(f"shell,v2,raw:{COUNT}")
        assert unframed(stream.piece()).stdout == b"1\n"
        assert unframed(peer.open("shell,v2,raw:sleep 0.4; echo on").all()).stdout == b"on\n"
        assert not peer.kept[1]
    assert eventually(lambda: not device.processes())


def test_a_fault_spares_commands_that_end_before_it_and_counts_its_times(device: Device) -> None:
    faults = device.faults.commands
    faults.append(CommandFault(matching="for n", does="truncate", after_lines=6))
    faults.append(CommandFault(matching="echo", does="truncate", times=2))
    assert say(device.serial, COUNT).status == 7
    assert [say(device.serial, "echo x").stdout for _ in range(3)] == [b"", b"", b"x\n"]


@pytest.mark.parametrize("does", ["drop", "hang"])
def test_the_file_service_can_drop_and_hang_too(device: Device, does: str) -> None:
    fault = CommandFault(matching="sync:", does="drop" if does == "drop" else "hang")
    device.faults.commands.append(fault)
    with greeted(device.serial) as peer:
        stream = peer.open("sync:")
        if does == "drop":
            assert until_gone(stream) == b""
        else:
            peer.send(int.from_bytes(b"WRTE", "little"), 1, stream.remote_id, request(b"STAT", "/"))
            assert peer.open("exec:echo on").all() == b"on\n"
            assert not peer.kept[1]


def test_a_push_that_drops_leaves_so_many_bytes(device: Device) -> None:
    device.faults.pushes.append(
        PushFault(matching="file", does="drop", after_bytes=100_000, times=1)
    )
    with syncing(device.serial) as stream, pytest.raises(Gone):
        push(stream, NAME, DATA)
    assert device.path(NAME).stat().st_size == 100_000
    with syncing(device.serial) as stream:
        assert push(stream, NAME, DATA) == b"OKAY"


def test_a_full_disk_takes_so_many_bytes_and_leaves_none(device: Device) -> None:
    device.faults.pushes.append(PushFault(matching="file", does="full", after_bytes=100_000))
    with syncing(device.serial) as stream:
        assert push(stream, "/data/local/tmp/other", DATA) == b"OKAY"
        assert push(stream, NAME, DATA[:100_000]) == b"OKAY"
        assert push(stream, NAME, DATA) == b"write failed: No space left on device"
    assert device.files() == ["/data/local/tmp/other"]


def test_a_push_that_is_denied_leaves_what_was_there(device: Device) -> None:
    with syncing(device.serial) as stream:
        push(stream, NAME, b"old")
        device.faults.pushes.append(PushFault(matching="file", does="denied"))
        assert push(stream, NAME, DATA) == b"couldn't create file: Permission denied"
    assert device.path(NAME).read_bytes() == b"old"


def test_a_trickle_comes_in_small_pieces_with_pauses_and_whole(device: Device) -> None:
    device.faults.chunk_bytes, device.faults.pause_s = 3, 0.1
    started = time.monotonic()
    with greeted(device.serial) as peer:
        stream = peer.open("exec:echo 12345678")
        assert [stream.piece() for _ in range(4)] == [b"123", b"456", b"78\n", b""]
    assert time.monotonic() - started >= 0.3


def test_a_long_pause_ends_with_its_connection(device: Device) -> None:
    device.faults.pause_s = 3600.0
    with greeted(device.serial) as peer:
        peer.open("shell:echo never; exec sleep 1000")
        assert eventually(lambda: bool(device._board.children))
    assert eventually(lambda: not device._board.children)
