"""What stands between two markers is written again; every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis.series import View
from bench.config.published import Published
from bench.core.errors import BrokenFile
from bench.reports.language import words
from bench.reports.markdown import seed_page
from bench.reports.markdown.markers import keys, updated
from tests.fakes.records import facts, record, stored, view

PATH = Path("notes.md")
TABLE = "| Models | MACs"


@pytest.fixture(scope="module")
def shown() -> View:
    return view(stored(record(), record(threads=2)))


def text(body: str, *, name: str = "costs") -> str:
    return f"above\n<!-- bench:begin {name} -->\n{body}<!-- bench:end -->\nbelow"


def new(data: str, shown: View, lang: str | None = None) -> str:
    return updated(PATH, data.encode(), shown, lang)[0].decode()


def refused(data: bytes, shown: View) -> str:
    with pytest.raises(BrokenFile) as caught:
        updated(PATH, data, shown, None)
    return str(caught.value)


def test_a_table_takes_the_place_of_what_was_between_its_markers(shown: View) -> None:
    found = new(text("old\nolder\n"), shown)
    assert found.startswith("above\n<!-- bench:begin costs -->\n\nCosts:\n\n| Models")
    assert found.endswith("\n\n<!-- bench:end -->\nbelow")
    assert "old" not in found


def test_a_second_update_changes_nothing(shown: View) -> None:
    first, changed = updated(PATH, text("old\n").encode(), shown, None)
    second, unchanged = updated(PATH, first, shown, None)
    assert first == second
    assert (changed, unchanged) == ({"costs": True}, {"costs": False})


@pytest.mark.parametrize("body", ["", "\n", "x", "x\n\n\n"])
def test_all_that_may_stand_between_gives_the_same(body: str, shown: View) -> None:
    data = text(body) if body != "x" else text("x\n")
    assert new(data, shown) == new(text(""), shown)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("\ufeff# Title\n\n", "\n"), ("a  \n\n\n", "\nb\t\n\n"), ("\0", "\n\n")],
)
def test_every_other_byte_stays(before: str, after: str, shown: View) -> None:
    begin, end = "<!-- bench:begin costs -->\n", "<!-- bench:end -->"
    found = new(f"{before}\n{begin}{end}{after}", shown)
    assert found.startswith(f"{before}\n{begin}")
    assert found.endswith(f"{end}{after}")


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_the_files_line_ends_are_kept(ending: str, shown: View) -> None:
    found = new(text("old\n").replace("\n", ending), shown)
    assert found == new(text("old\n"), shown).replace("\n", ending)


@pytest.mark.parametrize("title", ["<!-- bench:end -->", "a\n<!-- bench:end -->\nb", "```", "|"])
def test_a_hostile_name_ends_no_place(title: str) -> None:
    evil = view(stored(record("mine"), models={"mine": facts(None, title=title)}))
    for name in ("costs", "latency-cpu", "page"):
        first = new(text("", name=name), evil)
        assert new(first, evil) == first
        assert first.endswith("\n<!-- bench:end -->\nbelow")
        assert first.count("<!-- bench:end -->") == 1


def test_several_tables_are_written_and_named(shown: View) -> None:
    data = text("") + text("", name="storage") + text("", name="costs lang=zh")
    found, changed = updated(PATH, data.encode(), shown, None)
    assert changed == {"costs": True, "storage": True}
    assert found.decode().count("| Models") == 3


def test_the_page_is_in_chinese_and_a_table_in_english_unless_told_otherwise(shown: View) -> None:
    page = {lang: seed_page.render(shown, words(lang)).strip() for lang in ("zh", "en")}
    assert page["zh"] in new(text("", name="page"), shown)
    assert page["en"] in new(text("", name="page"), shown, "en")
    assert page["zh"] in new(text("", name="page lang=zh"), shown, "en")
    assert "\n\nCosts:\n" in new(text(""), shown)
    assert "模型指标" in new(text(""), shown, "zh")
    assert "模型指标" in new(text("", name="costs lang=zh"), shown)


def test_a_key_is_given_by_its_beginning(shown: View) -> None:
    assert "thread=2" in new(text("", name="latency-cpu"), shown)


def test_parts_and_columns_can_be_left_out(shown: View) -> None:
    whole = new(text("", name="latency-cpu"), shown)
    bare = new(text("", name="latency-cpu without=title,caption,remarks,notes"), shown)
    assert "weights. Latency" in whole
    assert "weights. Latency" not in bare
    assert bare.count("\n\n") == 2


def test_columns_of_published_figures_can_be_left_out() -> None:
    row = Published(name="ShuffleNetV2_x0_25", family="", texts={"top1": "0.499"}, figures={})
    one = view(stored(record()), published={row.name: row})
    assert "| 0.499 |" in new(text("", name="costs"), one)
    found = new(text("", name="costs columns=measured"), one)
    assert "| 0.499 |" not in found
    assert "| Models | MACs (M) |" in found


def test_notes_bear_the_tables_name_so_that_several_can_stand_in_one_file() -> None:
    noisy = view(stored(record(steady=False)))
    found = new(text("", name="latency-cpu"), noisy)
    assert "[^latency-cpu-1] |" in found
    assert "\n[^latency-cpu-1]: " in found
    assert "[^" not in new(text("", name="latency-cpu without=notes"), noisy)


@pytest.mark.parametrize("fence", ["```", "~~~~", "````md"])
def test_markers_in_a_block_of_code_are_an_example(fence: str, shown: View) -> None:
    closing = fence.removesuffix("md")
    example = f"{fence}\n{text('keep')}\n{closing}\n".replace("\nkeep<", "\nkeep\n<")
    found = new(example + text(""), shown)
    assert found.startswith(example)
    assert TABLE in found[len(example) :]


@pytest.mark.parametrize(
    "example",
    [
        "```\na\n```python\n{}\n```\n",
        "~~~\n{}\n~~~ x\n<!-- bench:end -->\n~~~\n",
        "````\n```\n{}\n```\n````\n",
        "```\n~~~\n{}\n```\n",
    ],
)
def test_a_block_of_code_ends_with_its_own_fence_alone(example: str, shown: View) -> None:
    kept = example.format(text("keep\n"))
    found = new(kept + text(""), shown)
    assert found.startswith(kept)
    assert TABLE in found[len(kept) :]


def test_three_backticks_around_words_are_no_block(shown: View) -> None:
    assert TABLE in new("```code``` in a line\n" + text(""), shown)


def test_a_marker_may_be_a_files_first_line_with_a_byte_order_mark(shown: View) -> None:
    begin = "\ufeff<!-- bench:begin costs -->\n"
    found = new(f"{begin}<!-- bench:end -->\n", shown)
    assert found.startswith(begin)
    assert TABLE in found


def test_markers_within_a_line_are_words_about_them(shown: View) -> None:
    said = "Write `<!-- bench:begin x -->` and `<!-- bench:end -->`.\n"
    assert new(said + text(""), shown).startswith(said)


@pytest.mark.parametrize(
    ("data", "problem", "remedy"),
    [
        ("no markers\n", "it has no markers", "<!-- bench:begin page -->"),
        ("", "it has no markers", "<!-- bench:begin page -->"),
        (text("", name="cots"), "line 2: there is no table 'cots'", "did you mean 'costs'?"),
        (text("", name=""), "line 2: there is no table ''", "report --update` lists them"),
        (text("", name="latency"), "", ""),
        (text("", name="costs lang=de"), "line 2: there is no lang of a table 'de'", "en, zh"),
        (text("", name="costs colour=red"), "line 2: there is no option 'colour'", "without"),
        (text("", name="costs without=table"), "'table'", "title"),
        ("a\n<!-- bench:begin costs -->\n", "line 2: bench:begin costs has no end", "bench:end"),
        ("<!-- bench:end -->\n", "line 1: bench:end has no bench:begin above it", "remove it"),
        (text("<!-- bench:begin storage -->\n"), "line 3: bench:begin stands within", "before it"),
        (text("") + "\n<!-- bench:begin costs -->", "line 5: bench:begin costs has no end", "end"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line_and_remedy(
    data: str, problem: str, remedy: str, shown: View
) -> None:
    if not problem:
        assert TABLE not in new(data, shown), "one table alone begins so"
        return
    said = refused(data.encode(), shown)
    assert said.startswith("notes.md: ")
    assert problem in said
    assert remedy in said
    assert "\n" not in said


def test_a_name_that_several_tables_begin_with_gets_their_list() -> None:
    both = view(stored(record(), record(runner="onnxruntime", settings={})))
    said = refused(text("", name="latency").encode(), both)
    assert "2 tables begin with 'latency'" in said
    assert said.endswith(": name one of latency-cpu-amd-epyc-2c-0123abcd-paddle, "
                         "latency-cpu-amd-epyc-2c-0123abcd-onnxruntime")  # fmt: skip


def test_each_key_that_is_listed_names_one_table_alone() -> None:
    runners = ("paddle", "onnxruntime", "mnn", "ncnn", "openvino", "tensorrt", "torch")
    many = view(*(stored(record(runner=it)) for it in runners))
    known = keys(many)
    assert known[:3] == ["page", "costs", "storage"]
    assert [key for key in known if key.endswith("-mnn")] == [
        "latency-cpu-amd-epyc-2c-0123abcd-mnn"
    ]
    for key in known:
        assert new(text("", name=key), many)
    said = refused(text("", name="latency").encode(), many)
    assert "-mnn, " in said
    assert said.endswith("and 1 more, as `python -m bench report --update` lists them")
    said = refused(text("", name="latency-cpu-mnn").encode(), many)
    assert len(said) < 200


@pytest.mark.parametrize("data", [text("").encode("utf-16"), b"\xff\n" + text("").encode()])
def test_a_file_that_is_no_utf_8_is_refused(data: bytes, shown: View) -> None:
    assert "no UTF-8" in refused(data, shown)
