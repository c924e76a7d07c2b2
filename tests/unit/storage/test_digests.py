"""A stored file and a journal's line show that they were changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import BrokenResult
from bench.storage.digests import Altered, checked, checked_line, line_with_digest, with_digest
from bench.storage.run_folders import RunFolder
from tests.fakes.values import entry, manifest, record

TEXT = b'{\n "a": 1,\n "b": [1, 2]\n}\n'


def test_a_digest_comes_off_as_it_went_on() -> None:
    sealed = with_digest(TEXT)
    text, digest = checked(sealed)
    assert (text, len(digest or "")) == (TEXT, 64)
    assert checked(TEXT) == (TEXT, None)
    line = b'{"a":1}'
    assert checked_line(line_with_digest(line)) == checked_line(line) == line


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_noticed(bit: int, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_manifest(manifest())
    made = record()
    run.write_record(made)
    (path,) = (tmp_path / "cells").iterdir()
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        path.write_bytes(bytes(flipped))
        with pytest.raises(BrokenResult):
            list(run.records())
    path.write_bytes(whole)
    assert list(run.records()) == [made]


def test_a_line_of_the_journal_that_was_changed_is_named(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_manifest(manifest())
    run.append(entry())
    run.append(entry(order=1))
    text = run.journal_path.read_bytes()
    run.journal_path.write_bytes(text.replace(b'"order":1', b'"order":2'))
    with pytest.raises(BrokenResult, match="line 2: it was changed after it was written"):
        run.journal()


def test_another_s_digest_is_refused() -> None:
    with pytest.raises(Altered):
        checked(with_digest(TEXT).replace(b'"a": 1', b'"a": 2'))
