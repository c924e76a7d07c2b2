from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.analysis.series import Declared, StoredRun, View
from bench.config.published import Published
from bench.reports.plots.figure import Figure
from bench.reports.plots.figures import context, figures, plotted, write
from tests.fakes.accuracy_runs import accuracy_run
from tests.fakes.records import facts, failed, put, record, skipped, stored, system, view
from tests.fakes.tables import MODELS


def row(name: str, family: str, **texts: str) -> Published:
    return Published(name, family, {key: float(text) for key, text in texts.items()}, texts)


OWN = "ShuffleNetV2_x0_25"
ROWS = {
    OWN: row(OWN, "ShuffleNetV2", top1="0.4990", flops_m="18.95", storage_mb="2.7", params_m="0.6",
             sd855_ms_threads1="1.94"),
    "ShuffleNetV2_x0_5": row("ShuffleNetV2_x0_5", "ShuffleNetV2", top1="0.6032", flops_m="42.58",
                             sd855_ms_threads1="3.67"),
    "Small": row("Small", "Ghost", top1="0.6688", flops_m="46.15", sd855_ms_threads1="5.28"),
    "Large": row("Large", "Ghost", top1="0.7402", flops_m="30.0", sd855_ms_threads1="4.1"),
    "NoTop1": row("NoTop1", "Ghost", flops_m="1.0", sd855_ms_threads1="1.0"),
    "NoLatency": row("NoLatency", "ESNet", top1="0.7"),
}  # fmt: skip
BESIDE = ["sd855_ms_threads1", "sd855_ms_threads2"]


def shown(*runs: StoredRun) -> View:
    return view(*runs, published=ROWS)


def by_kind(known: View) -> dict[str, Figure]:
    """The figures by what accuracy is drawn against: latency, storage, flops, params."""
    return {figure.name.split("-")[1]: figure for figure in figures(known)}


def latency(*runs: StoredRun) -> Figure:
    return by_kind(shown(*runs))["latency"]


def test_a_measured_net_with_a_published_top1_is_a_point_with_its_interval_in_ms() -> None:
    (point,) = latency(stored(record(samples_ms=[[2.0], [2.1]]))).panels[0].measured
    assert (point.label, point.top1) == ("x0_25", 49.9)
    assert [point.x_low, point.x, point.x_high] == pytest.approx([1.4147, 2.05, 2.6853], rel=1e-4)


def test_a_net_that_nobody_published_is_a_point_by_what_is_declared_or_measured() -> None:
    mine = record("mine", samples_ms=[[2.0], [2.1]])
    own = facts(None, model_hash="another")
    runs = stored(mine, record("other"), models={"mine": own})
    answers = {"other": {"paddle": [1, 2, 3, 9]}}
    known = view(
        runs,
        published=ROWS,
        declared={"mine": Declared(top1=0.612)},
        accuracies=[accuracy_run([1, 2, 3, 4], answers)],
    )
    drawn = by_kind(known)["latency"]
    points = {it.label: it.top1 for it in drawn.panels[0].measured}
    assert points == pytest.approx({"mine": 61.2, "other": 75.0})
    assert "Top-1 accuracy of mine: declared; other: measured over 4 images." in drawn.caption
    assert "figure for ImageNet-1k throughout" in latency(stored(record())).caption


def test_without_published_figures_the_measured_panel_stands_alone_and_is_drawn() -> None:
    run = stored(record("mine", samples_ms=[[2.0], [2.1]]), beside=BESIDE)
    known = view(run, declared={"mine": Declared(top1=0.612)})
    (panel,) = by_kind(known)["latency"].panels
    assert panel.title.startswith("Measured")
    assert "different hardware" not in by_kind(known)["latency"].caption
    assert by_kind(known)["flops"].panels[0].title == "Counted here"
    assert Path("top1-flops.svg") in write(known, Path())


