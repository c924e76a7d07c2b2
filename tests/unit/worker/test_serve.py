from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import ArtifactError, BenchError, InputError, Unavailable
from bench.worker.outputs import WrongOutput
from bench.worker.serve import Handler, Reply, load, serve

Answer = Callable[[], Any]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    (tmp_path / "request.json").write_text('{"question": 1}')
    return lambda: json.loads((tmp_path / "reply.json").read_text())


def raising(error: Exception) -> Handler:
    def handler(request: Mapping[str, Any], reply: Reply) -> None:
        raise error

    return handler


def test_the_reply_is_written_before_the_handler_tears_down(tmp_path: Path, answer: Answer) -> None:
    seen: list[Any] = []

    def handler(request: Mapping[str, Any], reply: Reply) -> None:
        try:
            reply({"asked": request["question"]})
        finally:
            seen.append(answer())

    serve(handler, [str(tmp_path)])

    assert seen == [{"ok": {"asked": 1}}]
    assert answer() == seen[0]


def test_an_exception_after_the_reply_does_not_overwrite_it(
    tmp_path: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(request: Mapping[str, Any], reply: Reply) -> None:
        reply({"figure": 3})
        raise RuntimeError("while tearing down")

    with pytest.raises(SystemExit) as left:
        serve(handler, [str(tmp_path)])

    assert left.value.code == 1
    assert answer() == {"ok": {"figure": 3}}
    assert "RuntimeError: while tearing down" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (Unavailable("no such unit", hint="h"), "unavailable", "no such unit"),
        (ArtifactError("no such file", hint="h"), "conversion", "no such file"),
        (WrongOutput("far away", hint="h"), "wrong-output", "far away"),
        (InputError("odd", hint="h"), "error", "odd"),
        (BenchError("odd", hint="h"), "error", "odd"),
    ],
)
def test_what_the_harness_raises_keeps_its_kind_its_words_and_its_hint(
    error: Exception, kind: str, message: str, tmp_path: Path, answer: Answer
) -> None:
    with pytest.raises(SystemExit):
        serve(raising(error), [str(tmp_path)])
    assert answer() == {"error": {"kind": kind, "message": message, "hint": "h"}}


def test_the_log_has_no_traceback_of_what_the_reply_tells_but_that_of_its_cause(
    tmp_path: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    told = BenchError("the engine refused", hint="h")
    with pytest.raises(SystemExit):
        serve(raising(told), [str(tmp_path)])
    assert not capsys.readouterr().err
    (tmp_path / "reply.json").unlink()
    told.__cause__ = RuntimeError("the engine's own words")
    with pytest.raises(SystemExit):
        serve(raising(told), [str(tmp_path)])
    assert capsys.readouterr().err.splitlines()[-1] == "RuntimeError: the engine's own words"


def test_any_other_exception_is_told_with_its_type_and_leaves_with_status_1(
    tmp_path: Path, answer: Answer
) -> None:
    with pytest.raises(SystemExit) as left:
        serve(raising(KeyError("conv1")), [str(tmp_path)])
    assert left.value.code == 1
    assert answer()["error"]["kind"] == "error"
    assert answer()["error"]["message"] == "KeyError: 'conv1'"


def test_a_reply_that_is_no_json_becomes_an_error_reply(tmp_path: Path, answer: Answer) -> None:
    with pytest.raises(SystemExit):
        serve(lambda _, reply: reply({"figure": float("nan")}), [str(tmp_path)])
    assert list(answer()) == ["error"]
    assert answer()["error"]["message"].startswith("ValueError")


def test_a_handler_that_never_replies_leaves_no_reply(tmp_path: Path, answer: Answer) -> None:
    serve(lambda request, reply: None, [str(tmp_path)])
    assert not (tmp_path / "reply.json").exists()


@pytest.mark.parametrize("argv", [[], ["one", "two"]])
def test_a_person_who_starts_a_worker_by_hand_is_told_its_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"usage: python -m bench\.worker DIR"):
        serve(raising(AssertionError("must not be called")), argv)


def test_load_returns_the_object_that_a_spec_names() -> None:
    assert load("bench.worker.serve:serve") is serve
    with pytest.raises(AttributeError, match="nowhere"):
        load("bench.worker.serve:nowhere")
