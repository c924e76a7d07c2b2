"""The real adb, which shares no code with the stand-in, finds a device in it."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.device.adb_server import Adb
from tests.device.daemon import CommandFault, Policy, PushFault, running_device
from tests.device.test_daemon import eventually

PATIENCE_S = 60.0
DATA = b"".join(number.to_bytes(4, "little") for number in range(2 << 20))


@pytest.fixture
def adb(own_adb: Adb) -> Adb:
    return own_adb


def test_it_lists_a_device_and_reads_its_properties(adb: Adb, tmp_path: Path) -> None:
    with running_device(tmp_path) as device:
        said = adb.on(device.serial, "shell", "getprop")
        assert "[ro.product.model]: [stand-in]" in said.stdout.splitlines()
        assert f"{device.serial}        device product:standin" in adb("devices", "-l").stdout
        assert adb("-s", device.serial, "features").stdout.split()[0] == "shell_v2"


def test_a_command_gives_its_status_and_both_outputs_apart(adb: Adb, tmp_path: Path) -> None:
    with running_device(tmp_path) as device:
        said = adb.on(device.serial, "shell", "echo out; echo err >&2; exit 7")
    assert (said.stdout, said.stderr, said.returncode) == ("out\n", "err\n", 7)


def test_without_shell_v2_both_outputs_are_one_and_the_status_is_lost(
    adb: Adb, tmp_path: Path
) -> None:
    with running_device(tmp_path, shell_v2=False) as device:
        said = adb.on(device.serial, "shell", "echo out; echo err >&2; exit 7")
    assert (said.stdout, said.stderr, said.returncode) == ("out\nerr\n", "", 0)


def test_8_mib_go_there_and_come_back_unchanged(adb: Adb, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(DATA)
    remote = "/data/local/tmp/own/data"
    with running_device(tmp_path / "device") as device:
        pushed = adb.on(device.serial, "push", str(there), remote)
        assert pushed.returncode == 0, pushed.stderr
        digest = hashlib.sha256(DATA).hexdigest()
        assert adb("-s", device.serial, "shell", f"sha256sum -b {remote}").stdout.strip() == digest
        assert adb("-s", device.serial, "pull", remote, str(back)).returncode == 0
    assert back.read_bytes() == DATA


def test_folders_go_there_and_come_back(adb: Adb, tmp_path: Path) -> None:
    there = tmp_path / "there" / "deep"
    there.mkdir(parents=True)
    (there / "file").write_text("text")
    with running_device(tmp_path / "device") as device:
        adb.on(device.serial, "push", str(tmp_path / "there"), "/data/local/tmp/own")
        assert device.files()[-1] == "/data/local/tmp/own/deep/file"
        assert adb("-s", device.serial, "ls", "/data/local/tmp/own").stdout.split()[-1] == "deep"
        pulled = adb("-s", device.serial, "pull", "/data/local/tmp/own", str(tmp_path / "back"))
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "back" / "deep" / "file").read_text() == "text"


def test_one_that_never_trusts_is_listed_as_unauthorized(adb: Adb, tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.NEVER) as device:
        adb("connect", device.serial)
        assert eventually(lambda: adb.state(device.serial) == "unauthorized")
        said = adb("-s", device.serial, "shell", "echo on")
        assert said.returncode != 0
        assert "unauthorized" in said.stderr
        assert device.commands == []


def test_a_known_key_opens_at_once(adb: Adb, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run([adb.program, "keygen", str(key)], check=True, capture_output=True)
    known = [key.with_suffix(".pub").read_bytes(), (adb.home / ".android/adbkey.pub").read_bytes()]
    with running_device(tmp_path / "1", auth=Policy.KNOWN_KEYS, known_keys=known) as device:
        assert adb("connect", device.serial).stdout.startswith("connected to")
    with running_device(tmp_path / "2", auth=Policy.KNOWN_KEYS, known_keys=known[:1]) as device:
        adb("connect", device.serial)
        assert eventually(lambda: adb.state(device.serial) == "unauthorized")


def test_it_tells_of_a_full_disk(adb: Adb, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(DATA)
    with running_device(tmp_path / "device") as device:
        device.faults.pushes.append(PushFault(matching="/own", does="full", after_bytes=1 << 20))
        said = adb.on(device.serial, "push", str(there), "/data/local/tmp/own")
        assert said.returncode == 1
        assert "No space left on device" in said.stdout + said.stderr
        assert device.files() == []


def test_a_device_that_drops_in_a_command_ends_the_client(adb: Adb, tmp_path: Path) -> None:
    with running_device(tmp_path) as device:
        device.faults.commands.append(CommandFault(matching="sleep", does="drop", after_lines=1))
        said = adb.on(device.serial, "shell", "echo on; sleep 1000")
        # Its status is 0 in some versions of adb, and its server may drop what it still holds of a
        # device that went: only the end, and that nothing else is said, are the device's.
        assert said.stdout in ("on\n", "")
        assert eventually(lambda: not device.processes())


def test_interrupting_the_client_ends_the_command(adb: Adb, tmp_path: Path) -> None:
    with running_device(tmp_path) as device:
        assert adb.on(device.serial, "shell", "true").returncode == 0
        words = [adb.program, "-P", str(adb.port), "-s", device.serial, "shell", "exec sleep 1000"]
        with subprocess.Popen(words, env=adb.environment(), stdin=subprocess.DEVNULL) as client:
            assert eventually(lambda: "sleep 1000" in {p.command for p in device.processes()})
            client.terminate()
        assert eventually(lambda: not device.processes())
