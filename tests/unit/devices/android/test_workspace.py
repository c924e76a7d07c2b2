"""The harness's own folder on a phone, in this machine's shell in the place of the phone's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.core.errors import CommandFailed, DeviceLost, InputError, PushFailed
from bench.devices.android.adb.device import Completed
from bench.devices.android.workspace import PARENT, Workspace, free_mib
from tests.fakes.device import FakeDevice, ShellDevice, said
from tests.fakes.phones import DF

FULL = DF.replace("59768832", "10239")

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The phone's /data/local/tmp."""
    (tmp_path / "phone").mkdir()
    return tmp_path / "phone"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "agent"
    path.write_bytes(b"a device program\n" * 1000)
    return path


def pushes(device: FakeDevice) -> list[str]:
    return [command for command in device.commands if command.startswith("push ")]


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "shufflenet-bench").iterdir())


def test_a_file_comes_whole_with_its_mode_and_leaves_nothing_beside_it(
    root: Path, local: Path
) -> None:
    device = ShellDevice(root)
    assert Workspace(device).push_if_changed(local, "bench_agent", mode=0o755)
    remote = root / "shufflenet-bench/bench_agent"
    assert remote.read_bytes() == local.read_bytes()
    assert remote.stat().st_mode & 0o777 == 0o755
    assert names(root) == ["bench_agent"]


def test_a_file_that_is_there_already_is_not_pushed_again(root: Path, local: Path) -> None:
    device = ShellDevice(root)
    workspace = Workspace(device)
    assert workspace.push_if_changed(local, "agent")
    assert not workspace.push_if_changed(local, "agent")
    local.write_bytes(local.read_bytes()[::-1])
    assert workspace.push_if_changed(local, "agent"), "same size, other content"
    assert len(pushes(device)) == 2
    assert (root / "shufflenet-bench/agent").read_bytes() == local.read_bytes()


def test_hashing_has_time_by_the_size_of_the_files(tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(80 << 20)
    times_s: list[float] = []

    class Timed(FakeDevice):
        def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
            if command[0] == "sha256sum":
                times_s.append(timeout_s)
            return said(f"{hashlib.sha256(big.read_bytes()).hexdigest()}  {command[-1]}\n")

    Workspace(Timed()).push_if_changed(big, "big")
    assert times_s[0] >= 30 + 80 / 5  # MiB over MiB/s


def test_a_phone_that_cannot_hash_is_pushed_to_every_time_and_its_sizes_are_compared(
    root: Path, local: Path
) -> None:
    device = ShellDevice(root, without=["sha256sum"])
    workspace = Workspace(device)
    assert workspace.push_if_changed(local, "agent")
    assert workspace.push_if_changed(local, "agent")
    device.cut = 100
    with pytest.raises(PushFailed, match="not what was sent"):
        workspace.push_if_changed(local, "agent")


def test_a_size_is_found_behind_a_line_that_is_not_wcs(root: Path, local: Path) -> None:
    device = ShellDevice(root, without=["sha256sum"], cut=100)
    device.answers["wc -c"] = said("WARNING: linker: unused DT entry\n100 it.part\n")
    with pytest.raises(PushFailed, match="not what was sent"):
        Workspace(device).push_if_changed(local, "it")


def test_a_phone_that_can_neither_hash_nor_count_is_believed(root: Path, local: Path) -> None:
    assert Workspace(ShellDevice(root, without=["sha256sum", "wc -c"])).push_if_changed(local, "it")


def test_a_push_that_is_cut_leaves_the_old_file_and_no_half_one(root: Path, local: Path) -> None:
    device = ShellDevice(root)
    Workspace(device).push_if_changed(local, "agent")
    old = local.read_bytes()
    local.write_bytes(b"another program")
    device.cut = 5
    with pytest.raises(PushFailed, match=f"{PARENT}/shufflenet-bench/agent can't be written"):
        Workspace(device).push_if_changed(local, "agent")
    assert (root / "shufflenet-bench/agent").read_bytes() == old
    assert names(root) == ["agent"]


def test_a_phone_that_goes_away_leaves_no_half_file_under_the_name(root: Path, local: Path) -> None:
    device = ShellDevice(root, cut=5)
    device.fails = DeviceLost("fake-serial", "a push")
    with pytest.raises(DeviceLost):
        Workspace(device).push_if_changed(local, "agent")
    assert names(root) == ["agent.part"]
    device.cut, device.fails = None, None
    assert Workspace(device).push_if_changed(local, "agent")
    assert names(root) == ["agent"]


def test_a_full_phone_is_seen_before_the_push_with_what_is_needed_and_free(
    root: Path, local: Path
) -> None:
    local.write_bytes(bytes(9 * 2**20 + 1))
    device = ShellDevice(root)
    device.answers["df -P -k"] = said(FULL)
    with pytest.raises(PushFailed, match="it needs 10 MiB and 9 MiB are free") as raised:
        Workspace(device).push_if_changed(local, "net.nb")
    assert f"{PARENT}/shufflenet-bench/net.nb can't be written" in raised.value.problem
    assert "free some space" in raised.value.hint
    assert pushes(device) == []


def test_what_a_push_that_was_cut_left_takes_no_room_from_the_next(root: Path, local: Path) -> None:
    (root / "shufflenet-bench").mkdir()
    (root / "shufflenet-bench/net.nb.part").touch()
    device = ShellDevice(root)
    device.answers["df -P -k"] = said(FULL.replace("10239", "0"))
    with pytest.raises(PushFailed, match="no space left"):
        Workspace(device).push_if_changed(local, "net.nb")
    assert names(root) == []


def test_a_phone_that_fills_up_meanwhile_tells_the_same_and_any_other_refusal_its_own(
    root: Path, local: Path
) -> None:
    class Filling(ShellDevice):
        def push(
            self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0
        ) -> None:
            self.answers["df -P -k"] = said(FULL.replace("10239", "0"))
            super().push(local, remote, mode=mode, silence_s=silence_s)

    filling, refusing = Filling(root), ShellDevice(root)
    filling.fails = PushFailed("part", "No space left on device")
    with pytest.raises(PushFailed, match="it needs 1 MiB and 0 MiB are free"):
        Workspace(filling).push_if_changed(local, "net.nb")
    refusing.fails = PushFailed("part", "Read-only file system")
    with pytest.raises(PushFailed, match="Read-only file system"):
        Workspace(refusing).push_if_changed(local, "net.nb")
    assert names(root) == []


def test_a_folder_that_cannot_be_made_is_a_failed_command(root: Path, local: Path) -> None:
    (root / "shufflenet-bench").touch()
    with pytest.raises(CommandFailed, match=f"making {PARENT}/shufflenet-bench ended with status"):
        Workspace(ShellDevice(root)).push_if_changed(local, "agent")


def test_cleaning_removes_the_folder_and_nothing_else(root: Path, local: Path) -> None:
    workspace = Workspace(ShellDevice(root))
    workspace.push_if_changed(local, "agent")
    (root / "anothers").mkdir()
    workspace.clean()
    workspace.clean()
    assert [path.name for path in root.iterdir()] == ["anothers"]


@needs_proc
@pytest.mark.parametrize(
    "words", [["./sleeper", "60"], ["sh", "{folder}/script.sh"]], ids=lambda w: w[0]
)
def test_cleaning_ends_what_still_runs_from_the_folder(root: Path, words: list[str]) -> None:
    folder = root / "shufflenet-bench"
    folder.mkdir()
    shutil.copy2(shutil.which("sleep") or "sleep", folder / "sleeper")
    (folder / "script.sh").write_text("read _; :\n")
    command = [word.format(folder=folder) for word in words]
    other = subprocess.Popen(["sleep", "60"])
    left = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE)
    try:
        Workspace(ShellDevice(root)).clean()
        assert left.wait(10) == -9
        assert other.poll() is None
    finally:
        for process in (other, left):
            process.kill()
            process.communicate()
    assert not folder.exists()


