"""Every format of a report with names that mean harm, read by the format's own parser."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from bench.analysis.history import History, histories
from bench.analysis.series import StoredRun, View
from bench.analysis.verdicts import CellVerdict, Comparison, Word
from bench.config.published import Fault, Published
from bench.reports import csv_tables, render_all
from bench.reports.comparison.formats import FORMATS, rendered, step_summary
from bench.reports.history import history_text
from bench.reports.markdown import page
from bench.reports.plots import history as history_plot
from bench.reports.terminal import latency_tables
from tests.fakes.hostile import ATTACKS, poisoned
from tests.fakes.reading import commands, csv_rows, formulas, hidden, markdown_structure
from tests.fakes.records import facts, failed, record, skipped, stored, view

HERE = Path()
ALL = "\n".join(ATTACKS.values())


def runs() -> Iterator[StoredRun]:
    """Runs that fill every table and plot: engines side by side, long sessions, a GPU's figures."""
    three = {"sessions": 3}
    steady = ((2.0,), (2.1,), (2.2,))
    nets = {
        "x0_25": facts(),
        "x1_0": facts("ShuffleNetV2", storage=None, missing={"storage": "no opt", "costs": "no"}),
        "mine": facts(None, title="mine"),
    }
    for runner, faster in (("paddle", 1.0), ("mnn", 0.5)):
        samples = [[faster * one for one in it] for it in steady]
        yield stored(
            record("x0_25", runner=runner, samples_ms=samples, sampling=three),
            record("x1_0", runner=runner, samples_ms=samples, sampling=three, steady=False),
            record("mine", runner=runner, outcome=failed("no\nfigure")),
            record("mine", runner=runner, batch=4, outcome=skipped()),
            run_id=f"20240501T120000Z-0badc0de-{runner}",
            suite="engines",
            models=nets,
            beside=["sd855_ms_threads1"],
        )
    long = {"preset": "sustained", "sessions": 1, "steady_tolerance": None}
    yield stored(
        record("x0_25", samples_ms=[[2.0] * 300], sampling=long),
        record("x1_0", outcome=failed(), sampling=long),
        run_id="20240503T120000Z-0badc0de-00000003",
        models=nets,
    )


def shown(text: str, *, sorted_by: bool = False) -> View:
    """The view of those runs with `text` in all of their words and in the catalogue's."""
    names = ("ShuffleNetV2_x0_25", "ShuffleNetV2")
    published = {
        name: Published(
            f"{text}{name}", f"{text}family", {"top1": 0.5, "sd855_ms_threads1": 2.0, "flops_m": 9},
            {"top1": "0.5", "sd855_ms_threads1": "2.0", "flops_m": "9"},
        )
        for name in names
    }  # fmt: skip
    fault = Fault(model=f"{text}ShuffleNetV2", columns=("top1",), note=f"{text}note")
    return view(
        *(poisoned(run, text, sorted_by=sorted_by) for run in runs()),
        order=[f"{text}{name}" for name in ("x0_25", "x1_0", "mine")],
        published=published,
        faults=(fault,),
    )


@cache
def plain_structure(*, sorted_by: bool) -> list[str]:
    return structure(page.render(shown("plain ", sorted_by=sorted_by)))


def structure(text: str) -> list[str]:
    """The page's structure; pictures lead to files of other names."""
    found = markdown_structure(text)
    assert all(re.fullmatch(r"image [\w.+=-]+\.svg", it) for it in found if it[:6] == "image ")
    return [it.split()[0] if it[:6] == "image " else it for it in found]


@pytest.mark.parametrize("sorted_by", [False, True])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_has_the_tables_that_it_has_with_plain_names(attack: str, sorted_by: bool) -> None:
    text = page.render(shown(f"{ATTACKS[attack]} ", sorted_by=sorted_by))
    assert structure(text) == plain_structure(sorted_by=sorted_by)
    assert not hidden(text)
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"]
    harmless = page.render(shown("plain ", sorted_by=sorted_by))
    assert len(widths) == sum(line[:1] == "|" for line in harmless.splitlines())


@pytest.mark.parametrize("sorted_by", [False, True])
@pytest.mark.parametrize("attack", ATTACKS)
def test_csv_has_a_row_a_cell_and_nothing_that_a_spreadsheet_computes(
    attack: str, sorted_by: bool
) -> None:
    files = csv_tables.write(shown(ATTACKS[attack], sorted_by=sorted_by), HERE)
    harmless = csv_tables.write(shown("plain", sorted_by=sorted_by), HERE)
    assert files.keys() == harmless.keys()
    for path, data in files.items():
        rows = csv_rows(data)
        assert len(rows) == len(csv_rows(harmless[path])) == data.count(b"\n") - 1
        assert not formulas(rows)
        assert not hidden(data.decode())


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_terminal_gets_nothing_that_steers_it_and_a_log_no_command(attack: str) -> None:
    text = latency_tables(shown(ATTACKS[attack]))
    assert not hidden(text)
    assert not [line for line in commands(text) if "##[" not in line]


