"""How the files of a phone come over: many in one round trip, each after a mark or its own path.

Only what every Android shell has is used: `sh`, `echo`, `cat` and `grep`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bench.devices.android.adb.device import Device, checked, note_foreign

CPU = "/sys/devices/system/cpu"
"""Where the paths of a `cores` part begin."""

_MARK = "@@bench "
_SPAN = re.compile(r"(\d+)(?:-(\d+))?")
_MOST_CORES = 1024


def read(device: Device, parts: Mapping[str, str], *, timeout_s: float = 30.0) -> dict[str, str]:
    """Return what each part of a `script` prints on the device.

    Raises what `Device.run` raises, and CommandFailed where the device's shell fails.
    """
    what = "reading its state"
    text = checked(device.run(script(parts), timeout_s=timeout_s), what).text
    note_foreign(device.serial, what, text.partition(_MARK)[0].splitlines())
    return sections(text)


def script(parts: Mapping[str, str]) -> list[str]:
    """Return the command that runs each part's shell text and prints the part's name before it.

    What a part lacks is not heard of: its stderr and its status are dropped.
    """
    marked = (f"echo '{_MARK}{name}'; {{ {text}; }} 2>/dev/null" for name, text in parts.items())
    return ["sh", "-c", "; ".join([*marked, "true"])]


def sections(text: str) -> dict[str, str]:
    """Return what each part of a `script` printed, by the part's name."""
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        # The last line of a part may lack its end.
        before, mark, name = line.partition(_MARK)
        if before or not mark:
            lines.append(before)
        if mark:
            lines = parts.setdefault(name.strip(), [])
    return {name: "\n".join(lines) for name, lines in parts.items()}


def entries(text: str) -> dict[str, str]:
    """Return each file's first line by its requested path, from what `grep -H .` printed."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        path, colon, value = line.partition(":")
        if colon:
            values.setdefault(path, value.strip())
    return values


def per_core(files: Mapping[str, str], name: str) -> dict[int, int]:
    """Return the integer in each core's cpufreq file of that name, by core."""
    path = re.compile(rf"cpu(\d{{1,4}})/cpufreq/{name}")
    matches = ((path.fullmatch(file), value) for file, value in files.items())
    known = ((m[1], whole(value)) for m, value in matches if m)
    return {int(core): number for core, number in known if number is not None and number >= 0}


def whole(text: str) -> int | None:
    """Return the whole number that `text` is, None for any other text and for endless digits."""
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def cores(text: str) -> frozenset[int]:
    """Return the cores of a list as the kernel writes them, `0-3,7` or `0 1 2 3`."""
    spans = ((whole(first), whole(last or first)) for first, last in _SPAN.findall(text))
    return frozenset(
        core
        for first, last in spans
        if first is not None and last is not None and last < _MOST_CORES
        for core in range(first, last + 1)
    )


def memory_kib(text: str, name: str) -> int | None:
    """Return a line of /proc/meminfo, in KiB."""
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return whole(match[1]) if match else None
