"""A program in the engine's interpreter: what it answers, and every way in which it can fail to."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bench.core.errors import BenchError, Unavailable
from bench.core.paths import PROJECT
from bench.core.protocol import ENGINE_PYTHON
from bench.launcher import engine_process
from bench.launcher.engine_process import (
    EngineLost,
    EngineProcess,
    interpreted,
    open_engine_process,
)

MonkeyPatch = pytest.MonkeyPatch
Start = Callable[..., AbstractContextManager[EngineProcess]]

# Each program has `words`, its own, and `say`, which writes a line to the pipe.
_BEGIN = """
import json, os, signal, sys, time
*words, descriptor = sys.argv[1:]
replies = os.fdopen(int(descriptor), "w")
def say(text):
    replies.write(text + "\\n")
    replies.flush()
"""
_READY = 'say(json.dumps({"ready": {"words": words}}))\n'
_ECHO = _READY + "for line in sys.stdin:\n    say(json.dumps({'heard': json.loads(line)}))\n"


@pytest.fixture
def start(tmp_path: Path, monkeypatch: MonkeyPatch) -> Start:
    """Start a program of this text in this interpreter."""
    monkeypatch.setenv(ENGINE_PYTHON, sys.executable)
    monkeypatch.chdir(tmp_path)

    @contextmanager
    def started(code: str, *words: str, timeout_s: float = 60.0) -> Iterator[EngineProcess]:
        program = tmp_path / "program.py"
        program.write_text(_BEGIN + code)
        with open_engine_process(interpreted(program), *words, timeout_s=timeout_s) as process:
            yield process

    return started


def lost(opened: AbstractContextManager[EngineProcess]) -> BenchError:
    with pytest.raises(BenchError) as raised, opened as process:
        process.ask({"go": True}, 60.0)
    return raised.value


def test_a_program_tells_that_it_is_ready_and_answers_each_command(start: Start) -> None:
    with start(_ECHO, "one", "two words") as process:
        assert process.ready == {"words": ["one", "two words"]}
        assert process.pid != os.getpid()
        assert process.ask({"a": 1}, 60.0) == {"heard": {"a": 1}}
        assert process.ask({"b": [2]}, 60.0) == {"heard": {"b": [2]}}


def test_a_program_is_gone_with_its_files_once_it_is_no_longer_needed(start: Start) -> None:
    with start(_ECHO) as process:
        (process.folder / "x.npy").write_text("array")
    assert process.live.process.wait() == 0
    assert process.folder.parent == Path.cwd()
    assert not process.folder.exists()


def test_what_a_program_prints_does_not_garble_its_answers(start: Start) -> None:
    noisy = _ECHO.replace("say(", "print('hello', flush=True) or say(")
    with start(noisy) as process:
        assert process.ask({"a": 1}, 60.0) == {"heard": {"a": 1}}


def test_neither_this_projects_modules_nor_those_beside_a_program_shadow_others(
    start: Start, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "colorsys.py").write_text("raise AssertionError('this file was imported')")
    ready = "say(json.dumps({'ready': {'colorsys': colorsys.__file__}}))\n"
    with start("import colorsys\n" + ready) as process:
        assert not process.ready["colorsys"].startswith(str(tmp_path))


FALLS = "os.kill(os.getpid(), signal.SIGSEGV)\n"
HANGS = "time.sleep(600)\n"


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (FALLS, "crash", "the child died of SIGSEGV"),
        (_READY + "sys.stdin.readline()\n" + FALLS, "crash", "the child died of SIGSEGV"),
        (_READY + FALLS, "crash", "the child died of SIGSEGV"),
        ("os.abort()\n", "abort", "the child died of SIGABRT"),
        ("sys.exit(0)\n", "no-reply", "left no reply"),
        ("raise RuntimeError\n", "no-reply", "left with status 1 and no reply"),
        ("say('no JSON')\n", "garbage-reply", "its answer isn't one"),
        ("say('[1]')\n", "garbage-reply", "its answer isn't one"),
        ("say('{}')\n", "garbage-reply", "it answered {}"),
        (_READY + "sys.stdin.readline()\nsay('nan')\n", "garbage-reply", "its answer isn't one"),
    ],
)
def test_a_program_that_does_not_answer_is_an_error_of_the_kind_of_its_end(
    code: str, kind: str, said: str, start: Start
) -> None:
    error = lost(start(code))
    assert isinstance(error, EngineLost)
    assert (error.kind, error.problem.partition(": ")[0]) == (kind, "the engine's own process")
    assert said in error.problem
    assert error.hint


def test_a_program_that_never_gets_ready_is_ended_at_its_time(start: Start) -> None:
    error = lost(start("say\n" + HANGS, timeout_s=0.3))
    assert isinstance(error, EngineLost)
    assert error.kind == "timeout"
    assert "wasn't done within 0.3 s" in error.problem


def test_a_program_that_hangs_over_a_command_is_ended(start: Start) -> None:
    with pytest.raises(EngineLost, match=r"within 0\.3 s") as raised, start(_READY + HANGS) as told:
        told.ask({"go": True}, 0.3)
    assert raised.value.kind == "timeout"
    assert told.live.process.wait() is not None


def test_a_program_that_does_not_leave_is_ended_and_told_of(
    start: Start, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "_LEAVES_WITHIN_S", 0.3)
    with pytest.raises(EngineLost) as raised, start(_READY + HANGS) as told:
        pass
    assert raised.value.kind == "timeout"
    assert told.live.process.wait() is not None


def test_a_program_that_falls_while_it_leaves_is_told_of(start: Start) -> None:
    with pytest.raises(EngineLost) as raised, start(_ECHO + FALLS) as told:
        told.ask({"a": 1}, 60.0)
    assert raised.value.kind == "crash"


def test_what_goes_wrong_meanwhile_ends_the_program_and_stays_the_error(start: Start) -> None:
    with pytest.raises(ZeroDivisionError), start(_ECHO + FALLS) as told:
        _ = 1 / 0
    assert told.live.process.wait() is not None


def test_what_a_program_printed_last_is_the_end_of_the_errors_text(start: Start) -> None:
    words = "print('on its way', flush=True)\nsys.stderr.write('last words\\n')\n"
    error = lost(start(words + "sys.stderr.flush()\n" + FALLS))
    assert str(error).endswith("\non its way\nlast words")
    assert error.problem == "the engine's own process: last words: the child died of SIGSEGV"


def test_an_engine_that_is_not_there_is_unavailable(start: Start) -> None:
    for remedy, hint in (("", "leave --env out"), (', "hint": "use fp32"', "use fp32")):
        error = lost(start(f"""say('{{"unavailable": "no engine here"{remedy}}}')"""))
        assert isinstance(error, Unavailable)
        assert error.problem == "no engine here"
        assert error.hint.startswith(hint)


def test_an_interpreter_that_is_not_there_or_was_not_told_is_unavailable(
    start: Start, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE_PYTHON, str(tmp_path / "no-python"))
    error = lost(start(_ECHO))
    assert isinstance(error, Unavailable)
    assert "no-python can't be started: No such file" in error.problem
    monkeypatch.delenv(ENGINE_PYTHON)
    assert isinstance(lost(start(_ECHO)), Unavailable)


PROGRAMS = sorted((PROJECT / "bench").rglob("*_child.py"))
ALLOWED = {*sys.stdlib_module_names, "numpy", "paddlelite"} - {"graphlib", "tomllib", "zoneinfo"}


def test_there_are_two_programs_for_an_older_python() -> None:
    assert [path.name for path in PROGRAMS] == [
        "lite_opt_x86_child.py", "x86_child.py",
    ]  # fmt: skip


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.stem))
def test_a_program_for_python_3_7_is_in_its_syntax_and_imports_nothing_of_the_harness(
    path: Path,
) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert names <= ALLOWED
    assert "__future__" in names, "its annotations are of a later Python"
