"""Of a child's log the end is kept, and in it the engine's last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.launcher.process import (
    log_tail,
)
from tests.unit.launcher.test_process import do


def test_of_a_long_log_the_last_lines_are_kept_errors_last() -> None:
    out = "".join(f"out {number}\n" for number in range(30))
    result = do("prints", out=out, err="err 1\nerr 2\n")
    assert result.log_tail.splitlines() == [*(f"out {n}" for n in range(2, 30)), "err 1", "err 2"]


def test_of_one_endless_line_only_the_end_is_kept() -> None:
    result = do("prints", out="", err="é" * 10_000 + "\nthe end")
    assert result.log_tail.endswith("ééé\nthe end")
    assert len(result.log_tail.encode()) <= 4100


def test_both_logs_together_are_no_longer_than_one() -> None:
    result = do("prints", out="o" * 10_000, err="e" * 10_000)
    assert len(result.log_tail.encode()) <= 4000
    assert result.log_tail.endswith("e")


@pytest.mark.parametrize(
    ("err", "words"),
    [
        ("warning\nCUDA error 700 in k.cu:12\n\n", "CUDA error 700 in k.cu:12: "),
        ("CUDA error 700\n}\n----\n", "CUDA error 700: "),
        ("", ""),
        ("x" * 500, "…" + "x" * 200 + ": "),
    ],
)
def test_an_engines_last_words_come_before_ours(err: str, words: str) -> None:
    result = do("prints", out="chatter", err=err)
    assert result.message == f"{words}the child left with status 3 and no reply"


def test_bytes_that_are_no_text_do_not_hide_the_rest_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_bytes(b"\xff\xfe\n")
    (tmp_path / "stderr.log").write_bytes("é".encode() * 2001 + b" the end")
    assert log_tail(tmp_path).endswith("é the end")