@pytest.mark.parametrize("text", [ALL, ATTACKS["long"], ATTACKS["direction"]])
@pytest.mark.parametrize("sorted_by", [False, True])
def test_plots_are_whole_xml_of_a_readers_size_in_files_of_the_report(
    text: str, sorted_by: bool
) -> None:
    files = render_all(shown(text, sorted_by=sorted_by), HERE / "report")
    pictures = {path: data for path, data in files.items() if path.suffix == ".svg"}
    assert len(pictures) >= 5 if not sorted_by else pictures
    for path in files:
        assert path.parent == HERE / "report"
        assert len(path.name.encode()) < 255
    for data in pictures.values():
        root = ET.fromstring(data)  # noqa: S314 - our own
        assert float(root.attrib["height"].removesuffix("pt")) < 5000
        assert not hidden(data.decode())
        names = {name.rpartition("}")[2] for it in root.iter() for name in it.attrib}
        assert not {name for name in names if name.startswith("on")}
        links = [it.attrib.get("{http://www.w3.org/1999/xlink}href", "#") for it in root.iter()]
        assert all(link.startswith(("#", "data:image/png")) for link in links)


def comparison(text: str) -> Comparison:
    words: tuple[Word, ...] = get_args(Word)
    judged = {"ratio": 1.1, "low": 1.09, "high": 1.11, "base_ns": 2e6, "head_ns": 2.2e6}
    none = dict.fromkeys(judged)
    return Comparison(
        base=f"{text}base",
        head=f"{text}head",
        cells=tuple(
            CellVerdict(
                cell_id=f"{text}{word}", label=f"{text}{word}", verdict=word, reason=f"{text}why",
                **(none if word in ("MISSING", "INCOMPARABLE") else judged),
            )
            for word in words
        ),
        doubts=(f"{text}doubt",),
        notes=(f"{text}note",),
    )  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_comparison_has_the_lines_and_commands_that_it_has_with_plain_names(
    name: str, attack: str
) -> None:
    text, harmless = (rendered(comparison(one), name) for one in (f"{ATTACKS[attack]} ", "plain "))
    if name == "json":
        assert json.loads(text)["base"] == f"{ATTACKS[attack]} base"
        return
    assert text.count("\n") == harmless.count("\n")
    assert not hidden(text)
    found = [line for line in commands(text) if line.lstrip()[:2] == "::"]
    levels = [line.split(" title=")[0] for line in found]
    assert levels == [line.split(" title=")[0] for line in commands(harmless)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_junit_and_the_summary_of_a_step_keep_their_structure(attack: str) -> None:
    one, harmless = (comparison(text) for text in (f"{ATTACKS[attack]} ", "plain "))
    tags, plain = (
        [it.tag for it in ET.fromstring(rendered(each, "junit")).iter()]  # noqa: S314
        for each in (one, harmless)
    )
    assert tags == plain
    assert markdown_structure(step_summary(one)) == markdown_structure(step_summary(harmless))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_history_is_a_line_a_run(attack: str) -> None:
    (text,), (harmless,) = (map(history_text, history(one)) for one in (ATTACKS[attack], "plain"))
    assert text.count("\n") == harmless.count("\n")
    assert not hidden(text)
    assert not [line for line in commands(text) if "##[" not in line]


def test_a_historys_plot_is_whole_xml_in_one_file() -> None:
    (found,) = history(ALL)
    files = history_plot.render(replace(found, cell_id=ALL, system_id=ALL))
    assert all("/" not in name and len(name.encode()) < 255 for name in files)
    (data,) = (data for name, data in files.items() if name.endswith(".svg"))
    ET.fromstring(data)  # noqa: S314 - our own
    assert not hidden(data.decode())


def history(text: str) -> list[History]:
    points = [
        poisoned(
            stored(
                record("x0_25", engine=f"paddle {version}"),
                run_id=f"2024050{version}T120000Z-0badc0de-00000001",
            ),
            text,
        )
        for version in (1, 2)
    ]
    return list(histories([(run.manifest, run.system.heading, run.records[0]) for run in points]))
