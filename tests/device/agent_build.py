"""The device program for AArch64, built with the stand-in for the light API, and how to run it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "scripts" / "build_agent.sh"
AGENT = PROJECT / "bench" / "runners" / "paddle_lite" / "agent"
LIGHT_API = Path(__file__).parent / "light_api"
COMPILER = "aarch64-linux-gnu-g++"
QEMU = "qemu-aarch64-static"
SYSROOT = Path("/usr/aarch64-linux-gnu")
LIBRARY = "libpaddle_light_api_shared.so"
STRICT = ("-std=c++11", "-Wall", "-Wextra", "-Werror")


def missing_tools() -> str | None:
    """Return what the build and the emulated runs lack here, as a reason to skip; None: nothing."""
    packages = {COMPILER: "g++-aarch64-linux-gnu", QEMU: "qemu-user-static"}
    missing = [package for tool, package in packages.items() if shutil.which(tool) is None]
    if not missing:
        return None
    return f"on Debian, apt install {' '.join(missing)} to run the device program emulated"


def light_api(folder: Path, *defined: str) -> Path:
    """Build the stand-in into `folder`, laid out as a release of Paddle Lite; return `folder`.

    `defined` are macros: STANDIN_OTHER_RELEASE makes it another release, its header stays.
    """
    include, lib = folder / "cxx" / "include", folder / "cxx" / "lib"
    include.mkdir(parents=True, exist_ok=True)
    lib.mkdir(exist_ok=True)
    shutil.copy(LIGHT_API / "include" / "paddle_api.h", include)
    _checked(
        COMPILER, *STRICT, "-O2", "-fPIC", "-shared", "-pthread", f"-I{include}",
        *(f"-D{macro}" for macro in defined),
        str(LIGHT_API / "standin.cpp"), "-o", str(lib / LIBRARY),
    )  # fmt: skip
    return folder


def built_agent(folder: Path) -> Path:
    """Return the device program with the stand-in, as `build_agent.sh` fills a folder with it.

    A build takes several seconds: it is kept in build/tests for as long as its sources last, and
    copied into `folder`.
    """
    if not (folder / "agent").exists():
        shutil.copytree(_kept(), folder / "agent")
    return folder / "agent"


def _kept() -> Path:
    kept = PROJECT / "build" / "tests" / f"agent-{_sources_digest()}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as making:
            lite, out = light_api(Path(making) / "lite"), Path(making) / "agent"
            _checked("env", "CXXFLAGS=-Werror", str(SCRIPT), "--cxx", COMPILER, str(lite), str(out))
            with suppress(OSError):  # another worker was faster, and its build is the same
                out.rename(kept)
    return kept


def _sources_digest() -> str:
    """Return a digest of all that shapes the program: sources, scripts and the compiler."""
    digest = hashlib.sha256(Path(shutil.which(COMPILER) or COMPILER).resolve().read_bytes())
    for path in sorted([SCRIPT, Path(__file__), *AGENT.rglob("*"), *LIGHT_API.rglob("*")]):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def emulated(agent: Path, *arguments: str) -> list[str]:
    """Return the command that runs the program in `agent` on this machine."""
    return [QEMU, "-L", str(SYSROOT), str(agent / "bench_agent"), *arguments]


def _checked(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
