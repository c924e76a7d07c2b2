"""What a child leaves as its reply, and what is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.protocol import write_json
from bench.experiments.session import outcome_of
from bench.launcher import client
from bench.launcher.process import (
    ChildFailed,
    judge,
)
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import JournalEntry
from bench.storage.store import Store
from tests.fakes.values import CELL, SYSTEM, manifest


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(Store(tmp_path / "results"), manifest(), SYSTEM)


@pytest.mark.parametrize(
    "reply",
    [
        "", "[]", "3", "{}", '{"ok": 3}', '{"ok": null}', '{"ok": {"half', "\xff\xfe",
        '{"error": "text"}', '{"error": {"kind": "error"}}', '{"fine": {}}',
        '{"error": {"kind": "k", "message": "m", "hint": "h", "more": 1}}',
        '{"ok": 3, "error": {"kind": "k", "message": "m", "hint": "h"}}',
        "[" * 100_000, '{"ok": {"ns": 9223372036854775808}}', '{"ok": {"ns": 1e999}}',
        '{"ok": {"ns": ' + "1" * 5000 + "}}",
        '{"error": {"kind": null, "message": "m", "hint": "h"}}',
        '{"error": {"kind": "k", "message": ["m"], "hint": "h"}}',
        '{"error": null}', '{"ok": {"ns": NaN}}', '{"ok": {"ns": ' + "[" * 40 + "]" * 40 + "}}",
    ],
)  # fmt: skip
def test_anything_else_than_a_reply_is_a_garbage_reply(reply: str, tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_bytes(reply.encode("latin-1"))
    result = judge(tmp_path, 0, pid=7, wall_ns=1, timeout_s=1.0)
    assert isinstance(result, ChildFailed)
    assert result.kind == "garbage-reply"


def test_an_error_whose_text_is_no_utf_8_is_stored_and_read_again(
    tmp_path: Path, run: RunFolder
) -> None:
    error = {"kind": "error", "message": "can't open a\udcff", "hint": "\ud800"}
    write_json(tmp_path / "reply.json", {"error": error})
    result = judge(tmp_path, 1, pid=7, wall_ns=1, timeout_s=1.0)
    assert isinstance(result, ChildFailed)
    failed = outcome_of(result, str)
    run.append(JournalEntry.model_validate({"cell_id": CELL.id, "failed": failed}))
    (entry,) = run.journal()
    assert entry.failed is not None
    assert (entry.failed.message, entry.failed.hint) == ("can't open a\ufffd", "\ufffd")


def test_an_answer_without_an_end_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MOST_ANSWER_BYTES", 1000)
    code = "import os; [os.write(1, b'x' * 100) for _ in range(100)]; input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = client.Child(process=process, folder=tmp_path, replies=process.stdout.fileno())
        with pytest.raises(client.WorkerFailed) as raised:
            child.hear(60.0)
        process.kill()
    assert raised.value.failure.kind == "garbage-reply"


def test_a_reply_that_is_no_file_of_its_own_is_garbage_and_never_waited_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "whole.json").write_text('{"ok": {}}')
    makers: list[Callable[[Path], object]] = [
        Path.mkdir, os.mkfifo, lambda path: path.symlink_to(tmp_path / "whole.json"),
        lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("nowhere"),
    ]  # fmt: skip
    for number, make in enumerate(makers):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("reply.json", "stdout.log", "stderr.log", "guard.txt"):
            make(folder / name)
        result = judge(folder, 0, pid=7, wall_ns=1, timeout_s=1.0)
        assert isinstance(result, ChildFailed)
        assert (result.kind, result.log_tail) == ("garbage-reply", "")


def test_an_endless_message_is_cut(tmp_path: Path) -> None:
    error = {"kind": "error", "message": "m" * 20_000_000, "hint": "h"}
    write_json(tmp_path / "reply.json", {"error": error})
    result = judge(tmp_path, 1, pid=7, wall_ns=1, timeout_s=1.0)
    assert isinstance(result, ChildFailed)
    assert len(result.message) == 2000
