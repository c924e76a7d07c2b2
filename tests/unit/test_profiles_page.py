"""docs/profiles.md and the script that writes its table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from bench.runners import RUNNERS
from bench.runners.base import capabilities_of
from bench.worker.serve import load
from scripts import profile_table
from tests.fakes.records import operator, profile, profiled, put, record, stored

PAGE = PROJECT / "docs" / "profiles.md"


def test_the_page_lists_each_runner_that_has_profiles() -> None:
    able = {
        name for name, entry in RUNNERS.items() if "profiled" in capabilities_of(load(entry.path))
    }
    rows = re.findall(r"^\| ([a-z, -]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} == able


def test_the_script_writes_a_row_for_each_profile_between_the_pages_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "profiles.md"
    page.parent.mkdir()
    page.write_text(f"before\n{profile_table.BEGIN}\nold\n{profile_table.END}\nafter\n")
    monkeypatch.setattr(profile_table, "PAGE", page)
    monkeypatch.setattr(profile_table, "PROJECT", tmp_path)
    monkeypatch.setattr(profile_table, "MODELS", PROJECT / "models")
    one = profiled(operator("a", "Conv", 60), operator("b", "Gemm", 20), plain_us=100, cost=1.25)
    put(stored(record(), profiles=[profile(record(), one)]), tmp_path / "results")
    profile_table.main(["--stored", str(tmp_path / "results"), "--write"])
    told = "| x0_25 | Paddle Inference | 0.100 | 1.25 times | 2 | 0.0800 | convolution 75%, "
    assert told in capsys.readouterr().out
    text = page.read_text()
    assert (text.partition("\n")[0], text.splitlines()[-1]) == ("before", "after")
    assert told in text
    assert "old" not in text
