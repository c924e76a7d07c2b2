"""The stand-in's end of the protocol, packet by packet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.device.daemon import Device, Policy, State, running_device
from tests.device.peer import PATIENCE_S, Gone, connected, greeted, say, unframed
from tests.device.wire import CLSE, CNXN, MAX_PAYLOAD, OKAY, VERSION, WRTE


def eventually(true: Callable[[], bool]) -> bool:
    """Wait for what another thread or process does; False when it never does."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_the_greeting_names_a_stand_in_and_what_it_can_do(device: Device) -> None:
    with connected(device.serial) as peer:
        answer = peer.greet()
    assert (answer.command, answer.arg0, answer.arg1) == (CNXN, VERSION, MAX_PAYLOAD)
    assert answer.data.startswith(b"device::ro.product.name=standin;ro.product.model=stand-in;")
    assert answer.data.endswith(b"features=shell_v2,stat_v2,ls_v2,fixed_push_mkdir")


def test_an_old_device_neither_offers_nor_knows_shell_v2(tmp_path: Path) -> None:
    old = running_device(tmp_path, auth=Policy.OPEN, shell_v2=False)
    with old as device, connected(device.serial) as peer:
        assert b"shell_v2" not in peer.greet().data
        assert not peer.open("shell,v2,raw:echo no").accepted
        assert peer.open("shell:echo yes").all() == b"yes\n"


def test_a_command_gives_its_status_and_both_outputs_apart(device: Device) -> None:
    said = say(device.serial, "echo out; echo err >&2; exit 7")
    assert (said.stdout, said.stderr, said.status) == (b"out\n", b"err\n", 7)
    assert device.commands == ["echo out; echo err >&2; exit 7"]


def test_a_command_that_a_signal_ended_has_128_more(device: Device) -> None:
    assert say(device.serial, "kill -9 $$").status == 137


@pytest.mark.parametrize("service", ["shell", "exec"])
def test_without_frames_both_outputs_are_one_and_there_is_no_status(
    device: Device, service: str
) -> None:
    with greeted(device.serial) as peer:
        assert peer.open(f"{service}:echo out; echo err >&2; exit 7").all() == b"out\nerr\n"


def test_a_commands_stdin_comes_in_pieces_and_ends_when_it_is_closed(device: Device) -> None:
    with greeted(device.serial) as peer:
        stream = peer.open("shell,v2,raw:cat; echo end")
        stream.write(b"\x00\x05\x00\x00\x00he")
        stream.write(b"llo\x00\x01\x00\x00\x00\n\x04\x00\x00\x00\x00")
        assert unframed(stream.all()).stdout == b"hello\nend\n"


def test_what_exec_is_sent_arrives_before_the_end(device: Device) -> None:
    with greeted(device.serial) as peer:
        stream = peer.open("exec:cat > /data/local/tmp/taken")
        stream.write(b"x" * 300_000)
        stream.close()
        taken = device.path("/data/local/tmp/taken")
        assert eventually(lambda: taken.is_file() and taken.stat().st_size == 300_000)


def test_a_large_output_comes_whole_and_a_piece_waits_for_the_one_before(device: Device) -> None:
    with greeted(device.serial) as peer:
        stream = peer.open("exec:head -c 3000000 /dev/zero")
        first = peer.receive_for(1)
        assert first.command == WRTE
        assert len(first.data) <= MAX_PAYLOAD
        # No second piece comes before the first is acknowledged, but another stream's does.
        assert peer.open("exec:echo other").all() == b"other\n"
        assert not peer.kept[1]
        peer.send(OKAY, stream.local_id, stream.remote_id)
        assert len(first.data) + len(stream.all()) == 3_000_000


def test_streams_and_connections_run_at_once(device: Device) -> None:
    with greeted(device.serial) as one, greeted(device.serial) as other:
        # Each waits for the next, so that one after another would never end.
        last = one.open("exec:while [ ! -f b ]; do sleep 0.01; done; echo last")
        middle = other.open("exec:while [ ! -f a ]; do sleep 0.01; done; touch b; echo middle")
        assert one.open("exec:touch a; echo first").all() == b"first\n"
        assert middle.all() == b"middle\n"
        assert last.all() == b"last\n"


def test_an_unknown_service_is_closed_and_the_connection_goes_on(device: Device) -> None:
    with greeted(device.serial) as peer:
        assert not peer.open("reboot:").accepted
        assert peer.open("exec:echo on").all() == b"on\n"


def test_a_closed_stream_is_answered_once(device: Device) -> None:
    with greeted(device.serial) as peer:
        peer.open("shell:sleep 1000").close()
        assert peer.receive_for(1).command == CLSE
        assert eventually(lambda: not device.processes())
        assert peer.open("exec:sleep 0.2; echo on").all() == b"on\n"
        assert not peer.kept[1]