@needs_proc
def test_where_nothing_runs_from_the_folder_nothing_is_ended(root: Path) -> None:
    device = ShellDevice(root)
    Workspace(device).stop()
    assert [command for command in device.commands if command.startswith("kill")] == []


@needs_proc
def test_cleaning_a_folder_whose_name_begins_alike_ends_nothing_of_this_one(root: Path) -> None:
    (root / "shufflenet-bench").mkdir()
    script = root / "shufflenet-bench/script.sh"
    script.write_text("read _; :\n")
    with subprocess.Popen(["sh", str(script)], stdin=subprocess.PIPE) as ours:
        Workspace(ShellDevice(root), f"{PARENT}/shufflenet").clean()
        assert ours.poll() is None
        ours.communicate()
    assert script.exists()


@pytest.mark.parametrize(
    "folder",
    [
        "/data/local/tmp", "/data/local/tmp/", "/data/local/tmp/..", "/data/local/tmp/.",
        "/data/local/tmp/a/b", "/data/local/tmp/a/..", "/data/local/tmp/-rf", "/data/local/tmp/a b",
        "/data/local/tmp/a/", "/data/local/tmpx", "/", "", "a", "/data/local/tmp/a\n", "/sdcard/x",
        "/data/local/tmp/*",
    ],
)  # fmt: skip
def test_a_folder_that_is_not_directly_below_the_shared_one_is_refused(folder: str) -> None:
    with pytest.raises(InputError, match="can't be the folder") as raised:
        Workspace(FakeDevice(), folder)
    assert PARENT in raised.value.hint


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "-f", "a b", "a\n"])
def test_a_file_whose_name_is_a_path_is_refused(name: str, local: Path) -> None:
    device = FakeDevice()
    with pytest.raises(InputError, match="can't be a file's name"):
        Workspace(device).push_if_changed(local, name)
    assert device.commands == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DF, 58368),
        (
            "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 900 -5 2048 0% /data\n",
            2,
        ),
        ("Filesystem Size Used Free Blksize\n/data 12.5G 3.1G 9.4G 4096\n", None),
        ("df: /data: Permission denied\n", None),
        ("", None),
    ],
)
def test_free_space_is_read_from_df(text: str, expected: int | None) -> None:
    assert free_mib(text) == expected


def test_this_machines_df_is_understood(root: Path) -> None:
    assert (Workspace(ShellDevice(root)).free_mib() or 0) >= shutil.disk_usage(root).free >> 21
