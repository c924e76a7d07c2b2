from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import BrokenResult
from bench.storage.directory import RunFolder
from bench.storage.schema.latency import JournalEntry
from tests.fakes.values import cell, entry, failure


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