def test_only_what_was_measured_is_a_point() -> None:
    run = stored(
        record("x0_25", outcome=failed()),
        record("x0_5", samples_ms=[[3.0]]),
        record("x1_0", outcome=skipped()),
    )
    assert [point.label for point in latency(run).panels[0].measured] == ["x0_5"]


@pytest.mark.parametrize("published", [None, "Unheard of", "NoTop1"])
def test_a_net_whose_top1_nobody_knows_is_no_point_of_any_figure(published: str | None) -> None:
    run = stored(record("x0_25"), record("mine"), models={"mine": facts(published, title="My net")})
    for figure in figures(shown(run)):
        assert [point.label for point in figure.panels[0].measured] == ["x0_25"]


def test_a_point_is_of_the_first_column_alone() -> None:
    run = stored(record(batch=4, samples_ms=[[9.0]]), record(batch=1, samples_ms=[[2.0]]))
    panel = latency(run).panels[0]
    assert [point.x for point in panel.measured] == [2.0]
    assert panel.x_label == "Latency (ms), bs=1, thread=1, FP32"


def test_an_interval_that_reaches_zero_is_cut_at_a_tenth_of_the_figure() -> None:
    (point,) = latency(stored(record(samples_ms=[[1.0], [3.0]]))).panels[0].measured
    assert (point.x, point.x_low) == (2.0, 0.2)
    assert point.x_high is not None
    assert point.x_high > 4


def test_a_figure_of_one_session_has_no_error_bar() -> None:
    (point,) = latency(stored(record(samples_ms=[[2.0]]))).panels[0].measured
    assert (point.x_low, point.x_high) == (None, None)


def test_published_latencies_stand_in_a_panel_of_their_own_with_their_hardware() -> None:
    here, there = latency(stored(record(), beside=BESIDE)).panels
    assert (here.title, there.title) == (
        "Measured: AMD EPYC, 2 cores", "Published: Snapdragon 855, Paddle Lite",
    )  # fmt: skip
    assert (here.context, there.measured) == ((), ())
    assert {line.family for line in there.context} == {"ShuffleNetV2", "Ghost"}


def test_without_a_known_column_beside_it_the_measured_panel_stands_alone() -> None:
    assert len(latency(stored(record(), beside=["no_such_column"])).panels) == 1


def test_published_models_are_joined_by_family_in_the_order_of_their_cost() -> None:
    lines = {line.family: line.points for line in context(shown(), "flops_m")}
    assert {family: [point.label for point in points] for family, points in lines.items()} == {
        "ShuffleNetV2": [OWN, "ShuffleNetV2_x0_5"],
        "Ghost": ["Large", "Small"],
    }
    assert [(point.x, point.top1) for point in lines["Ghost"]] == [(30.0, 74.02), (46.15, 66.88)]


def test_measured_nets_of_several_families_are_joined_by_family_and_bear_their_titles() -> None:
    run = stored(
        record("x0_5", samples_ms=[[3.0]]), record("x0_25", samples_ms=[[2.0]]),
        record("small", samples_ms=[[5.0]]), record("large", samples_ms=[[4.0]]),
        models={"small": facts("Small", title="A"), "large": facts("Large", title="B")},
    )  # fmt: skip
    panel = latency(run).panels[0]
    lines = {line.family: line.points for line in panel.families}
    assert {family: [point.label for point in points] for family, points in lines.items()} == {
        "ShuffleNetV2": [OWN, "ShuffleNetV2_x0_5"],
        "Ghost": ["B", "A"],
    }
    titles = {"ShuffleNetV2_x0_5", OWN, "A", "B"}
    assert {point.label for point in panel.measured} == titles
    counted = by_kind(shown(run))["flops"].panels[0]
    assert {point.label for point in counted.measured} == titles


