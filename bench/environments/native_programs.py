"""Programs that drive an engine from C++: compiled here, once, against the engine's own libraries.

Their sources lie in bench/runners/cpp. A program lies in the cache under its name and a digest of
all that it is made of: sources, compiler, interpreter. It counts once its file is there.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.core.atomic import mark_used, take_name, temporary_beside
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import Unavailable
from bench.core.locks import waited_for
from bench.core.paths import PACKAGE
from bench.environments.engine_libraries import NativeProgram, Sdk, engine_words, stamps
from bench.environments.inspection import Interpreter
from bench.launcher.environment import command_environment
from bench.launcher.programs import output_of, run_program

SOURCES = PACKAGE / "runners" / "cpp"
_SHARED = Path("paddle_lite") / "agent"  # beside SOURCES
_COMPILERS = ("g++", "c++")
_FLAGS = ("-std=c++17", "-O2", "-DNDEBUG", "-pthread")
_COMPILES_WITHIN_S = 600.0


PROGRAMS: Mapping[str, NativeProgram] = {
    "openvino": NativeProgram(
        source="openvino.cpp",
        package="openvino",
        include=("include",),
        libraries=("libs/libopenvino.so*", "libs/libopenvino.*dylib"),
    ),
    # paddle_inference.hpp has the declarations of this version, whose wheel has none.
    "paddle": NativeProgram(
        source="paddle.cpp",
        package="paddle",
        libraries=("base/libpaddle.so", "libs/libcommon.so"),
        distribution=("paddlepaddle", "3.3.1"),
        links_python=True,
        sdk=Sdk(
            variable="PADDLE_INFERENCE",
            title="Paddle Inference",
            defines="PADDLE_SDK",
            include=("paddle/include",),
            libraries=("paddle/lib/libpaddle_inference.so", "paddle/lib/libcommon.so"),
            searched=("third_party/install/*/lib",),
        ),
    ),
}


def compiler() -> tuple[str, ...]:
    """Return the C++ compiler's words: CXX, or the first of g++ and c++.

    Raises Unavailable where there is none.
    """
    named = tuple(shlex.split(os.environ.get("CXX", "")))
    choices = [named] if named else [(name,) for name in _COMPILERS]
    for words in choices:
        if shutil.which(words[0]) is not None:
            return words
    which = f" '{named[0]}', which CXX names," if named else ""
    raise Unavailable(
        f"there is no C++ compiler{which} on this machine",
        hint="install one, as by `apt install g++`, or name yours in the variable CXX",
    )


def compiled(name: str, interpreter: Interpreter, cache: Path, sources: Path = SOURCES) -> Path:
    """Return the program `name` for the engine that `interpreter` has, compiled where it isn't yet.

    Its file lies in `sources`. Raises Unavailable where there is no compiler, or where it can't
    compile this.
    """
    command, folder = recipe(name, interpreter, cache, sources)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(folder.with_suffix(".lock"), f"program {name}"):
        if not (folder / name).is_file():
            _compile(command, folder / name)
    mark_used(folder)
    return folder / name


def recipe(
    name: str, interpreter: Interpreter, cache: Path, sources: Path
) -> tuple[Sequence[str], Path]:
    """Return the command that compiles the program `name`, and the folder that is its own.

    Raises Unavailable where there is no compiler, no such engine, or no such program.
    """
    if name not in PROGRAMS:
        raise Unavailable(f"this harness has no program {name} in C++", hint="take a later one")
    program, words = PROGRAMS[name], compiler()
    engine = engine_words(program, interpreter)
    outside = [words, _FLAGS, engine, stamps(engine), _version(words), interpreter.digest]
    files = [
        sources / program.source,
        *sources.glob("*.hpp"),
        *(sources.parent / _SHARED).glob("*.hpp"),
    ]
    inside = {path.name: file_sha256(path) for path in sorted(files)}
    folder = cache / "programs" / f"{name}-{canonical_digest([*outside, inside])}"
    return [*words, *_FLAGS, str(sources / program.source), *engine], folder


def _version(words: Sequence[str]) -> str:
    return output_of(*words, "--version", timeout_s=30.0) + platform.machine()


def _compile(command: Sequence[str], program: Path) -> None:
    program.parent.mkdir(exist_ok=True)
    with temporary_beside(program, mode=0o777) as made:
        done = run_program(
            [*command, "-o", str(made)],
            env=command_environment({"LC_ALL": "C"}),
            cwd=program.parent,
            timeout_s=_COMPILES_WITHIN_S,
        )
        if done.returncode != 0:
            raise Unavailable(
                f"the program of this runner could not be compiled: {_cause(done.stderr)}",
                hint="name another C++ compiler in the variable CXX; it takes C++17",
            )
        take_name(made, program)


def _cause(stderr: str) -> str:
    """Return the compiler's first error, without this machine's paths."""
    lines = [line for line in stderr.splitlines() if "error" in line] or stderr.splitlines()
    return lines[0].rpartition("/")[2] if lines else "the compiler said nothing"
