"""Interpreters by name: made by uv from a locked file in bench/envs/, or the user's own.

    paddle    any Python that the harness itself runs on
    lite      Python 3.10: Paddle Lite's wheels exist for no later one
    lite-x86  Python 3.7: the Paddle Lite that runs on x86 exists for no other; Linux on x86-64
    onnx      Python 3.10 to 3.12: Paddle2ONNX's wheels exist for no later one
    engines   ONNX Runtime, OpenVINO, ncnn and MNN, and their converters
    torch     the user's own: PyTorch comes in builds for each processor, from its own index
    gpu       Python 3.11 to 3.13: ONNX Runtime for CUDA 13; Linux on x86-64
    gpu-volta Python 3.10: TensorRT 8.5.3 exists for no later one; Linux on x86-64
    harness   the interpreter that runs this; no engine in it

A built environment lies in the cache under its name and a digest of lock, Python and platform, and
counts once its `complete.json` is there.
"""

from __future__ import annotations

import fnmatch
import json
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bench.core.atomic import mark_used
from bench.core.digest import canonical_digest
from bench.core.errors import Unavailable, UnknownName
from bench.core.locks import waited_for
from bench.core.paths import PACKAGE, import_root
from bench.core.protocol import ENGINE_PROGRAM, ENGINE_PYTHON, write_json
from bench.environments import inspection, native_programs
from bench.environments.inspection import Interpreter, printed_json
from bench.environments.overrides import Pin, pinned
from bench.environments.specs import ENVIRONMENTS, EnvSpec
from bench.environments.uv_tool import base_python, run_uv, uv_program

LOCKS = PACKAGE / "envs"
_COMPLETE = "complete.json"
_PACKAGE_FILES = Path(__file__).with_name("package_files.py")