def test_measured_nets_of_one_family_are_joined_and_called_variants() -> None:
    run = stored(record("x0_5", samples_ms=[[3.0]]), record("x0_25", samples_ms=[[2.0]]))
    panel = latency(run).panels[0]
    (line,) = panel.families
    assert line.family == "ShuffleNetV2"
    assert [point.label for point in line.points] == ["x0_25", "x0_5"]
    assert {point.label for point in panel.measured} == {"x0_5", "x0_25"}


def test_counted_costs_stand_beside_published_ones_of_the_same_unit() -> None:
    found = by_kind(shown(stored(record())))
    counted = [found[name].panels[0].measured[0].x for name in ("storage", "flops", "params")]
    assert counted == pytest.approx([2_835_000 / 2**20, 18.945136, 0.607712])
    assert found["storage"].panels[0].x_label.endswith("(MiB)")


def test_there_is_no_figure_of_a_cost_that_nobody_counted() -> None:
    lacking = {"x0_25": facts(OWN, storage=None)}
    assert set(by_kind(shown(stored(record(), models=lacking)))) == {"latency", "flops", "params"}


def test_there_is_no_latency_figure_where_nothing_was_measured() -> None:
    assert "latency" not in by_kind(shown(stored(record(outcome=failed()))))


def test_there_is_no_figure_at_all_without_results() -> None:
    assert (figures(shown()), write(shown(), Path())) == ([], {})


def test_of_series_that_share_a_plot_the_one_with_most_sessions_is_drawn() -> None:
    quick = {"preset": "quick"}
    thorough = stored(record(samples_ms=[[1.0], [1.1], [1.2]]), run_id="1")
    hasty = stored(record(samples_ms=[[9.0], [9.1]], sampling=quick), run_id="2")
    assert [series.preset for series in plotted(shown(thorough, hasty).series)] == ["standard"]
    assert "preset standard" in latency(thorough, hasty).caption


@pytest.mark.parametrize("newest", ["quick", "standard"])
def test_of_series_with_as_many_sessions_the_newest_is_drawn(newest: str) -> None:
    runs = {
        preset: stored(record(sampling={"preset": preset}), run_id="2" if preset == newest else "1")
        for preset in ("quick", "standard")
    }
    ordered = sorted(runs.values(), key=lambda run: run.manifest.run_id)
    assert [series.preset for series in plotted(shown(*ordered).series)] == [newest]


def test_each_system_runner_and_setting_has_a_plot_of_its_own() -> None:
    runs = [
        stored(record(), record(runner="other"), record(settings={"onednn": "off"})),
        stored(record(), on=system("B", system_id="b")),
    ]
    names = [figure.name for figure in figures(shown(*runs)) if "latency" in figure.name]
    assert len(set(names)) == len(names) == 4


def test_a_figure_says_that_top1_is_published_and_what_its_latency_is() -> None:
    on = system("Cortex-A76", emulated=True)
    caption = latency(stored(record(), on=on)).caption
    assert caption.startswith("emulated: Cortex-A76 — ")
    assert "mean of the sessions' medians" in caption
    assert "Top-1 accuracy is PaddleClas's published figure" in caption


BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG", "csv": b"panel,series,label,x,low,high,y,"}


def test_every_figure_is_written_as_svg_png_and_csv_under_its_name() -> None:
    run = stored(record(), models={"x0_25": facts(OWN, costs=None)})
    files = write(shown(run), Path("report"))
    stem = "top1-latency-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32"
    names = {f"{one}.{kind}" for one in (stem, "top1-storage") for kind in BEGINNINGS}
    assert set(files) == {Path("report") / name for name in names}
    for path, data in files.items():
        assert data.startswith(BEGINNINGS[path.suffix[1:]])


def test_a_report_without_a_plot_does_not_load_matplotlib(tmp_path: Path) -> None:
    put(stored(record("mine")), tmp_path)
    code = (
        "import sys; from bench.cli.main import main; main(sys.argv[1:]); "
        "assert 'matplotlib' not in sys.modules"
    )
    argv = ["report", "--results", str(tmp_path), "--models", str(MODELS)]
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
