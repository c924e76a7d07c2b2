"""The stand-in's file system: a folder, seen as a phone's root.

    FOLDER/data/local/tmp        what is pushed
    FOLDER/sys, FOLDER/proc      clocks, temperatures, load: dumps.py
    FOLDER/.standin              bin/ and what its scripts print, the bytes of ARM programs

No privilege is needed: in a command the places below are replaced by where they are in FOLDER, so
only what the command line itself names is mapped, not what a pushed script names. A command that
prints a path prints this machine's. The rest of the file system is this machine's own.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.device import dumps, programs
from tests.device.child import Process, processes_of
from tests.device.tools import SCRIPTS

PUSHED = "/data/local/tmp"
_PLACES = (
    PUSHED, "/sys/devices/system/cpu", "/sys/class/thermal",
    "/proc/cpuinfo", "/proc/loadavg", "/proc/meminfo",
)  # fmt: skip
# A place is one only where a path begins and where its last name ends.
_PLACE = re.compile(rf"(?<![\w.+/-])(?:{'|'.join(map(re.escape, _PLACES))})(?![\w.-])")
_SETTINGS = {
    "global.airplane_mode_on": "0", "global.stay_on_while_plugged_in": "0",
    "system.screen_brightness": "10", "global.low_power": "0",
}  # fmt: skip


class Phone:
    """A folder in the shape of a phone. Its name has to be one that a shell needs not quote."""

    def __init__(self, folder: Path, state: dumps.State) -> None:
        self.folder = folder.resolve()
        if not re.fullmatch(r"[\w./+-]+", str(self.folder)):
            raise ValueError(f"{self.folder}: letters, digits and ./+-_ only, for the shell")
        self.state = state
        self.own = self.folder / ".standin"
        self.path(PUSHED).mkdir(parents=True, exist_ok=True)
        for name, text in SCRIPTS.items():
            _write(self.own / "bin" / name, text)
            (self.own / "bin" / name).chmod(0o755)
        for name, text in _SETTINGS.items():
            _write(self.own / "settings" / name, f"{text}\n")
        self._show()

    def change(self, **changes: Any) -> None:
        """Take on fields of State; commands that run see them at once."""
        self.state = replace(self.state, **changes)
        self._show()

    def _show(self) -> None:
        for core in self.state.offline:
            clock = self.path(f"/sys/devices/system/cpu/cpu{core}/cpufreq")
            shutil.rmtree(clock, ignore_errors=True)
        for name, text in dumps.files(self.state).items():
            _write(self.folder / name, text)
        for name, text in dumps.services(self.state).items():
            _write(self.own / "dumpsys" / name, text)
        told = dumps.properties(self.state)
        _write(self.own / "properties", "".join(f"{k}={v}\n" for k, v in sorted(told.items())))
        _write(self.own / "df", dumps.disk(self.state))

    def path(self, remote: str) -> Path:
        """Return where a path of the device lies; nothing leads out of the folder."""
        return self.folder / _plain(remote).lstrip("/")

    def writable(self, remote: str) -> bool:
        """Return whether a push may write there."""
        return _plain(remote).startswith(f"{PUSHED}/")

    def mapped(self, command: str) -> str:
        """Return `command` for this machine's shell."""
        return _PLACE.sub(lambda place: f"{self.folder}{place[0]}", command)

    def environment(self) -> Mapping[str, str]:
        """Return a command's environment: nothing of this process's own but PATH.

        STANDIN is for the scripts, and the mark by which its processes are known.
        """
        path = f"{self.own / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return {
            "PATH": path, "HOME": str(self.folder), "STANDIN": str(self.own),
            "TMPDIR": str(self.path(PUSHED)),
        }  # fmt: skip

    def adopt(self, remote: str, *, mode: int, mtime: int) -> None:
        """Take a file that was pushed as a phone would have it."""
        path = self.path(remote)
        if programs.is_program(path):
            programs.wrap(path, self.own / "programs")
        path.chmod(mode & 0o777)
        os.utime(path, (mtime, mtime))

    def files(self) -> list[str]:
        """Return the paths of all that lies in /data/local/tmp, folders with a slash behind."""
        found = self.path(PUSHED).rglob("*")
        return sorted(f"/{path.relative_to(self.folder)}{'/' * path.is_dir()}" for path in found)

    def processes(self) -> list[Process]:
        """Return the commands that still run, and what they started."""
        return processes_of(self.own)


def _plain(remote: str) -> str:
    return posixpath.normpath("/" + remote.lstrip("/"))


def _write(path: Path, text: str) -> None:
    """Put a file in place at once: a command that reads it sees the old one or the new one."""
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
