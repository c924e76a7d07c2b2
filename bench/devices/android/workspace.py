"""The harness's own folder on a phone: files come whole or not at all, and nothing stays behind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import InputError, PushFailed
from bench.core.units import BYTES_PER_MIB
from bench.devices.android import sysfs
from bench.devices.android.adb.device import Device, checked

PARENT = "/data/local/tmp"
FOLDER = f"{PARENT}/shufflenet-bench"

_COMMAND_S = 30.0
_HASHED_MIB_PER_S = 4.0  # a slow core's, several times over: sha256sum says nothing meanwhile

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# Programs by their files, and by their words: one that an emulator runs, or a shell, has its
# emulator's or the shell's file. The words of this very command hold a pattern and not the folder.
_LIST = 'ls -l /proc/[0-9]*/exe 2>/dev/null; grep -l -e "$1" /proc/[0-9]*/cmdline 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder directly below /data/local/tmp; raises InputError for any other.

    Its methods raise what `Device.run` and `Device.push` raise.
    """

    device: Device
    folder: str = FOLDER

    def __post_init__(self) -> None:
        parent, _, name = self.folder.rpartition("/")
        if parent != PARENT or not _PLAIN.fullmatch(name):
            raise InputError(
                f"'{self.folder}' can't be the folder on the device",
                hint=f"name one directly below {PARENT}, of letters, digits, '.', '_' and '-'",
            )

    def path(self, name: str) -> str:
        """Return where the file of that name is; raises InputError unless it is a plain name."""
        if not _PLAIN.fullmatch(name):
            raise InputError(
                f"'{name}' can't be a file's name on the device",
                hint="use letters, digits, '.', '_' and '-'",
            )
        return f"{self.folder}/{name}"

    def command(self, program: str, words: Sequence[str]) -> list[str]:
        """Return how a program in the folder is run with the libraries beside it."""
        return ["env", f"LD_LIBRARY_PATH={self.folder}", self.path(program), *words]

    def push_if_changed(self, local: Path, name: str, *, mode: int = 0o644) -> bool:
        """Make the file there the same as `local`; return whether it had to be pushed.

        It comes under another name and is renamed once it is whole. Raises PushFailed where
        the phone is full, or where what arrived isn't what was sent.
        """
        return bool(self.push_changed({name: (local, mode)}))

    def push_changed(self, files: Mapping[str, tuple[Path, int]]) -> list[str]:
        """Do so for all `files`, name to file and mode; those there are read in one command.

        Returns the names that had to be pushed.
        """
        digests = {name: _sha256(local) for name, (local, _) in files.items()}
        present = self._sha256({self.path(name): local for name, (local, _) in files.items()})
        changed = [name for name in files if present.get(self.path(name)) != digests[name]]
        for name in changed:
            self._replace(self.path(name), *files[name], digests[name])
        return changed

    def _replace(self, remote: str, local: Path, mode: int, digest: str) -> None:
        part = f"{remote}.part"
        prepare = ["sh", "-c", 'mkdir -p "$1" && rm -f "$2"', "sh", self.folder, part]
        checked(self.device.run(prepare), f"making {self.folder}")
        self._push(local, part, mode)
        if not self._is_whole(part, local, digest):
            self.device.run(["rm", "-f", part])
            raise PushFailed(remote, "what arrived is not what was sent")
        checked(self.device.run(["mv", "-f", part, remote]), f"renaming {part}")

    def free_mib(self) -> int | None:
        """Return the MiB that are free where the folder is or will be, None if unknown."""
        return free_mib(self.device.run([*DF, PARENT]).text)

    def stop(self) -> None:
        """End what still runs from the folder, such as what a lost connection left."""
        if pids := self._running():
            self.device.run(["kill", "-9", *pids])  # one may have ended by itself meanwhile

    def clean(self) -> None:
        """End what still runs from the folder and remove it; nothing to remove is fine."""
        self.stop()
        checked(self.device.run(["rm", "-rf", self.folder]), f"removing {self.folder}")

    def _push(self, local: Path, part: str, mode: int) -> None:
        needed_mib = -(-local.stat().st_size // BYTES_PER_MIB)
        self._check_room(part, needed_mib)
        try:
            self.device.push(local, part, mode=mode)
        except PushFailed:
            self.device.run(["rm", "-f", part])
            self._check_room(part, needed_mib)
            raise

    def _check_room(self, part: str, needed_mib: int) -> None:
        free = self.free_mib()
        if free is not None and free < needed_mib:
            remote = part.removesuffix(".part")
            raise PushFailed(
                remote, f"no space left: it needs {needed_mib} MiB and {free} MiB are free"
            )

    def _is_whole(self, part: str, local: Path, digest: str) -> bool:
        """Compare contents, or sizes where the phone can't hash; True where it can do neither."""
        if digests := self._sha256({part: local}):
            return digests == {part: digest}
        counted = self.device.run(["wc", "-c", part])
        size = re.search(r"^[ \t]*(\d+)(?=\s|$)", counted.text, re.MULTILINE)
        remote_bytes = None if counted.status or size is None else sysfs.whole(size[1])
        return remote_bytes is None or remote_bytes == local.stat().st_size

    def _sha256(self, files: Mapping[str, Path]) -> dict[str, str]:
        """Return the hashes of those files that are there; of none where there is no such tool.

        `files` has for each path there the file here, whose size says how long hashing may take.
        """
        mib = sum(local.stat().st_size for local in files.values()) / BYTES_PER_MIB
        timeout_s = _COMMAND_S + mib / _HASHED_MIB_PER_S
        text = self.device.run(["sha256sum", *files], timeout_s=timeout_s).text
        rows = re.findall(r"^\\?([0-9a-f]{64})\b(.*)$", text, re.MULTILINE)
        # Some tools print a single file's hash without its name.
        return {rest.strip(" *") or next(iter(files)): digest for digest, rest in rows}

    def _running(self) -> list[str]:
        """Return the ids of the processes whose program or words lie in the folder."""
        name = self.folder.rpartition("/")[2].replace(".", "[.]")
        pattern = f"{PARENT}/[{name[0]}]{name[1:]}/"
        text = self.device.run(["sh", "-c", _LIST, "sh", pattern]).text
        by_file = re.findall(rf"/proc/(\d+)/exe -> {re.escape(self.folder)}/", text)
        by_words = re.findall(r"^/proc/(\d+)/cmdline$", text, re.MULTILINE)
        return sorted({*by_file, *by_words})


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BYTES_PER_MIB):
            digest.update(block)
    return digest.hexdigest()


# POSIX's form, so that a long device name breaks no line.
DF = ("df", "-P", "-k")


_ROW = re.compile(r"^\S+\s+\d+\s+-?\d+\s+(\d+)\s+\d+%\s+/", re.MULTILINE)


def free_mib(text: str) -> int | None:
    """Return the MiB that are free on the one file system of a `df -P -k`; None for other text."""
    match = _ROW.search(text)
    kib = sysfs.whole(match[1]) if match else None
    return None if kib is None else kib >> 10
