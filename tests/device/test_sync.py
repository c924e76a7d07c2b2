"""Files to and from the stand-in."""

from __future__ import annotations

import hashlib
import struct

import pytest

from tests.device.daemon import Device
from tests.device.peer import PeerStream, pull, push, request, say, syncing

NAME = "/data/local/tmp/own/a file"
DATA = bytes(range(256)) * 1000


def stat(stream: PeerStream, name: bytes, path: str) -> tuple[int, ...]:
    stream.write(request(name, path))
    form = "<4s3I" if name == b"STAT" else "<4sI2Q4IQ3q"
    answered, *found = struct.unpack(form, stream.exactly(struct.calcsize(form)))
    assert answered == name
    return tuple(found)


def listed(stream: PeerStream, name: bytes, path: str) -> dict[str, tuple[int, ...]]:
    stream.write(request(name, path))
    form = "<4s4I" if name == b"LIST" else "<4sI2Q4IQ3qI"
    entries: dict[str, tuple[int, ...]] = {}
    while True:
        answered, *found = struct.unpack(form, stream.exactly(struct.calcsize(form)))
        if answered == b"DONE":
            assert not any(found)
            return entries
        entries[stream.exactly(found[-1]).decode()] = tuple(found[:-1])


def test_a_pushed_file_lies_there_with_its_mode_and_time_and_comes_back_whole(
    device: Device,
) -> None:
    with syncing(device.serial) as stream:
        assert push(stream, NAME, DATA, mode=0o100750) == b"OKAY"
        assert pull(stream, NAME) == DATA
        assert stat(stream, b"STAT", NAME) == (0o100750, len(DATA), 1_700_000_000)
        found = stat(stream, b"STA2", NAME)
        assert (found[0], found[3], found[7], found[9]) == (0, 0o100750, 256_000, 1_700_000_000)
    assert device.path(NAME).read_bytes() == DATA
    assert device.files() == ["/data/local/tmp/own/", NAME]


def test_a_push_replaces_what_was_there(device: Device) -> None:
    with syncing(device.serial) as stream:
        push(stream, NAME, DATA)
        assert push(stream, NAME, b"") == b"OKAY"
        assert pull(stream, NAME) == b""


@pytest.mark.parametrize("name", [b"LIST", b"LIS2"])
def test_a_folder_is_listed_and_one_that_is_missing_has_no_entries(
    device: Device, name: bytes
) -> None:
    with syncing(device.serial) as stream:
        push(stream, NAME, DATA)
        push(stream, "/data/local/tmp/own/é", b"12")
        entries = listed(stream, name, "/data/local/tmp/own")
        assert sorted(entries) == ["a file", "é"]
        assert 256_000 in entries["a file"]
        assert listed(stream, name, "/data/local/tmp/none") == {}


def test_a_file_that_is_missing_has_no_facts_and_no_bytes(device: Device) -> None:
    with syncing(device.serial) as stream:
        assert stat(stream, b"STAT", "/none") == (0, 0, 0)
        assert stat(stream, b"LST2", "/none") == (2, *[0] * 10)
        assert pull(stream, "/none") == b"open failed: No such file or directory"
        assert stat(stream, b"STAT", "/none") == (0, 0, 0)


@pytest.mark.parametrize("path", ["/system/x", "/data/local/tmp/../x", "/data/local/tmp"])
def test_nothing_is_pushed_outside_the_folder_for_it(device: Device, path: str) -> None:
    with syncing(device.serial) as stream:
        assert push(stream, path, DATA) == b"couldn't create file: Permission denied"
    assert device.files() == []


def test_a_push_onto_a_folder_is_refused(device: Device) -> None:
    with syncing(device.serial) as stream:
        push(stream, NAME, DATA)
    with syncing(device.serial) as stream:
        assert push(stream, "/data/local/tmp/own", DATA).startswith(b"couldn't create file: ")


def test_no_path_leads_out_of_the_stand_ins_folder(device: Device) -> None:
    with syncing(device.serial) as stream:
        assert pull(stream, "/../../../../../../../etc/passwd").startswith(b"open failed")


def test_the_stream_ends_with_quit_after_a_failed_push_and_at_a_strange_request(
    device: Device,
) -> None:
    with syncing(device.serial) as stream:
        stream.write(request(b"QUIT", ""))
        assert stream.piece() == b""
    with syncing(device.serial) as stream:
        push(stream, "/system/x", DATA)
        assert stream.piece() == b""
    with syncing(device.serial) as stream:
        stream.write(request(b"WHAT", "x"))
        assert b"unknown command" in stream.all()


def test_a_push_larger_than_what_is_free_is_refused(device: Device) -> None:
    device.set_state(free_mib=1)
    with syncing(device.serial) as stream:
        assert push(stream, NAME, b"x" * (1 << 20)) == b"OKAY"
        answer = push(stream, NAME, b"x" * ((1 << 20) + 1))
    assert answer == b"write failed: No space left on device"
    assert device.files() == ["/data/local/tmp/own/"]


def test_commands_see_what_was_pushed(device: Device) -> None:
    with syncing(device.serial) as stream:
        push(stream, NAME, DATA)
    said = say(device.serial, "cd /data/local/tmp/own && sha256sum -b 'a file' && rm -r ../own")
    assert said.stdout == hashlib.sha256(DATA).hexdigest().encode() + b"\n"
    assert device.files() == []
