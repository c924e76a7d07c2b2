"""A report in Chinese: beside the English one, renewed with it, and held to its samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.cli.main import main
from tests.cli.verifying import Place


def report(place: Place, *flags: str) -> None:
    assert main(["report", *flags, *place.flags()[:4]]) == 0


def test_a_report_in_chinese_stands_beside_the_english_one(place: Place) -> None:
    english = (place.report / "report.md").read_bytes()
    report(place, "--lang", "zh")
    assert (place.report / "report.md").read_bytes() == english
    chinese = (place.report / "report.zh.md").read_text("utf-8")
    assert "\n## 模型指标\n" in chinese
    assert "| Latency(ms)<br>bs=1, thread=1 |" in chinese
    assert 'lang="zh' in (place.report / "index.zh.html").read_text("utf-8")


def test_a_later_report_renews_the_chinese_one_too(place: Place) -> None:
    report(place, "--lang", "zh")
    files = [place.report / name for name in ("report.zh.md", "index.zh.html")]
    written = [path.read_bytes() for path in files]
    for path in files:
        path.write_text("old")
    report(place)
    assert [path.read_bytes() for path in files] == written


def test_verify_holds_a_chinese_report_to_its_samples(place: Place) -> None:
    report(place, "--lang", "zh")
    names = {Path(one["file"]).name for one in place.told(status=0)["report"]}
    assert names >= {"report.md", "report.zh.md"}
    path = place.report / "report.zh.md"
    path.write_text(path.read_text("utf-8").replace("# 测试结果", "# 我的结果"), "utf-8")
    differ = [one for one in place.told(status=1)["report"] if one["state"] == "differs"]
    assert [Path(one["file"]).name for one in differ] == ["report.zh.md"]


def test_another_language_is_refused(refused: Callable[..., str]) -> None:
    assert "--lang de: not en or zh" in refused("report", "--lang", "de")
