"""Suites as files: found by name or path, and refused by what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.suite import Suite, load_suite
from bench.core.errors import BrokenFile, UnknownName
from tests.fakes.suites import ONE_CELL


def load(tmp_path: Path, text: str) -> Suite:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_suite(str(path))


def test_a_file_of_ones_own_is_a_suite_named_after_it(tmp_path: Path) -> None:
    one = load(tmp_path, ONE_CELL)
    assert (one.name, one.path, one.file.title) == ("mine", tmp_path / "mine.toml", "One cell")


def test_an_unknown_suite_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownName, match=r"no suite 'cpo': did you mean 'cpu'.* arm, cpp, cpu, engines, gpu"
    ):
        load_suite("cpo")


def test_an_unknown_preset_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="suite mine has no preset 'slow': choose from standard"):
        load(tmp_path, ONE_CELL).sampling("slow")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("title", "titel", "unknown field 'titel'"),
        ('title = "One cell"', 'title = "One cell"\ncolour = 1', "unknown field 'colour'"),
        ("runner = [", "runners = 1\nrunner = [", "unknown field 'cells.0.runners'"),
        ("batch = [1]", "", "field 'cells.0.batch' is missing"),
        ("batch = [1]", "batch = []", "field 'cells.0.batch'"),
        ("batch = [1]", "batch = [0]", "field 'cells.0.batch.0'"),
        ('["paddle"]', "[]", "field 'cells.0.runner'"),
        ("batch = [1]", "batch = [1]\nprecision = 'int3'", "field 'cells.0.precision'"),
        ("samples = 9\n", "", "field 'presets.standard.samples' is missing"),
        ("min_samples = 5", "min_samples = 10", "min_samples is above samples"),
        ("[presets.standard]", "[presets.sustained]", "which stands for --sustained"),
        ("budget_s = 1.0", "budget_s = inf", "field 'presets.standard.budget_s'"),
        ("budget_s = 1.0", "budget_s = nan", "field 'presets.standard.budget_s'"),
        ("budget_s = 1.0", "budget_s = -1.0", "field 'presets.standard.budget_s'"),
        ("budget_s = 1.0", "budget_s = 1e7", "field 'presets.standard.budget_s'"),
        ("sessions = 2", "sessions = 1000000000", "more than 2,000,000 samples"),
        ("samples = 9", "samples = 0x" + "f" * 5000, "field 'presets.standard.samples'"),
        ("batch = [1]", f"batch = {[1] * 10_001}", "more than 10,000 cells"),
        ("sessions = 2", "sessions = 0", "field 'presets.standard.sessions'"),
        ("sessions = 2", "sessions = 2\nsteady_window = 3", "'presets.standard.steady_window'"),
        ("sessions = 2", "sessions = 2\nsteady_tolerance = 'no'", "standard.steady_tolerance"),
        ("sessions = 2", "sessions = 2\nstatistic = 'min'", "field 'presets.standard.statistic'"),
        ("[presets.standard]", "[presets.standard", "not TOML"),
    ],
)  # fmt: skip
def test_a_broken_suite_is_refused_by_the_field_that_breaks_it(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    assert old in ONE_CELL
    with pytest.raises(BrokenFile) as caught:
        load(tmp_path, ONE_CELL.replace(old, new, 1))
    assert fault in str(caught.value)
    assert caught.value.path == tmp_path / "mine.toml"


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="there is no such file"):
        load_suite(str(tmp_path / "mine.toml"))


def test_no_steadiness_is_asked_for_where_the_preset_says_none(tmp_path: Path) -> None:
    text = ONE_CELL + 'steady_tolerance = "none"\n'
    assert load(tmp_path, text).sampling("standard").steady_tolerance is None
    assert load(tmp_path, ONE_CELL).sampling("standard").steady_tolerance == 0.05
