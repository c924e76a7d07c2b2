from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis.freshness import (
    CellCheck,
    Difference,
    Doubt,
    FileCheck,
    Stale,
    Unchecked,
    compare_artifact,
    compare_files,
    compare_model,
    compare_packages,
    first_difference,
    judge,
)
from bench.config.catalog import Weights
from bench.storage.schema.common import CellFields
from tests.fakes.values import cell, model

A, B, C = Path("r/a.md"), Path("r/b.csv"), Path("r/top1-c.png")
MEASURED = CellFields(**cell(model_hash="then").to_json())


def test_a_file_is_the_same_differs_is_missing_or_stray() -> None:
    derived = {B: b"x,y\n1,2\n", A: b"page\n"}
    found = {B: b"x,y\n1,3\n", C: b"\x89PNG"}
    assert compare_files(derived, found) == [
        FileCheck(
            file=B,
            state="differs",
            difference=Difference(line=2, found="1,3", derived="1,2"),
        ),
        FileCheck(file=A, state="missing"),
        FileCheck(file=C, state="stray"),
    ]
    assert compare_files({A: b"page\n"}, {A: b"page\n"}) == [FileCheck(file=A, state="same")]


@pytest.mark.parametrize(
    ("found", "derived", "line", "texts"),
    [
        (b"a\nb", b"a\nc", 2, ("b", "c")),
        (b"a\nb\n", b"a\n", 2, ("b", "")),
        (b"a", b"a\nb", 2, (None, "b")),
        (b"a\nb", b"a", 2, ("b", None)),
        (b"a\r\nb\n", b"a\nb\n", 1, ("a\r", "a")),
        (b"", b"a", 1, ("", "a")),
    ],
)
def test_the_first_line_that_differs_is_found_whatever_ends_it(
    found: bytes, derived: bytes, line: int, texts: tuple[str | None, str | None]
) -> None:
    at = Difference(line=line, found=texts[0], derived=texts[1])
    assert first_difference(found, derived) == at


def test_a_long_line_is_shortened_to_where_it_differs() -> None:
    head, tail = "h" * 200, "t" * 200
    at = first_difference(f"{head}1{tail}".encode(), f"{head}2{tail}".encode())
    assert at == Difference(
        line=1, found=f"…{'h' * 20}1{'t' * 39}…", derived=f"…{'h' * 20}2{'t' * 39}…"
    )


def test_a_long_line_that_differs_at_its_end_ends_without_a_mark() -> None:
    at = first_difference(b"x" * 100 + b"1", b"x" * 100)
    assert at == Difference(line=1, found="…" + "x" * 20 + "1", derived="…" + "x" * 20)


@pytest.mark.parametrize(("found", "derived"), [(b"\xff", b"text"), (b"text", b"\xff")])
def test_files_that_are_no_text_differ_without_a_line(found: bytes, derived: bytes) -> None:
    assert first_difference(found, derived) is None


@pytest.mark.parametrize(
    ("doubts", "state", "reasons"),
    [
        ([], "current", ()),
        ([Unchecked("no cache")], "unchecked", ("no cache",)),
        ([Unchecked("no cache"), Stale("net"), Stale("numpy")], "stale", ("net", "numpy")),
    ],
)
def test_one_contradiction_makes_a_cell_stale_and_only_a_cell_without_doubts_is_current(
    doubts: list[Doubt], state: str, reasons: tuple[str, ...]
) -> None:
    check = judge("id", doubts)
    assert (check.cell_id, check.state, check.reasons) == ("id", state, reasons)
    assert isinstance(check, CellCheck)


def test_the_same_net_leaves_no_doubt() -> None:
    assert compare_model(MEASURED, "seeded", model(hash="then")) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("seeded", "seeded"),
        ("file", "file"),
        ("seeded", "exported"),
        ("exported", "seeded"),
        (None, "seeded"),
    ],
)
def test_another_hash_is_another_net(then: str | None, now: str) -> None:
    (doubt,) = compare_model(MEASURED, then, model(hash="now", weights=Weights(kind=now)))
    assert isinstance(doubt, Stale)
    assert "model hash then then, now now" in doubt.reason


@pytest.mark.parametrize(
    ("then", "now", "remedy"),
    [
        ("pretrained", "seeded", "give pretrained with --weights"),
        ("file", "seeded", "give the file with --weights"),
        ("file 6b86b273", "seeded", "give the file with --weights"),
        ("seeded", "file", "give seeded with --weights"),
    ],
)
def test_hashes_over_weights_of_two_kinds_contradict_nothing(
    then: str, now: str, remedy: str
) -> None:
    (doubt,) = compare_model(MEASURED, then, model(hash="now", weights=Weights(kind=now)))
    assert isinstance(doubt, Unchecked)
    assert doubt.reason.endswith(remedy)


@pytest.mark.parametrize("doubt", [Stale("gone"), Unchecked("no file")])
def test_what_can_not_be_had_today_stays_the_doubt_that_it_is(doubt: Doubt) -> None:
    assert compare_model(MEASURED, "seeded", doubt) == [doubt]
    assert compare_artifact("pir b1", {"m": "1"}, doubt) == [doubt]
    assert compare_packages("paddle", {"numpy": "1"}, doubt) == [doubt]


def test_an_artifact_is_stale_by_each_file_that_has_another_hash() -> None:
    then = {"model.json": "1" * 64, "model.pdiparams": "2" * 64}
    assert compare_artifact("pir b1", then, dict(then)) == []
    assert compare_artifact("pir b1", then, then | {"model.json": "3" * 64}) == [
        Stale("pir b1: model.json has SHA-256 111111111111 then, 333333333333 now")
    ]


def test_a_file_that_the_cache_lacks_contradicts_nothing() -> None:
    then = {"model.json": "1" * 64, "model.pdiparams": "2" * 64}
    found = compare_artifact("pir b1", then, {"model.json": "1" * 64})
    assert found == [Unchecked("pir b1: the cache lacks model.pdiparams")]


@pytest.mark.parametrize("then", [None, {}])
def test_an_artifact_whose_hashes_nobody_stored_is_unchecked(then: dict[str, str] | None) -> None:
    found = compare_artifact("pir b1", then, {"model.json": "1"})
    assert found == [Unchecked("run.json has no hashes of pir b1")]


def test_packages_are_named_with_both_versions_also_one_that_came_or_went() -> None:
    then = {"numpy": "1.26", "protobuf": "4", "python": "3.11"}
    now = {"numpy": "2.0", "python": "3.11", "opt": "1"}
    assert compare_packages("paddle", then, now) == [
        Stale("paddle: numpy 1.26 then, 2.0 now"),
        Stale("paddle: opt absent then, 1 now"),
        Stale("paddle: protobuf 4 then, absent now"),
    ]
    assert compare_packages("paddle", then, dict(then)) == []


def test_packages_that_nobody_stored_are_unchecked() -> None:
    found = compare_packages("paddle", None, {"numpy": "1"})
    assert found == [Unchecked("run.json has no packages of environment paddle")]
