"""An emulated system is called that wherever it is named; nothing published stands against it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.fakes.html_page import Reader, block
from tests.fakes.records import put, record, stored, system

NAME = "Cortex-A76"
CALLED = re.compile(rf"emulated: {NAME}|{NAME}（模拟）")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("emulated")
    cells = [record(name, samples_ms=[[2.0], [2.1], [2.05]]) for name in ("x0_25", "x0_5")]
    emulated = system(NAME, emulated=True)
    put(stored(*cells, on=emulated, beside=["sd855_ms_threads1"]), results)
    for lang in ("en", "zh"):
        assert main(["report", "--lang", lang, "--results", str(results)]) == 0
    return results


def named_otherwise(text: str) -> list[str]:
    """Return what stands around the name where the system isn't called emulated."""
    return re.findall(rf".{{0,40}}{NAME}.{{0,40}}", CALLED.sub("", text))


@pytest.mark.parametrize("name", ["index.html", "index.zh.html"])
def test_the_page_never_names_it_otherwise(results: Path, name: str) -> None:
    read = Reader((results / "report" / name).read_text())
    packed = [json.dumps(block(read, it), ensure_ascii=False) for it in ("cells", "charts")]
    for text in ("\n".join(read.found[0][2]), *packed):
        assert CALLED.search(text)
        assert named_otherwise(text) == []


def test_nor_do_the_report_its_plots_and_the_terminal(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = results / "report"
    plots = sorted(report.glob("top1-latency-*"))
    assert [it.suffix for it in plots] == [".csv", ".png", ".svg"]
    cell = record().cell_id
    for argv in ([], [cell]):
        assert main(["show", *argv, "--results", str(results)]) == 0
    texts = [(report / "report.md").read_text(), capsys.readouterr().out]
    for text in (*texts, *(it.read_text() for it in plots if it.suffix != ".png")):
        assert CALLED.search(text)
        assert named_otherwise(text) == []


def test_no_published_latency_stands_against_it(results: Path) -> None:
    read = Reader((results / "report/index.html").read_text())
    assert [key for key, _ in read.tables() if key.startswith("compared-")] == ["compared-costs"]
