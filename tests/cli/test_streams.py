"""Every verb's data go to stdout and its talk to stderr, without a colour in a pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.commands import VERBS
from bench.cli.main import main
from bench.core.output import wrapped
from tests.cli.terminal import on_terminal
from tests.fakes import tables as fakes
from tests.fakes.records import operator, profile, profiled, put, record, stored

FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"

FROM_STORE: dict[str, tuple[list[str], set[int]]] = {
    "report": ([], {0}),
    "export": (["--to", "csv", "OUT"], {0}),
    "show": ([], {0}),
    "profile": ([], {0}),
    "plan": (["--suite", str(Path(fakes.__file__).parent / "suite.toml")], {0}),
    "models": ([], {0}),
    "audit": ([], {0, 1}),
    "verify": ([], {0, 1}),
    "compare": ([FIRST, SECOND], {0, 1, 3}),
    "baseline": (["show"], {0}),
    "recommend": (["--system", "amd-epyc-2c-0123abcd"], {0, 1}),
    "history": (["x0_25-paddle-fp32-b1-t1"], {0}),
    "cache": (["list"], {0}),
}
MEASURE = {"run", "doctor", "selftest", "ab", "bisect", "sign", "accuracy", "predict"}
MEASURE |= {"fleet", "serve", "load"}
"""These measure, ask the machine, go on or need a key; their own tests hold where they write."""

CONFUSING = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    cells = record(), record("x0_5", batch=4)
    profiles = [profile(it, profiled(operator("conv", "Conv", 80))) for it in cells]
    for run_id in (FIRST, SECOND):
        put(stored(*cells, run_id=run_id, profiles=profiles), folder)
    return folder


def argv(verb: str, results: Path) -> list[str]:
    words = [str(results.parent / "out.csv") if it == "OUT" else it for it in FROM_STORE[verb][0]]
    where = ["--results", str(results), "--models", str(fakes.MODELS)]
    cache = ["--cache", str(results.parent / "cache")] if verb in ("verify", "cache") else []
    return [verb, *words, *where, *cache]


def test_each_verb_is_tried_or_has_a_reason() -> None:
    assert FROM_STORE.keys() | MEASURE == VERBS.keys()
    assert not FROM_STORE.keys() & MEASURE


@pytest.mark.parametrize("verb", FROM_STORE)
def test_stdout_is_json_alone_where_that_is_asked_for(
    verb: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([*argv(verb, results), "--json"], fakes.tables())
    out, err = capsys.readouterr()
    assert status in FROM_STORE[verb][1], err
    json.loads(out)


@pytest.mark.parametrize("verb", FROM_STORE)
def test_a_pipe_gets_text_without_a_colour_and_stderr_stays_empty(
    verb: str, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CONFUSING.items():
        monkeypatch.setenv(name, value)
    assert main(argv(verb, results), fakes.tables()) in FROM_STORE[verb][1]
    out, err = capsys.readouterr()
    assert out
    assert "\x1b" not in out
    assert "\ufffd" not in out  # what stands for a sequence that came through
    assert err == ""


@pytest.mark.parametrize("verb", FROM_STORE)
def test_what_can_not_be_read_is_said_on_stderr_and_stdout_has_the_rest(
    verb: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv(verb, results), "--no-such-flag"], fakes.tables()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}])
def test_on_a_terminal_there_is_no_colour_to_leave_out_and_a_table_keeps_to_its_columns(
    env: dict[str, str], results: Path
) -> None:
    written = on_terminal("bench", *argv("show", results), columns=60, env=env)
    assert "\x1b" not in written
    assert max(map(len, written.splitlines())) <= 60


def test_prose_is_wrapped_at_words_and_a_command_is_kept_whole() -> None:
    command = "`python -m bench run --resume latest`"
    text = f"  the run was interrupted, and what was measured is kept: go on with {command} now"
    assert wrapped(text, None) == [text]
    lines = wrapped(text, 40)
    assert max(map(len, lines)) <= 41
    assert [line for line in lines if command in line] == [f"    {command}"]
    assert [line.strip() for line in lines] != lines
    assert " ".join(line.strip() for line in lines) == text.strip()
