from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.core import escape
from tests.fakes.hostile import ATTACKS
from tests.fakes.reading import commands, hidden

TEXTS = st.one_of(
    st.text(), st.text("`\\|_*[]()<>!#&~$:/-=+1. \n\t@"), st.sampled_from(list(ATTACKS.values()))
)


@given(text=TEXTS)
def test_plain_is_one_line_of_what_shows(text: str) -> None:
    line = escape.plain(text)
    assert len(line.splitlines()) <= 1
    assert not hidden(line)


@pytest.mark.parametrize("text", ["x0_25, bs=1", "2.0 ± 0.1", "Größe — 日本 👩‍💻", "a  b "])
def test_what_harms_nobody_stays_as_it_is(text: str) -> None:
    assert escape.plain(text) == text
    assert escape.markdown(text) == text.strip()
    assert escape.cell(text) == text.strip()
    assert escape.lines([text]) == escape.printed(f"{text}\n") == f"{text}\n"


@given(text=TEXTS)
def test_markdown_shows_words_and_code_alone(text: str) -> None:
    (block,) = (
        MarkdownIt("commonmark").enable("strikethrough").parseInline(f"> {escape.markdown(text)}")
    )
    kinds = {token.type for token in block.children or ()}
    assert kinds <= {"text", "text_special", "code_inline"}


@given(text=TEXTS.filter(lambda text: "`" not in text))
def test_markdown_shows_each_sign_as_it_is(text: str) -> None:
    (block,) = MarkdownIt("commonmark").parseInline(escape.markdown(text))
    said = "".join(token.content for token in block.children or ())
    assert said == escape.plain(text).strip()


@given(text=TEXTS, function=st.sampled_from([escape.markdown, escape.code]))
def test_a_cell_of_a_markdown_table_ends_where_it_should(
    text: str, function: Callable[[str], str]
) -> None:
    page = f"| a | b |\n|---|---|\n| {function(text)} | end |\n"
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    cells = [one.content for one in tokens if one.type == "inline"]
    assert len(cells) == 4
    assert cells[-1] == "end"
    # As GitHub counts: a backslash takes the sign after it, whatever that is.
    assert len(re.findall(r"\|", re.sub(r"\\.", "", page.splitlines()[2]))) == 3


@given(text=TEXTS)
def test_a_line_starts_no_command_of_a_workflow(text: str) -> None:
    out = escape.printed(escape.lines([text]))
    assert out.count("\n") == 1
    assert not commands(out)
    assert not hidden(out)


@given(text=TEXTS)
def test_json_that_is_printed_says_the_same(text: str) -> None:
    assert json.loads(escape.printed(json.dumps([text, "##[x]"]))) == [text, "##[x]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("=1+1", "'=1+1"), (" \t=1", "'=1"), ("＝1", "'＝1"), ("a=b", "a=b"), (-1.5, -1.5), ("", "")],
)
def test_a_cell_of_csv_is_no_formula(value: object, expected: object) -> None:
    assert escape.cell(value) == expected


@given(one=TEXTS, other=TEXTS)
def test_a_files_name_stays_in_its_folder_and_is_one_texts_alone(one: str, other: str) -> None:
    name = escape.file_name(f"plot-{one}")
    assert re.fullmatch(r"[A-Za-z0-9._+=-]{1,230}", name)
    assert (name == escape.file_name(f"plot-{other}")) == (one == other)


def test_a_files_name_that_is_one_already_is_kept() -> None:
    assert escape.file_name("top1-latency-box_1-onednn_on") == "top1-latency-box_1-onednn_on"
