"""A comparison as text, Markdown, JSON, JUnit XML and workflow commands."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.verdicts import CellVerdict, Comparison, Word
from bench.core.errors import UnknownName
from bench.reports.comparison.forest import WIDTH, drawn
from bench.reports.comparison.formats import FORMATS, rendered, step_summary
from bench.reports.comparison.github import command, commands

RATIOS: dict[Word, float] = {"SLOWER": 1.1, "FASTER": 0.9, "SAME": 1.0, "INCONCLUSIVE": 1.02}


def cell(word: Word, *, name: str | None = None, reason: str = "for a test") -> CellVerdict:
    ratio, label = RATIOS.get(word), name or f"a {word.lower()} one"
    return CellVerdict(
        cell_id=f"{label.replace(' ', '-')}-id", label=label, verdict=word, reason=reason,
        ratio=ratio, low=ratio and ratio - 0.01, high=ratio and ratio + 0.01,
        q=ratio and 0.001, min_effect=ratio and 0.03,
        base_ns=ratio and 2e6, head_ns=ratio and 2e6 * ratio,
    )  # fmt: skip


ALL = Comparison(
    base="a base",
    head="a head",
    cells=(
        cell("SAME"), cell("SLOWER"), cell("FASTER"), cell("INCONCLUSIVE"),
        cell("MISSING"), cell("INCOMPARABLE", reason="threads: 1 in BASE, 2 in HEAD"),
    ),
    notes=("engine 1 -> 2",),
)  # fmt: skip
ADVICE = replace(ALL, doubts=("the clocks aren't locked",))


def test_there_is_no_other_format() -> None:
    with pytest.raises(UnknownName, match=r"--format 'xml'.*github, json, junit"):
        rendered(ALL, "xml")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_comparison_of_nothing(name: str) -> None:
    assert rendered(Comparison(base="a", head="b", cells=()), name)


def test_the_table_has_a_line_a_cell_and_what_needs_a_look_first() -> None:
    lines = rendered(ALL, "table").splitlines()
    assert lines[:2] == ["BASE a base", "HEAD a head"]
    words = [line.split()[0] for line in lines[3:9]]
    assert words == ["SLOWER", "MISSING", "INCOMPARABLE", "INCONCLUSIVE", "FASTER", "SAME"]
    assert lines[3].startswith("SLOWER        a slower one        ")
    assert "2.00 -> 2.20 ms" in lines[3]
    assert "+10.0% [+9.0%, +11.0%]" in lines[3]
    assert lines[10] == (
        "1 slower, 1 missing, 1 incomparable, 1 inconclusive, 1 faster, 1 same: "
        "a regression (exit status 1)"
    )
    assert lines[11] == "note: engine 1 -> 2"


def test_advice_is_told_as_advice() -> None:
    text = rendered(ADVICE, "table")
    assert (
        "advice only, for the reasons below: no regression that a check may fail on (exit status 3)"
    ) in text
    assert "\nadvice only: the clocks aren't locked\n" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["SAME", "FASTER"], "1 faster, 1 same: no regression (exit status 0)"),
        (["SAME", "MISSING"], "no verdict that a check may rest on (exit status 3)"),
    ],
)
def test_the_sentence_says_what_the_status_means(words: list[Word], sentence: str) -> None:
    found = Comparison(base="a", head="b", cells=tuple(map(cell, words)))
    assert sentence in rendered(found, "table")


def test_json_has_every_value() -> None:
    value = json.loads(rendered(ADVICE, "json"))
    assert (value["base"], value["head"], value["exit_status"]) == ("a base", "a head", 3)
    assert value["advice"] is True
    assert value["doubts"] == ["the clocks aren't locked"]
    slower = value["cells"][1]
    assert slower["verdict"] == "SLOWER"
    assert slower["ratio"] == 1.1
    assert value["cells"][4]["ratio"] is None
    assert json.loads(rendered(ALL, "json"))["advice"] is False


def test_markdown_has_a_table_a_plot_and_the_remarks() -> None:
    text = rendered(ADVICE, "markdown")
    assert "| a slower one | SLOWER | 2.00 -> 2.20 ms | +10.0% [+9.0%, +11.0%] |" in text
    assert "```text\n" in text
    assert "- advice only: the clocks aren't locked\n- note: engine 1 -> 2" in text


def test_markdown_shows_signs_as_they_are() -> None:
    odd = cell("SLOWER", name="x0_25 <b>|*net*", reason="`code")
    text = rendered(Comparison(base="a", head="b", cells=(odd,)), "markdown")
    assert "| x0_25 &lt;b>\\|\\*net\\* |" in text
    assert "\\`code" in text


def parsed(comparison: Comparison) -> ET.Element:
    (suite,) = ET.fromstring(rendered(comparison, "junit").encode()).iter("testsuite")  # noqa: S314
    return suite


def test_junit_fails_a_slower_cell_and_errs_on_one_that_is_missing() -> None:
    suite = parsed(ALL)
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6", "failures": "1", "errors": "1", "skipped": "2"
    }  # fmt: skip
    found = {
        case.get("name"): [(child.tag, child.get("message")) for child in case]
        for case in suite.iter("testcase")
    }
    assert found["a-same-one-id"] == []
    assert found["a-faster-one-id"] == []
    assert found["a-slower-one-id"] == [("failure", "SLOWER: for a test")]
    assert found["a-missing-one-id"] == [("error", "MISSING: for a test")]
    assert found["a-inconclusive-one-id"] == [("skipped", "INCONCLUSIVE: for a test")]
    assert found["a-incomparable-one-id"] == [
        ("skipped", "INCOMPARABLE: threads: 1 in BASE, 2 in HEAD")
    ]
    assert "+10.0% [+9.0%, +11.0%]" in str(suite.findtext("testcase/failure"))


def test_a_slower_cell_that_is_advice_is_skipped_in_junit_with_the_reason() -> None:
    suite = parsed(ADVICE)
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "3")
    assert suite.find("testcase/failure") is None
    messages = [it.get("message") for it in suite.iterfind("testcase/skipped")]
    assert messages[0] == "SLOWER: for a test; advice only: the clocks aren't locked"
    assert "the clocks aren't locked" in str(suite.findtext("system-out"))


@given(text=st.text())
def test_junit_is_xml_whatever_stands_in_a_name(text: str) -> None:
    one = cell("SLOWER", name=text or "-", reason=text)
    suite = parsed(Comparison(base=text, head="b", cells=(one,), notes=(text,)))
    assert len(list(suite.iter("failure"))) == 1


def levels(comparison: Comparison) -> list[str]:
    return [line.split(" ")[0] for line in commands(comparison).splitlines()]


def test_github_gets_an_error_a_notice_or_a_warning_for_each_cell_that_is_not_the_same() -> None:
    lines = commands(ALL).splitlines()
    assert levels(ALL) == ["::error", "::error", "::warning", "::notice", "::warning"]
    assert lines[0] == (
        "::error title=Slower%3A a slower one::+10.0%25 [+9.0%25, +11.0%25]: for a test"
    )
    assert lines[2] == (
        "::warning title=Not comparable::threads: 1 in BASE, 2 in HEAD%0Aa incomparable one"
    )
    assert not any("a same one" in line for line in lines)


def test_advice_is_no_error_on_github() -> None:
    assert commands(ADVICE).startswith("::warning title=Slower%2C advice only%3A a slower one::")
    assert commands(ADVICE).splitlines()[-1] == (
        "::warning title=Advice only::the clocks aren't locked"
    )


def test_cells_that_share_a_reason_share_an_annotation() -> None:
    cells = tuple(cell("INCOMPARABLE", name=f"net {i}", reason="hardware") for i in range(30))
    lines = commands(Comparison(base="a", head="b", cells=cells)).splitlines()
    assert len(lines) == 1
    assert lines[0].count("%0Anet ") == 30


def test_what_would_end_a_command_is_escaped() -> None:
    assert command("error", title="a,b:c%\r\n", lines=["a,b:c%\r\n::stop", "d"]) == (
        "::error title=a%2Cb%3Ac%25 ::a,b:c%25 ::stop%0Ad"
    )


@given(text=st.text())
def test_a_command_is_one_line(text: str) -> None:
    line = command("error", title=text, lines=[text])
    assert "\n" not in line
    assert "\r" not in line
    assert ":" not in line.removeprefix("::error title=").split("::")[0]


def test_the_log_has_the_table_below_the_annotations() -> None:
    text = rendered(ALL, "github")
    assert text.startswith("::error")
    assert text.endswith(rendered(ALL, "table"))
    assert step_summary(ALL).startswith("## Regression check\n")


def test_the_plot_has_base_in_the_middle_and_slower_to_the_right() -> None:
    axis, *lines = drawn(ALL.cells).splitlines()
    signs = {line.split()[-1]: line[-WIDTH - 2 - len(line.split()[-1]) :] for line in lines}
    at = {word: line.index("●") for word, line in signs.items()}
    assert at["FASTER"] < WIDTH // 2 < at["SLOWER"]
    assert at["SAME"] == WIDTH // 2
    # FASTER's lower end, 0.89, is what reaches farthest.
    assert axis.split() == ["-11.0%", "0", "+12.4%"]
    assert len(lines) == 4


def test_an_interval_that_leaves_the_plot_ends_in_an_arrow() -> None:
    wide = replace(cell("INCONCLUSIVE"), low=0.01, high=50.0)
    line = drawn([wide]).splitlines()[1]
    assert "◂" in line
    assert "▸" in line


@given(ratio=st.floats(0.001, 1000), low=st.floats(0.01, 1), more=st.floats(1, 100))
def test_a_line_of_the_plot_is_as_wide_as_the_axis(ratio: float, low: float, more: float) -> None:
    one = replace(cell("SAME"), ratio=ratio, low=ratio * low, high=ratio * more)
    axis, line = drawn([one]).splitlines()
    assert line.endswith("  SAME")
    assert len(line.removesuffix("  SAME")) == len(one.label) + 2 + WIDTH
    assert len(axis) == len(one.label) + 2 + WIDTH


def test_nothing_to_plot_is_no_plot() -> None:
    assert drawn([cell("MISSING")]) == ""
