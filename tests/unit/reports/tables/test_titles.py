"""What a series and its figures are called, in English and in Chinese."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis import naming
from bench.analysis.series import Series
from bench.analysis.statistics import Estimate
from bench.reports.language import ENGLISH, words
from bench.reports.tables import titles
from tests.fakes.records import failed, only_series, record, stored, system, view

CHINESE = words("zh")


def series(*, on: Any = None, **cell: Any) -> Series:
    target = "android" if cell.pop("phone", False) else "cpu"
    return only_series(view(stored(record(**cell), on=on or system(), target=target)))


@pytest.mark.parametrize(
    "one",
    [
        {"engine": "paddle 3.2.0"},
        {"outcome": failed(), "settings": {}},
        {"on": system("Cortex-A76", emulated=True)},
        {"on": system("emulated x", emulated=True), "phone": True},
        {"runner": "an-engine-to-come", "precision": "fp16"},
    ],
)
def test_in_english_a_heading_is_the_one_that_the_audit_names(one: dict[str, Any]) -> None:
    shown = series(**one)
    assert titles.heading(shown, ENGLISH) == naming.heading(shown)


def test_in_chinese_a_heading_is_worded_as_the_published_page_words_it() -> None:
    heading = titles.heading(series(), CHINESE)
    assert heading.startswith("基于 AMD EPYC, 2 cores 的预测速度 — ")
    assert heading.endswith("，预设 standard，测试集 cpu")
    phone = titles.heading(series(on=system("SD855"), phone=True), CHINESE)
    assert phone.startswith("基于 SD855 的预测速度和存储大小 — ")


def test_a_figure_of_one_session_is_said_to_bear_no_interval() -> None:
    one = series(samples_ms=[[1.0]], sampling={"statistic": "mean"})
    text = "the mean of one session's samples, which bears no interval"
    assert titles.statistic(one, ENGLISH) == text
    assert titles.statistic(one, CHINESE) == "单个会话样本的均值，没有区间"


def test_figures_of_several_sessions_are_said_to_be_a_mean_with_its_interval() -> None:
    text = titles.statistic(series(samples_ms=[[1.0], [2.0]]), ENGLISH)
    assert text.startswith("mean of the sessions' medians ± half-width of its 95% t interval")


@pytest.mark.parametrize(
    ("stored_word", "shown"), [("seeded", "Seeded"), ("exported", "Exported"), ("file a", "File a")]
)
def test_weights_begin_a_sentence(stored_word: str, shown: str) -> None:
    one = series()
    one.weights = stored_word
    assert titles.weights(one, ENGLISH) == shown


def test_each_series_has_a_slug_of_its_own() -> None:
    runs = stored(
        record(), record(settings={}), record(precision="fp16"), record(runner="mnn"),
        record(sampling={"preset": "quick"}), record(sampling={"statistic": "mean"}),
    )  # fmt: skip
    slugs = [titles.slug(one) for one in view(runs).series]
    assert len(set(slugs)) == len(slugs) == 6


@pytest.mark.parametrize(
    ("half_ms", "said"),
    [
        (0.25, "0.9590 to 1.459 ms, ±20.7%"),
        (2.253, "up to 3.462 ms, ±186%: wider than the figure itself"),
        (None, ""),
    ],
)
def test_a_time_has_no_interval_below_zero(half_ms: float | None, said: str) -> None:
    half_ns = None if half_ms is None else 1e6 * half_ms
    one = Estimate(
        value_ns=1.209e6, half_width_ns=half_ns, sessions=2, samples=20, statistic="median"
    )
    assert titles.interval(one, ENGLISH) == said
    assert "-" not in titles.interval(one, CHINESE)
