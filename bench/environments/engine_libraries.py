"""What a program in C++ is compiled and linked with: an engine's headers and libraries.

They are those of the engine's Python package, or of its SDK for C++ where a person names one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import Unavailable
from bench.environments.inspection import Interpreter, printed_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """An engine's own distribution for C++, in the folder that the variable `variable` names.

    `include` and `libraries` as in NativeProgram, `searched` the folders of what those need in
    turn. The source is compiled with `defines`.
    """

    variable: str
    title: str
    defines: str
    include: tuple[str, ...]
    libraries: tuple[str, ...]
    searched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeProgram:
    """A program of one file, `source`, for the engine in the Python package `package`.

    `include` and `libraries` are folders and files in that package's own, `*` as in a shell. Where
    the source has declarations of its own, `distribution` is the name and the version that they
    are of. `links_python`: the engine's library needs that of Python. `sdk` may stand in the place
    of all of these.
    """

    source: str
    package: str
    include: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    distribution: tuple[str, str] | None = None
    links_python: bool = False
    sdk: Sdk | None = None


def engine_words(program: NativeProgram, interpreter: Interpreter) -> list[str]:
    """Return the words by which compiler and program find the engine.

    Raises Unavailable where `interpreter` lacks it, or where the SDK named is none.
    """
    if program.sdk is not None and (named := os.environ.get(program.sdk.variable)):
        return _sdk_words(program.sdk, Path(named).expanduser().resolve())
    if program.distribution is not None:
        _require_version(program, interpreter, *program.distribution)
    package = _package(program, interpreter)
    libraries = _paths_in(package, program.libraries)
    if program.libraries and not libraries:
        raise Unavailable(
            f"the package {program.package} in {package} has no library {program.libraries[0]}",
            hint="leave --env out to have its environment built",
        )
    if program.links_python:
        libraries.append(_python_library(program, interpreter))
    return _words(package, program.include, libraries)


def stamps(words: Sequence[str]) -> list[list[int]]:
    """Return size and time of each file among `words`: a library may be replaced in its place."""
    files = [Path(word).stat() for word in words if Path(word).is_file()]
    return [[file.st_size, file.st_mtime_ns] for file in files]


def _sdk_words(sdk: Sdk, folder: Path) -> list[str]:
    for wanted in (*sdk.include, *sdk.libraries):
        if not (folder / wanted).exists():
            raise Unavailable(
                f"{sdk.variable} names {folder}, which has no {wanted}",
                hint=f"name the folder of the unpacked {sdk.title} SDK, or unset {sdk.variable}",
            )
    libraries, searched = _paths_in(folder, sdk.libraries), _paths_in(folder, sdk.searched)
    return [f"-D{sdk.defines}", *_words(folder, sdk.include, libraries, searched)]


def _words(
    folder: Path, include: Iterable[str], libraries: Sequence[Path], searched: Iterable[Path] = ()
) -> list[str]:
    folders = dict.fromkeys([*(path.parent for path in libraries), *searched])
    return [
        *(word for name in include for word in ("-isystem", str(folder / name))),
        *map(str, libraries),
        *(f"-Wl,-rpath,{path}" for path in folders),
    ]


def _paths_in(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(folder.glob(pattern))]


def _require_version(
    program: NativeProgram, interpreter: Interpreter, name: str, version: str
) -> None:
    """Raise Unavailable unless `interpreter` has that version of `name`, by its packages."""
    found = interpreter.packages.get(name)
    if found == version:
        return
    has = f"{name} {found}" if found else f"no {name}"
    raise Unavailable(
        f"this runner's program in C++ fits {name} {version}, and the environment"
        f" '{interpreter.name}' has {has}",
        hint=f"give it {name} {version}{_or_sdk(program.sdk)}",
    )


def _or_sdk(sdk: Sdk | None) -> str:
    return f", or name the folder of a {sdk.title} SDK in {sdk.variable}" if sdk else ""


def _package(program: NativeProgram, interpreter: Interpreter) -> Path:
    """Return the folder of the engine's package, asked of its interpreter."""
    answer = printed_json(interpreter.name, interpreter.python, "-c", _PACKAGE, program.package)
    if not answer.get("package"):
        raise Unavailable(
            f"{interpreter.python} has no package {program.package}",
            hint="leave --env out to have its environment built",
        )
    return Path(answer["package"])


def _python_library(program: NativeProgram, interpreter: Interpreter) -> Path:
    """Return the shared library of `interpreter`; raises Unavailable where it came without.

    Nothing of it runs: it is what the engine's library names.
    """
    answer = printed_json(interpreter.name, interpreter.python, "-c", _PYTHON_LIBRARY)
    if answer.get("library"):
        return Path(answer["library"])
    name, package = answer.get("name"), answer.get("debian")
    raise Unavailable(
        f"the Python of environment '{interpreter.name}' has no shared library {name}, "
        f"which this runner's program in C++ needs",
        hint=f"install it, as by `apt install {package}`, or build on a Python of uv's, "
        f"which brings it{_or_sdk(program.sdk)}",
    )


# Prints where a package lies, without importing it.
_PACKAGE = """
import importlib.util, json, os, sys
spec = importlib.util.find_spec(sys.argv[1])
print(json.dumps({"package": os.path.dirname(spec.origin) if spec and spec.origin else ""}))
"""
# Prints where the shared library of this Python lies. One that is linked with it says where; uv's
# and conda's, which aren't, bring it beside their own files; and Debian's packages have it apart.
_PYTHON_LIBRARY = """
import json, os, sys, sysconfig
get = sysconfig.get_config_var
version = "python" + str(get("LDVERSION"))
names = [get("INSTSONAME") or "", "lib" + version + ".so.1.0", "lib" + version + ".so"]
multiarch = str(get("MULTIARCH"))
folders = [get("LIBDIR") or "", os.path.join(sys.base_prefix, "lib")]
folders += [os.path.join(root, multiarch) for root in (*folders, "/usr/lib")] + ["/usr/lib64"]
paths = [os.path.join(folder, name) for name in names if ".so" in name for folder in folders]
found = [os.path.realpath(path) for path in paths if os.path.isfile(path)]
print(json.dumps({"library": (found or [""])[0], "name": names[1], "debian": "lib" + version}))
"""
