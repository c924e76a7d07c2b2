"""The device program for AArch64, built with the stand-in for the light API, and how to run it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "scripts" / "build_agent.sh"
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


def light_api(folder: Path) -> Path:
    """Build the stand-in into `folder`, laid out as a release of Paddle Lite; return `folder`."""
    include, lib = folder / "cxx" / "include", folder / "cxx" / "lib"
    include.mkdir(parents=True, exist_ok=True)
    lib.mkdir(exist_ok=True)
    shutil.copy(LIGHT_API / "include" / "paddle_api.h", include)
    _checked(
        COMPILER, *STRICT, "-O2", "-fPIC", "-shared", "-pthread", f"-I{include}",
        str(LIGHT_API / "standin.cpp"), "-o", str(lib / LIBRARY),
    )  # fmt: skip
    return folder


def built_agent(folder: Path) -> Path:
    """Build the device program with the stand-in; return the folder that `build_agent.sh` filled.

    A build takes several seconds: one that is in `folder` already is returned as it is.
    """
    if (folder / "agent" / "agent.json").exists():
        return folder / "agent"
    lite = light_api(folder / "lite")
    _checked(
        "env", "CXXFLAGS=-Werror", str(SCRIPT), "--cxx", COMPILER, str(lite), str(folder / "agent")
    )
    return folder / "agent"


def emulated(agent: Path, *arguments: str) -> list[str]:
    """Return the command that runs the program in `agent` on this machine."""
    return [QEMU, "-L", str(SYSROOT), str(agent / "bench_agent"), *arguments]


def _checked(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
