"""The texts of a report: every language has the same ones, with the same placeholders."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from bench.core.paths import PROJECT
from bench.reports.language import LANGUAGES, words

REPORTS = sorted((PROJECT / "bench" / "reports").rglob("*.py"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", LANGUAGES[1:])
def test_a_language_has_the_keys_and_placeholders_of_english(lang: str) -> None:
    english, other = words("en").texts, words(lang).texts
    assert other.keys() == english.keys()
    assert {key: fields(other[key]) for key in english} == {
        key: fields(text) for key, text in english.items()
    }


NAMES = {
    "models", "heading.comma", "notes.one", "costs.macs", "costs.flops", "costs.params",
    "hardware.Snapdragon 855", "hardware.V100", "storage.measured", "accuracy.top1",
    "accuracy.top5", "latency.latency", "tails.tail", "page.system.python", "chart.field.top1",
}  # fmt: skip
"""The texts that are names and units alone, which the page in Chinese has as they are."""


def test_every_other_text_of_the_chinese_report_is_in_chinese() -> None:
    texts = {key: text for key, text in words("zh").texts.items() if "seed_page." not in key}
    assert {key for key in texts if not re.search("[\u4e00-\u9fff]", texts[key])} == NAMES


def test_a_value_of_several_lines_is_one() -> None:
    assert words("en")("heading.suite", suite="a\r\n# b") == "suite a # b"


def test_every_key_that_is_written_out_in_the_code_is_a_text() -> None:
    code = "".join(path.read_text("utf-8") for path in REPORTS)
    named = set(re.findall(r"\bwords(?:\(|,)\s*\"([a-z]+\.[a-z0-9_.]+)\"", code)) - set(LANGUAGES)
    assert named <= words("en").texts.keys()


def test_placeholders_are_filled_and_braces_in_what_fills_them_stay() -> None:
    chinese = words("zh")
    assert chinese("costs.title") == "模型指标"
    filled = type(chinese)("xx", {"by": "by {name}"})
    assert filled("by", name="{0} {}") == "by {0} {}"


def test_files_of_another_language_stand_beside_the_english_ones() -> None:
    assert [words(lang).file("report.md") for lang in LANGUAGES] == ["report.md", "report.zh.md"]
