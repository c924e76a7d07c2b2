"""The page as an HTML parser reads it: whole, in order, and with nothing from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from bench.analysis.series import View
from bench.config.published import Published
from bench.core.paths import PROJECT
from bench.reports.build import load_runs, load_servings, view_of
from bench.reports.page.write import write
from tests.fakes.hostile import ATTACKS, poisoned
from tests.fakes.html_page import Reader, block
from tests.fakes.reading import hidden
from tests.fakes.records import ENGINE, facts, failed, record, stored, system, view

FOLDER = Path("results/report")
LABELS = ("aria-labelledby", "aria-describedby", "for")
PUBLISHED = {
    "ShuffleNetV2_x0_25": Published(
        "ShuffleNetV2_x0_25", "ShuffleNetV2",
        {"top1": 0.499, "flops_m": 18.95, "sd855_ms_threads1": 1.94},
        {"top1": "0.4990", "flops_m": "18.95", "sd855_ms_threads1": "1.94"},
    )
}  # fmt: skip


def shown() -> View:
    three = {"sessions": 3}
    samples = [[2.0] * 30, [2.1] * 30, [2.2] * 30]
    nets = {"x0_25": facts(), "x1_0": facts("ShuffleNetV2"), "mine": facts(None, title="mine")}
    run = stored(
        record("x0_25", samples_ms=samples, sampling=three),
        record("x1_0", samples_ms=samples, sampling=three),
        record("mine", outcome=failed()),
        models=nets,
        beside=["sd855_ms_threads1"],
    )
    return view(run, order=list(nets), published=PUBLISHED)


@pytest.fixture(scope="module")
def read() -> Reader:
    return page(shown())


def page(of: View, lang: str = "en", folder: Path = FOLDER) -> Reader:
    (data,) = write(of, folder, lang).values()
    return Reader(data.decode())


def test_each_table_has_a_caption_and_each_head_a_scope(read: Reader) -> None:
    tables = [attrs for attrs, _ in read.all("table")]
    assert len(tables) > 5
    captions = [text.strip() for _, text in read.all("caption")]
    assert len(captions) == len(tables)
    assert all(captions)
    assert {attrs.get("scope") for attrs, _ in read.all("th")} == {"col", "row"}


def test_landmarks_and_headings_in_order(read: Reader) -> None:
    assert {"header", "nav", "main"} <= {tag for tag, _, _ in read.found}
    levels = [int(tag[1]) for tag, _, _ in read.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_links_lead_to_one(read: Reader) -> None:
    ids = [attrs["id"] for _, attrs, _ in read.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs.get("href", "") for attrs, _ in read.all("a")]
    within = {target[1:] for target in targets if target.startswith("#")}
    details = {f"cell-{number}" for number in range(len(block(read, "cells")["cells"]))}
    assert within <= {*ids, *details}
    assert {"main", "part-latency", "costs"} <= within
    named = {attrs[name] for _, attrs, _ in read.found for name in LABELS if name in attrs}
    assert {one for names in named for one in names.split()} <= set(ids)


def test_nothing_comes_from_elsewhere_and_each_script_is_allowed(read: Reader) -> None:
    ((meta, _),) = [it for it in read.all("meta") if "http-equiv" in it[0]]
    policy = meta["content"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    own = [text for attrs, text in read.all("script") if attrs["type"] != "application/json"]
    libraries = [
        block(read, attrs["id"].removeprefix("data-"))
        for attrs, _ in read.all("script")
        if attrs.get("id", "").startswith("data-library-")
    ]
    assert (len(own), len(libraries)) == (1, 2)
    for text in [*own, *libraries, *(text for _, text in read.all("style"))]:
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert all("src" not in attrs and "style" not in attrs for _, attrs, _ in read.found)
    assert read.all("link") == []
    targets = {attrs.get("href", "#") for attrs, _ in read.all("a")}
    assert {target[:8] for target in targets if target[0] != "#"} == {"../runs/"}


def test_each_figure_bears_its_cell_and_value_and_the_first_leads_to_its_record(
    read: Reader,
) -> None:
    number, key = 0, next(iter(block(read, "cells")["cells"]))
    run_id, cell_id = key.split("/")
    links = [attrs for attrs, _ in read.all("a") if attrs.get("data-cell") == str(number)]
    system = shown().sources[run_id].system_id
    ways = [attrs["href"] for attrs in links]
    assert ways[0] == f"../runs/{system}/{run_id}/cells/{cell_id}.json"
    assert set(ways[1:]) == {f"#cell-{number}"}
    assert "2.1" in {attrs.get("data-order") for attrs, _ in read.all("td")}


def test_the_report_on_one_run_lies_beside_its_records() -> None:
    run_id, cell_id = next(iter(shown().records))
    read = page(shown(), folder=Path("results/runs/system") / run_id / "report")
    assert f"../cells/{cell_id}.json" in {attrs.get("href") for attrs, _ in read.all("a")}


def test_details_say_where_a_figure_comes_from(read: Reader) -> None:
    cells = block(read, "cells")
    of = shown()
    assert set(cells["cells"]) == {"/".join(key) for key in of.records}
    (run_id, cell_id), *_ = of.records
    cell = cells["cells"][f"{run_id}/{cell_id}"]
    told = dict(zip(cells["labels"]["cell"], cell["values"], strict=True))
    assert told["Figure"] == "2.10 ± 0.25 ms"
    assert told["95% interval"] == "1.852 to 2.348 ms, ±11.8%"
    assert told["Sessions"] == "3, with 90 samples; as many as the preset has"
    assert told["Engine"] == ENGINE
    assert cell["why"]
    run = dict(zip(cells["labels"]["run"], cells["runs"][run_id], strict=True))
    assert run["Run"] == run_id
    assert run["Command"]


def test_a_cell_without_a_figure_is_listed_once_with_its_reason(read: Reader) -> None:
    (rows,) = [rows for table, rows in read.tables() if table == "failed-cells"]
    assert [row[0] for row in rows] == ["mine"]
    assert failed().hint in rows[0]


def test_published_and_measured_stand_beside_each_other_with_their_distance(read: Reader) -> None:
    tables = dict(read.tables())
    assert tables["compared-costs"][0] == ["ShuffleNetV2_x0_25", "18.95", "18.95", "0.0%"]
    assert tables["compared-sd855_ms_threads1"][0][1:] == ["1.94", "1.08 ×"]
    origins = {attrs["class"].split()[0] for attrs, _ in read.all("td") if "class" in attrs}
    assert {"measured", "published", "counted"} <= origins


def test_the_same_net_on_several_systems_stands_side_by_side() -> None:
    assert not [key for key, _ in page(shown()).tables() if key.startswith("systems-")]
    runs = [
        stored(
            record("x0_25", samples_ms=[[one] * 30]),
            models={"x0_25": facts()},
            run_id=f"2024050{number}T120000Z-0badc0de-0000000{number}",
            on=system(name, system_id=name),
        )
        for number, (name, one) in enumerate({"first": 1.0, "second": 3.0}.items(), start=1)
    ]
    tables = dict(page(view(*runs, order=["x0_25"])).tables())
    (key,) = [key for key in tables if key.startswith("systems-")]
    # the newest run's system comes first
    assert [text.split()[0] for text in tables[key][0]] == ["ShuffleNetV2_x0_25", "3.00", "1.00"]


def test_the_title_has_the_date_and_the_head_the_systems(read: Reader) -> None:
    assert read.all("title")[0][1] == "Benchmark results · 2024-05-01"
    assert system().heading in read.all("header")[0][1]


def test_the_chinese_page_says_so() -> None:
    (path,) = write(shown(), FOLDER, "zh")
    read = page(shown(), "zh")
    assert path.name == "index.zh.html"
    ((html, _),) = read.all("html")
    assert html["lang"] == "zh"
    assert "预测速度" in "".join(text for _, text in read.all("h2"))


def test_the_same_view_gives_the_same_bytes() -> None:
    assert write(shown(), FOLDER) == write(shown(), FOLDER)


def test_a_report_without_a_result_is_a_page_too() -> None:
    read = page(view(order=[]))
    assert read.all("table") == []
    assert "make bench" in read.all("header")[0][1]


def test_each_place_for_a_drawing_has_its_chart_and_each_measured_cell_its_samples(
    read: Reader,
) -> None:
    places = [attrs["data-chart"] for attrs, _ in read.all("div") if "data-chart" in attrs]
    assert sorted(places) == sorted([*block(read, "charts"), *block(read, "sample-charts")])
    measured = {key for key, record in shown().records.items() if record.sessions}
    assert set(block(read, "samples")) == {"/".join(key) for key in measured}
    for chart in (*block(read, "charts").values(), *block(read, "sample-charts").values()):
        assert chart["$schema"].endswith("/vega-lite/v6.json")


def test_a_reason_of_several_figures_is_one_note_below_its_table() -> None:
    drifting = [[2.0] * 10 + [one] * 20 for one in (2.3, 2.3)]
    steeper = [[2.0] * 10 + [one] * 20 for one in (2.5, 2.5)]
    run = stored(
        record("x0_25", samples_ms=drifting), record("x1_0", samples_ms=steeper), suite="cpu"
    )
    read = page(view(run))
    targets = [attrs.get("href", "") for attrs, _ in read.all("a")]
    marks = [target[1:] for target in targets if target.startswith("#n")]
    notes = {attrs["id"]: text for attrs, text in read.all("li") if attrs.get("id") in marks}
    (said,) = (name for name, text in notes.items() if "15.0–25.0%" in text)
    assert marks.count(said) == 2


@pytest.mark.parametrize("name", ATTACKS)
def test_names_that_mean_harm_stay_text(name: str) -> None:
    def of(text: str) -> Reader:
        run = stored(
            record("x0_25", samples_ms=[[2.0] * 30] * 3),
            record("x1_0", outcome=failed()),
            models={"x0_25": facts(), "x1_0": facts(None, title="mine")},
        )
        return page(view(poisoned(run, text, sorted_by=False)))

    harmless, attacked = of("plain"), of(ATTACKS[name])
    assert {tag for tag, _, _ in attacked.found} <= {tag for tag, _, _ in harmless.found}
    for tag in ("script", "style", "table", "tr", "th", "td"):
        assert len(attacked.all(tag)) == len(harmless.all(tag))
    assert {key for _, attrs, _ in attacked.found for key in attrs} <= {
        key for _, attrs, _ in harmless.found for key in attrs
    }
    targets = {attrs.get("href", "#") for attrs, _ in attacked.all("a")}
    assert {target.partition("/")[0] for target in targets if target[0] != "#"} <= {".."}
    shown = [text for tag, _, texts in attacked.found if tag == "td" for text in texts]
    assert hidden("".join(shown)) == []


@pytest.mark.slow
@pytest.mark.parametrize("results", [PROJECT / "results", PROJECT / "results" / "mobile"])
def test_the_page_of_the_committed_runs_is_below_2_mb(results: Path) -> None:
    servings = load_servings(results, broken=[])
    of = view_of(load_runs(results, broken=[]), PROJECT / "models", servings=servings)
    (data,) = write(of, results / "report").values()
    assert len(data) < 2_000_000
