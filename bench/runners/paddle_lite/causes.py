"""Why a program with Paddle Lite ended on the device: its own words, the signal, what would help.

The library returns no fault: it writes `[F time file:line function] reason` to stderr and aborts,
and the shell adds its own word below. Standard library only.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable

from bench.core.errors import DeviceError
from bench.core.program import agent_command

_LOG = re.compile(r"\[([A-Z]) +\d+/ ?\d+ [^\]]*\] ?(.*)")
_SHELLS = re.compile(
    r"(?:\S*sh: .*)?(?:Aborted|Segmentation fault|Killed|Bus error|Illegal instruction|Terminated)"
    r"\W*(?:\(core dumped\))?|qemu: uncaught target signal .*"
)
_MOST = 300

_BUILD = agent_command()
_HELP = (
    (r"format cannot be recognized|upgraded the naive-buffer|is not supported by Paddle-Lite",
     f"the model is of another release than the library: build with one that reads it, {_BUILD}"),
    (r"Failed to read|Program verification failed|no enough for mallocing",
     "the model is damaged: remove it from the cache (`--cache DIR`), so that it is made again"),
    (r"with_extra",
     f"build with a library \"with_extra\", which has more operators: {_BUILD}"),
    (r"CANNOT LINK|error while loading shared libraries|cannot locate symbol",
     f"keep all files of a build together in --agent DIR, or build them again: {_BUILD}"),
    (r"unknown command line flag|Must set|No model path is set",
     "build benchmark_bin from Paddle-Lite v2.10 to v2.13: others have other flags"),
    (r"bad_alloc|[Oo]ut of memory", "a smaller batch needs less memory"),
)  # fmt: skip
_HELP_AT = {
    signal.SIGSEGV: f"see that header and library are of one release: build them again, {_BUILD}",
    signal.SIGABRT: "a library built with `--with_log=ON` says why",
    signal.SIGKILL: "the device may have run out of memory: a smaller batch needs less",
    signal.SIGILL: "the library is for another CPU: take the armv8 one",
}
_BY_HAND = "run it by hand in `adb shell` to see more"


class ProgramEnded(DeviceError):
    """The program on the device ended with `status` and no figures; `output` is what it printed."""

    kind = "command-failed"

    def __init__(self, program: str, status: int, output: str) -> None:
        words, by = last_words(output), _signal(status)
        how = f"ended by {by.name}" if by else f"ended with status {status}"
        if words is None:
            problem = f"{program} {how} on the device and said nothing"
        else:
            problem = f"'{words}', said {program}, and {how} on the device"
        super().__init__(problem, hint=_hint(words or "", by))


def last_words(output: str) -> str | None:
    """Return why a program fell from its output: the library's fatal line, or the last line.

    Lines of the library's log and the shell's word for a signal are none; None: nothing is left.
    """
    lines = [line.strip() for line in output.splitlines()]
    for index, line in reversed(list(enumerate(lines))):
        match = _LOG.search(line)
        if match and match[1] == "F":
            return _short([match[2], *_own(lines[index + 1 :])])
    return _short(list(_own(lines))[-1:])


def _own(lines: Iterable[str]) -> Iterable[str]:
    return (
        line for line in lines if line and not _LOG.search(line) and not _SHELLS.fullmatch(line)
    )


def _short(lines: list[str]) -> str | None:
    return " ".join(" ".join(lines).split())[:_MOST].rstrip(" .") or None


def _signal(status: int) -> signal.Signals | None:
    try:
        return signal.Signals(status - 128)
    except ValueError:
        return None


def _hint(words: str, by: signal.Signals | None) -> str:
    for pattern, remedy in _HELP:
        if re.search(pattern, words):
            return remedy
    return _BY_HAND if words or by is None else _HELP_AT.get(by, _BY_HAND)
