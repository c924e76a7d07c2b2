from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import BrokenResult
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import JournalEntry
from tests.fakes.values import cell, entry, failure, record, session


def test_the_journal_keeps_entries_in_their_order(run: RunFolder) -> None:
    entries = [entry(order=3), failure(), entry(cell(batch=4), order=1, facts={"a": "é\u2028\n"})]
    for it in entries:
        run.append(it)
    assert run.journal() == entries


def test_a_run_without_a_journal_has_an_empty_one(run: RunFolder) -> None:
    assert run.journal() == []
    run.drop_journal()
    assert run.journal() == []


@given(length=st.integers(0, 10**6))
def test_a_journal_torn_anywhere_keeps_its_whole_lines_and_goes_on(
    length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = [entry(order=0), failure(), entry(order=2)]
    run = RunFolder(tmp_path_factory.mktemp("run"))
    for it in entries:
        run.append(it)
    data = run.journal_path.read_bytes()
    length %= len(data) + 1
    run.journal_path.write_bytes(data[:length])

    kept = run.journal()
    assert kept == entries[: data[:length].count(b"\n")]

    run.append(entry(order=9))
    assert run.journal() == [*kept, entry(order=9)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{}", "field 'cell_id' is missing"),
        (b'{"cell_id": "c", "sess', "not whole JSON"),
        (b"", "not whole JSON"),
        (b'{"cell_id": "c", "more": 1}', "unknown field 'more'"),
    ],
)
def test_a_broken_whole_line_is_named_by_its_number_with_the_remedy(
    line: bytes, problem: str, run: RunFolder
) -> None:
    run.append(entry(order=0))
    with run.journal_path.open("ab") as file:
        file.write(line + b"\n")
    run.append(entry(order=1))

    with pytest.raises(BrokenResult) as raised:
        run.journal()

    assert raised.value.path == run.journal_path
    assert f"line 2: {problem}" in raised.value.problem
    assert "delete that line" in raised.value.hint


def test_a_line_of_the_journal_comes_out_as_it_went_in() -> None:
    for it in (entry(), failure()):
        assert JournalEntry.model_validate_json(it.model_dump_json()) == it


def test_a_line_of_a_hundred_megabytes_is_refused_by_its_number(run: RunFolder) -> None:
    run.append(entry(order=0))
    with run.journal_path.open("ab") as file:
        file.truncate(100_000_000)
    with pytest.raises(BrokenResult, match="line 2 has more than 64 MiB"):
        run.journal()
    assert run.journal_path.stat().st_size == 100_000_000


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"cell_id": ' * 100_000, b"1" * 5000])
def test_a_line_that_nests_without_end_is_refused_by_its_number(
    line: bytes, run: RunFolder
) -> None:
    run.journal_path.write_bytes(line + b"\n")
    with pytest.raises(BrokenResult, match="line 1: not whole JSON"):
        run.journal()


def test_a_journal_that_is_a_folder_is_refused(run: RunFolder) -> None:
    run.journal_path.mkdir()
    with pytest.raises(BrokenResult, match="directory"):
        run.journal()


def test_bytes_that_are_no_text_are_written_as_question_marks(run: RunFolder) -> None:
    run.append(entry(order=0, facts={"file": "a\udcff", "\ud800": "b"}))
    (line,) = run.journal()
    assert line.session is not None
    assert line.session.facts == {"file": "a?", "?": "b"}
    odd = record(sessions=[session(facts={"file": "a\udcff"})])
    run.write_record(odd)
    (back,) = run.records()
    assert back.sessions[0].facts == {"file": "a?"}