@dataclass(slots=True)
class Environments:
    """Finds or builds interpreters. `given` are the user's own, by name.

    `specs` lie in the folder `locks`; `pins` take the place of what those hold of their packages.
    Programs in C++ lie in `sources`.
    `passed` are the variables of --pass-env, for every child of theirs.
    """

    cache: Path
    given: Mapping[str, Path] = field(default_factory=dict)
    locks: Path = field(default_factory=lambda: LOCKS)
    specs: Mapping[str, EnvSpec] = field(default_factory=lambda: ENVIRONMENTS)
    pins: Sequence[Pin] = ()
    passed: Mapping[str, str] = field(default_factory=dict)
    sources: Path = native_programs.SOURCES
    _known: dict[str, Interpreter] = field(default_factory=dict)
    _programs: dict[tuple[str, str], Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.given:
            if name not in self.specs:
                raise UnknownName("environment", name, self.specs)

    def get(self, name: str) -> Interpreter:
        """Return the interpreter, building its environment where there is none.

        Raises Unavailable where it can't be had here.
        """
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def program(self, name: str, env: str) -> Path:
        """Return the C++ program `name` for the engine in `env`, compiled where it isn't yet.

        Raises Unavailable where it can't be.
        """
        key = (name, env)
        if key not in self._programs:
            self._programs[key] = native_programs.compiled(
                name, self.get(env), self.cache, self.sources
            )
        return self._programs[key]

    def program_folder(self, name: str, env: str) -> Path | None:
        """Return where that program lies or would lie, None where it can't be known."""
        if not self.is_built(env):
            return None
        try:
            return self._recipe(name, env)[1]
        except Unavailable:
            return None

    def program_problem(self, name: str, env: str) -> Unavailable | None:
        """Return why that program can't be had, as far as is known before `env` is built."""
        try:
            if self.is_built(env):
                self._recipe(name, env)
            else:
                native_programs.compiler()
        except Unavailable as error:
            return error
        return None

    def _recipe(self, name: str, env: str) -> tuple[Sequence[str], Path]:
        return native_programs.recipe(name, self.get(env), self.cache, self.sources)

    def problem(self, name: str) -> Unavailable | None:
        """Return why `name` can't be had, without building anything."""
        try:
            if name in self.given:
                given(name, self.given[name])
            elif name != "harness" and not self.is_built(name):
                self.lock(name)
                base_python(self.specs[name])
        except Unavailable as error:
            return error
        return None

    def is_built(self, name: str) -> bool:
        """Tell whether `get` needs to install nothing."""
        if name in self.given or name == "harness":
            return True
        try:
            return is_complete(self._folder(name))
        except Unavailable:
            return False

    def _find(self, name: str) -> Interpreter:
        if name == "harness":
            return inspection.describe(name, Path(sys.executable))
        if name in self.given:
            return given(name, self.given[name])
        return self._built(name)

    def _built(self, name: str) -> Interpreter:
        folder = self._folder(name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with waited_for(folder.with_suffix(".lock"), f"environment {name}"):
            if not is_complete(folder):
                shutil.rmtree(folder, ignore_errors=True)
                build(name, self.specs[name], folder, locks=self.locks, pins=self.pins)
            known = _packages_of(folder)
        mark_used(folder)
        if known is None:
            raise Unavailable(
                f"environment '{name}' was removed from the cache while it was made",
                hint="run again",
            )
        packages, digest = known
        return Interpreter(name=name, python=_python_in(folder), packages=packages, digest=digest)

    def lock(self, name: str) -> str:
        """Return what `name` is made of, the pins in it; raises Unavailable for a user's own."""
        file = self.specs[name].lock
        if not file:
            raise Unavailable(
                f"environment '{name}' is an interpreter of your own: the harness builds none",
                hint=f"give a Python that has {self.specs[name].needs[0]}: --env {name}=PATH",
            )
        lock = (self.locks / file).read_text(encoding="utf-8")
        return pinned(lock, self.pins) if self.pins else lock

    def folders(self) -> dict[str, Path | None]:
        """Return where each environment lies or would lie, None where its Python isn't here."""
        found: dict[str, Path | None] = {}
        for name in self.specs:
            try:
                found[name] = self._folder(name)
            except Unavailable:
                found[name] = None
        return found

    def _folder(self, name: str) -> Path:
        spec = self.specs[name]
        lock = self.lock(name)
        key = canonical_digest([lock, str(base_python(spec)), platform.machine()])
        return self.cache / "envs" / f"{name}-{key}"


def is_complete(folder: Path) -> bool:
    """Tell whether an environment was built to its end and the Python below it is still there."""
    return _packages_of(folder) is not None and _python_in(folder).exists()


def given(name: str, python: Path) -> Interpreter:
    """Return an interpreter of the user's own; raises Unavailable where it lacks what it needs.

    Its packages may be edited in place: its digest takes their files too.
    """
    interpreter, needs = inspection.describe(name, python), ENVIRONMENTS[name].needs
    if needs and not has_any(interpreter.packages, needs):
        raise Unavailable(
            f"the interpreter for environment '{name}', {python}, has no {needs[0]}",
            hint=f"install it there, or leave --env {name} out to have one built",
        )
    files = printed_json(name, python, str(_PACKAGE_FILES), str(import_root()))
    return replace(interpreter, digest=canonical_digest([interpreter.digest, files]))


def has_any(packages: Iterable[str], needs: Iterable[str]) -> bool:
    """Tell whether one of `needs`, `*` as in a shell, is among the names of `packages`."""
    names = {name.replace("_", "-") for name in packages}
    return any(fnmatch.filter(names, need) for need in needs)


def build(
    name: str,
    spec: EnvSpec,
    folder: Path,
    *,
    locks: Path = LOCKS,
    pins: Sequence[Pin] = (),
) -> None:
    """Make the environment in `folder` and mark it complete.

    Raises Unavailable with uv's last line.
    """
    uv = uv_program()
    run_uv([uv, "venv", "--quiet", "--python", str(base_python(spec)), str(folder)], name)
    lock, hashes = locks / spec.lock, ["--require-hashes"]
    left_out = lock.with_suffix(".excludes")
    if pins:  # the lock knows no hash of them; those that it knows are verified all the same
        text = pinned(lock.read_text(encoding="utf-8"), pins)
        lock, hashes = folder / "pinned.txt", []
        lock.write_text(text, encoding="utf-8")
    # Compiled once here, or each session would compile the engine's thousands of modules anew.
    install = [uv, "pip", "install", "--quiet", *hashes, "--compile-bytecode"]
    install += ["--excludes", str(left_out)] if left_out.exists() else []
    run_uv([*install, "--python", str(_python_in(folder)), "-r", str(lock)], name)
    interpreter = inspection.describe(name, _python_in(folder))
    write_json(folder / _COMPLETE, {"packages": interpreter.packages, "digest": interpreter.digest})


def _python_in(folder: Path) -> Path:
    return folder / "bin" / "python"


def _packages_of(folder: Path) -> tuple[dict[str, str], str] | None:
    """Return the packages of a built environment and their digest; None where it isn't built."""
    try:
        made = json.loads((folder / _COMPLETE).read_text(encoding="utf-8"))
        return {str(name): str(it) for name, it in made["packages"].items()}, str(made["digest"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


class Entry(Protocol):
    """A runner or an artifact format: `env` has the engine, `worker_env` its worker (None: too).

    `program` names the C++ program that drives the engine, if one does.
    """

    @property
    def env(self) -> str: ...

    @property
    def child_env(self) -> Mapping[str, str]: ...

    @property
    def worker_env(self) -> str | None: ...

    @property
    def program(self) -> str | None: ...


def worker_of(
    entry: Entry, environments: Environments, *, threads: int = 1
) -> tuple[Path, dict[str, str]]:
    """Return the interpreter of `entry`'s children and the variables that they need.

    Raises Unavailable where one of the interpreters or the program can't be had.
    """
    engine = environments.get(entry.env).python
    variables = {"OMP_NUM_THREADS": str(threads), **dict(entry.child_env), **environments.passed}
    if entry.program is not None:
        variables[ENGINE_PROGRAM] = str(environments.program(entry.program, entry.env))
    if entry.worker_env is None:
        return engine, variables
    worker = environments.get(entry.worker_env).python
    return worker, {**variables, ENGINE_PYTHON: str(engine)}