def test_an_old_peer_gets_checksums(device: Device) -> None:
    with connected(device.serial) as peer:
        peer.version = 0x01000000
        peer.greet()
        peer.send(int.from_bytes(b"OPEN", "little"), 1, 0, b"exec:echo on\0")
        raw = peer._exactly(24) + peer._exactly(24)
        assert raw[24:28] == b"WRTE"
        assert int.from_bytes(raw[40:44], "little") == sum(b"on\n")


def test_bytes_that_are_no_packet_end_the_connection(device: Device) -> None:
    with greeted(device.serial) as peer:
        peer.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(Gone):
            peer.receive()
    assert say(device.serial, "echo on").stdout == b"on\n"


@pytest.mark.parametrize("how", ["stream", "connection"])
@pytest.mark.parametrize("service", ["shell,v2,raw", "shell"])
def test_a_command_ends_with_its_stream_and_with_its_connection(
    device: Device, service: str, how: str
) -> None:
    with greeted(device.serial) as peer:
        stream = peer.open(f"{service}:echo on; sleep 1000; echo off")
        assert b"on" in stream.piece()
        assert [process.command for process in device.processes() if "sleep" in process.command]
        if how == "stream":
            stream.close()
            assert eventually(lambda: not device.processes())
    assert eventually(lambda: not device.processes())


@pytest.mark.parametrize("how", ["stream", "connection"])
def test_a_command_that_outlives_its_stream_and_its_connection_goes_on(
    device: Device, how: str
) -> None:
    device.faults.outlives = True
    with greeted(device.serial) as peer:
        command = "echo on; while [ ! -f go ]; do sleep 0.01; echo .; done; touch gone"
        stream = peer.open(f"shell,v2,raw:{command}")
        stream.piece()
        if how == "stream":
            stream.close()
    time.sleep(0.3)
    assert device.processes()
    device.path("/go").touch()
    assert eventually(device.path("/gone").exists)
    assert eventually(lambda: not device.processes())


def test_nothing_that_a_command_left_outlives_the_stand_in(tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.OPEN) as device:
        say(device.serial, "nohup setsid sleep 1000 > /dev/null 2>&1 &")
        assert eventually(lambda: [left.command for left in device.processes()] == ["sleep 1000"])
    assert not device.processes()


def test_not_even_one_that_cannot_be_found_does(tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.OPEN) as device, greeted(device.serial) as peer:
        # This one drops the mark by which it could be found, and ignores the hang-up.
        stream = peer.open("shell:trap '' HUP; echo $$; exec env -i sleep 1000")
        unmarked = int(stream.piece())
        assert eventually(lambda: not device.processes())
    with pytest.raises(ProcessLookupError):
        os.kill(unmarked, 0)


def test_a_dropped_connection_is_taken_up_again_on_the_same_port(device: Device) -> None:
    with greeted(device.serial) as peer:
        device.drop_connections()
        with pytest.raises(Gone):
            peer.receive()
    assert say(device.serial, "echo on").stdout == b"on\n"


def test_a_device_that_is_away_refuses_connections_and_comes_back(device: Device) -> None:
    device.drop_connections(refuse_s=1.0)
    with pytest.raises(ConnectionRefusedError), connected(device.serial):
        pass

    def back() -> bool:
        try:
            return say(device.serial, "echo on").stdout == b"on\n"
        except ConnectionRefusedError:
            return False

    assert eventually(back)


def test_a_stand_in_on_a_port_that_is_taken_is_an_error_and_leaves_no_thread(
    device: Device, tmp_path: Path
) -> None:
    taken = running_device(tmp_path / "second", port=device.port)
    with pytest.raises(OSError, match="in use"), taken:
        pass


def test_a_folder_that_a_shell_would_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="letters, digits"), running_device(tmp_path / "a b"):
        pass


def test_by_hand_it_prints_its_serial_and_ends_at_a_signal(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.device.daemon",
        "--folder",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        serial = process.stdout.readline().strip()
        assert re.fullmatch(r"127\.0\.0\.1:\d+", serial)
        with connected(serial) as peer:
            assert peer.greet().command == int.from_bytes(b"AUTH", "little")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_another_state_at_the_start_and_one_later(tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.OPEN, state=State(abi="armeabi-v7a")) as device:
        assert say(device.serial, "getprop ro.product.cpu.abi").stdout == b"armeabi-v7a\n"
        device.set_state(abi="x86_64")
        assert say(device.serial, "getprop ro.product.cpu.abi").stdout == b"x86_64\n"
