"""The footnotes of a report: each reason once, with the first that it is said of."""

from __future__ import annotations

from bench.reports.language import words
from bench.reports.tables.model import Column, Entry
from bench.reports.tables.notes import Notes

LATENCY = Column(title=("Latency(ms)",), origin="measured")
SIZES = Column(title=("Storage",), origin="counted")
PUBLISHED = Column(title=("Top1",), origin="published")


def figure(cell_id: str, *notes: str, value: float | None = 1.0) -> Entry:
    return Entry(text="1.00", value=value, cell=("run", cell_id), notes=notes)


def test_a_note_is_numbered_by_its_first_mention_and_written_once() -> None:
    notes = Notes(words("en"))
    numbers = [notes.add(text) for text in ("a", "b", "a")]
    assert (numbers, notes.texts()) == ([1, 2, 1], ["a", "b"])


def test_a_note_of_several_names_the_first_and_how_many_more() -> None:
    notes = Notes(words("en"))
    numbers = [notes.add("it fell", of=name) for name in ("a", "b", "a", "c")]
    notes.add("it is late", of="a")
    assert numbers == [1] * 4
    assert notes.texts() == ["a and 2 more: it fell", "a: it is late"]


def test_remarks_on_figures_that_differ_in_numbers_are_one_with_their_ranges() -> None:
    notes = Notes(words("en"))
    slower = (
        "the last third is 9.1% slower (2% for A).",
        "the last third is 14% slower (2% for A).",
    )
    for cell, text in zip("ab", slower, strict=True):
        assert notes.of_entry(figure(cell, text), LATENCY, "net") == [1]
    notes.of_entry(figure("c", "ended at 1,200 samples."), LATENCY, "net")
    notes.of_entry(figure("d", "ended at 900 samples."), LATENCY, "net")
    assert notes.texts() == [
        "a and 1 more: the last third is 9.1–14% slower (2% for A).",
        "c and 1 more: ended at 900–1,200 samples.",
    ]


def test_reasons_of_what_has_no_figure_are_one_only_where_they_say_the_same() -> None:
    notes = Notes(words("en"))
    for cell, text in (("a", "signal 6"), ("b", "signal 11"), ("c", "signal 6")):
        notes.of_entry(figure(cell, text, value=None), LATENCY, "net")
    assert notes.texts() == ["a and 1 more: signal 6", "b: signal 11"]


def test_a_reason_that_names_its_row_is_the_same_for_each_row() -> None:
    notes = Notes(words("en"))
    for name in ("one", "two"):
        notes.of_entry(Entry(notes=(f"{name}.onnx is no Paddle file",)), SIZES, name)
    assert notes.texts() == ["one and 1 more: one.onnx is no Paddle file"]


def test_notes_of_published_figures_stay_as_they_are() -> None:
    notes = Notes(words("en"))
    for name, text in (("one", "one: 1.79 is above 1.70"), ("two", "two: 1.79 is above 1.60")):
        notes.of_entry(Entry(value=1.0, notes=(text,)), PUBLISHED, name)
    assert notes.texts() == ["one: 1.79 is above 1.70", "two: 1.79 is above 1.60"]


def test_a_chinese_report_says_how_many_more_in_chinese() -> None:
    notes = Notes(words("zh"))
    for name in "ab":
        notes.add("it fell", of=name)
    assert notes.texts() == ["a 及另外 1 个：it fell"]
