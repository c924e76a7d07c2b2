"""The device program's files on this machine: the program, its libraries, and what agent.json says.

A header of one release of the library beside a library of another crashes without a word, since
their configurations have other layouts. So what the build put together has to be together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bench.core.digest import file_sha256
from bench.core.errors import Unavailable
from bench.core.program import agent_command

PROGRAM = "bench_agent"
BUILD = (
    "fetch an NDK (r21 or later) and inference_lite_lib.android.armv8.clang.c++_shared.with_extra"
    f".tar.gz of Paddle-Lite v2.12, unpack both, then {agent_command()}"
)

_NOTES = "agent.json"


def check_program(folder: Path) -> None:
    """Raise Unavailable unless `folder` holds the files that its agent.json says were built."""
    if not (folder / PROGRAM).is_file():
        raise Unavailable("the device program isn't built", hint=BUILD)
    for name, digest in _built(folder).items():
        file = folder / name
        if not file.is_file():
            raise Unavailable(f"{file} is missing, with which {PROGRAM} was built", hint=BUILD)
        if file_sha256(file) != digest:
            raise Unavailable(
                f"{file} is another file than {_NOTES} says was built",
                hint="build all of them again, header and library of one release: "
                f"{agent_command()}",
            )


def _built(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of each file of the build, the program's among them."""
    try:
        files = json.loads((folder / _NOTES).read_text(encoding="utf-8"))["files"]
        built = {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        built = {}
    if PROGRAM not in built:
        raise Unavailable(f"{folder} has no {_NOTES} that says what was built", hint=BUILD)
    return built
