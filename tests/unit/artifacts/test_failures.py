"""What a converter that failed is told as. The logs are the tools' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.failures import conversion_error, own_words
from bench.core.errors import ArtifactError
from bench.launcher.process import ChildFailed

LITE_ATTRIBUTE = """\
[F 11/29 10:40:43.188 ...e-Lite/lite/core/model/general/op_desc.h:118 GetAttr] Check failed: \
it != attrs().end(): No attributes called threshold found for relu6
"""
LITE_OPERATOR = """\

Error: This model is not supported, because 1 ops are not supported on 'arm'. \
These unsupported ops are: 'selu'."""
PADDLE2ONNX = """\
[Paddle2ONNX] Start parsing the Paddle model file...
FatalError: `Process abort signal` is detected by the operating system.
  [TimeInfo: *** Aborted at 1795950225 (unix time) try "date -d @1795950225" ***]
I1129 11:03:45.082333  7414 program_interpreter.cc:257] New Executor is Running.
\x1b[0;31m[ERROR][Paddle2ONNX] Due to the unsupported operators, the conversion is aborted.\x1b[0m
Traceback (most recent call last):
"""
PADDLE2ONNX_LIST = """\
[Paddle2ONNX] Oops, there are some operators not supported yet, including celu,
[ERROR][Paddle2ONNX] Due to the unsupported operators, the conversion is aborted.
"""
NCNN = """\
memory OPS = 704
layer Selu not exists or registered
Traceback (most recent call last):
  File "ncnn_pnnx.py", line 33, in convert
"""
UNCAUGHT = """\
terminate called after throwing an instance of 'std::out_of_range'
  what():  map::at
"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            LITE_ATTRIBUTE,
            "Check failed: it != attrs().end(): No attributes called threshold found for relu6",
        ),
        (
            LITE_OPERATOR,
            (
                "This model is not supported, because 1 ops are not supported on 'arm'. "
                "These unsupported ops are: 'selu'."
            ),
        ),
        (PADDLE2ONNX, "Due to the unsupported operators, the conversion is aborted."),
        (
            PADDLE2ONNX_LIST,
            "Oops, there are some operators not supported yet, including celu,",
        ),
        (NCNN, "layer Selu not exists or registered"),
        (UNCAUGHT, "map::at"),
        ("all is well\n", ""),
        ("", ""),
    ],
)
def test_a_tools_own_words_are_found_in_its_log(log: str, words: str) -> None:
    assert own_words(log) == words


def failed(log: str = "", **changes: Any) -> ChildFailed:
    plain = {"kind": "abort", "message": "the child died of SIGABRT", "hint": "see log_tail"}
    return ChildFailed(**{**plain, **changes}, log_tail=log)


def test_the_tools_words_come_first_then_how_it_ended_what_helps_and_the_kept_log(
    tmp_path: Path,
) -> None:
    log = tmp_path / "logs" / "net-nb.log"
    error = conversion_error("nb", failed(LITE_OPERATOR), log)
    assert isinstance(error, ArtifactError)
    assert error.problem.startswith("nb: This model is not supported")
    assert error.problem.endswith("(the child died of SIGABRT)")
    helps = "build the net without it, or leave out what needs this format"
    assert error.hint == f"{helps}; its log is logs/{log.name} in the cache"
    assert log.read_text() == LITE_OPERATOR == error.log_tail


@pytest.mark.parametrize(
    ("result", "helps"),
    [
        (failed(LITE_ATTRIBUTE), "bench/converters/op_defaults.py"),
        (failed("no known words"), "mend the net"),
        (
            failed("x", kind="error", message="Gather: indices element out of data bounds, idx=9"),
            "--input NAME=SHAPE:TYPE:LOW..HIGH",
        ),
        (
            failed("x", kind="error", message="lookup_table_v2 expected >= 0 and < 9, but got 9"),
            "--input NAME=SHAPE:TYPE:LOW..HIGH",
        ),
        (failed("slow", kind="timeout"), "too large for this converter"),
        (failed("x", kind="conversion", message="it is no file", hint="export it"), "export it"),
        (
            failed("x", kind="conversion", message="roll(): must be Value, but got Variable"),
            "as PIR only",
        ),
    ],
)
def test_the_hint_is_what_helps_and_names_no_file_that_there_is_not(
    result: ChildFailed, helps: str, tmp_path: Path
) -> None:
    hint = conversion_error("nb", result, tmp_path / "a.log").hint
    assert helps in hint
    assert "cell's file" not in hint


def test_what_a_converter_says_itself_is_not_said_twice(tmp_path: Path) -> None:
    result = failed(UNCAUGHT, kind="conversion", message="opt says map::at", hint="mend it")
    assert conversion_error("nb", result, tmp_path / "a.log").problem == "nb: opt says map::at"


def test_no_log_is_named_that_is_empty_or_can_not_be_kept(tmp_path: Path) -> None:
    assert "its log" not in conversion_error("nb", failed(), tmp_path / "a.log").hint
    (tmp_path / "file").write_text("")
    assert "its log" not in conversion_error("nb", failed("x"), tmp_path / "file" / "a.log").hint
