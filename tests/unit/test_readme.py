"""The README's figures are the report's: whoever refreshes the one has to refresh the other."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from bench.core.errors import BrokenResult
from bench.reports.build import load_runs, load_servings, view_of
from bench.reports.markdown.markers import blocks, updated

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_picture_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_what_is_said_of_the_engines_is_what_their_table_holds() -> None:
    with (ROOT / "results" / "report" / "engines.csv").open(encoding="utf-8") as file:
        cells = [row for row in csv.DictReader(file) if row["suite"] == "engines"]
    assert {row["outcome"] for row in cells} == {"measured"}
    farthest = max(float(row["relative_l2"]) for row in cells)
    assert f"All {len(cells)} cells" in README
    assert f"{farthest:.1e} from the reference" in README
    assert farthest <= 1e-4


def test_every_plot_of_accuracy_names_each_net_that_it_shows() -> None:
    plots = sorted((ROOT / "results" / "report").glob("top1-*.svg"))
    assert plots
    for plot in plots:
        text = plot.read_text(encoding="utf-8")
        labels = set(re.findall(r'id="([\w-]+-label\d+)"', text))
        assert len(labels) == 7, plot.name


def test_its_tables_are_those_of_the_committed_results() -> None:
    broken: list[BrokenResult] = []
    view = view_of(load_runs(ROOT / "results", broken=broken), ROOT / "models")
    path = ROOT / "README.md"
    text, changed = updated(path, path.read_bytes(), view, None)
    assert not broken
    assert changed == {"latency-cpu": False, "engines-latency": False}, "bench report --update"
    assert text == path.read_bytes()


def test_the_tables_of_served_nets_are_those_of_the_committed_results() -> None:
    broken: list[BrokenResult] = []
    servings = load_servings(ROOT / "results", broken=broken)
    path = ROOT / "docs" / "serving.md"
    data = path.read_bytes()
    assert [it.name for it in blocks(path, data)] == ["serving-loads", "serving-cost"]
    if servings:
        view = view_of([], ROOT / "models", servings=servings)
        assert updated(path, data, view, None)[0] == data, "bench report --update docs/serving.md"
    else:  # nothing was loaded yet: nothing may be claimed
        assert all(it.start == it.stop for it in blocks(path, data))
    assert not broken
