"""What each plot looks like, held against a picture of it in pictures/.

Where a plot changes on purpose, look at the new picture, whose path the failure names, and copy it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

from bench.analysis.side_by_side import side_by_side
from bench.reports.plots import engines, history, scatter, sheet, style, sustained
from bench.reports.plots.figure import Figure, Line, Panel, Point
from tests.unit.reports.plots import test_engines_plot, test_history_plot, test_sustained_plot

PICTURES = Path(__file__).parent / "pictures"
DPI = 50
TOLERANCE = 1.5  # RMS of 255: another release of the fonts' renderer stays below

Files = Mapping[str, bytes]


def by_family() -> Files:
    """Two families measured, one of them published too, with a third; intervals of all widths."""
    small = [("a_x0_5", 1.0, 50.0, 0.05), ("a_x1_0", 2.1, 63.0, 0.2), ("a_x2_0", 5.0, 71.0, 2.0)]
    large = [("b_x0_5", 1.5, 48.0, 0.1), ("b_x1_0", 3.9, 66.0, 0.4)]
    ours, theirs = (
        tuple(
            Point(label=name, x=x, top1=top1, x_low=x - half, x_high=x + half)
            for name, x, top1, half in family
        )
        for family in (small, large)
    )
    left = Panel(
        title="Measured: a machine", x_label="Latency (ms)", measured=ours + theirs,
        families=(Line(family="ShuffleNetV2", points=ours), Line(family="B", points=theirs)),
        measured_name="engine, measured",
    )  # fmt: skip
    published = [("ShuffleNetV2", 2.0), ("C", 3.0), ("C_ssld", 3.5)]
    right = Panel(
        title="Published: a phone", x_label="Latency (ms)",
        context=tuple(
            Line(
                family=family,
                points=tuple(
                    Point(label=f"{family}{i}", x=x * 2**i, top1=52 + 2 * x + 8 * i)
                    for i in range(3)
                ),
            )
            for family, x in published
        ),
    )  # fmt: skip
    return scatter.render(
        Figure(name="it", title="Top-1 accuracy", panels=(left, right), caption="Where it is from.")
    )


def by_engine() -> Files:
    one = test_engines_plot.shown(wide="ncnn")
    (table,) = side_by_side(one)
    return engines.render(one, table)


def over_time() -> Files:
    return sustained.render(test_sustained_plot.figure(test_sustained_plot.SLOWING))


def over_runs() -> Files:
    return history.render(test_history_plot.STEP)


PLOTS: Mapping[str, Callable[[], Files]] = {
    "by_family": by_family, "by_engine": by_engine, "over_time": over_time, "over_runs": over_runs,
}  # fmt: skip


def difference(name: str, folder: Path) -> str | None:
    """Return how the plot differs from its picture, and None where it doesn't."""
    (data,) = (data for file, data in PLOTS[name]().items() if file.endswith(".png"))
    new, old = folder / f"{name}.png", folder / f"{name}-picture.png"
    new.write_bytes(data)
    shutil.copy(PICTURES / new.name, old)  # what differs is written beside it
    found = compare_images(str(old), str(new), TOLERANCE)
    return None if found is None else str(found)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "PNG_DPI", DPI)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_looks_like_its_picture(name: str, tmp_path: Path) -> None:
    assert difference(name, tmp_path) is None


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("by_family", style.MEASURED), ("by_family", style.FRONT_MEASURED),
        ("by_engine", engines.BAND), ("over_time", sustained.TENTH), ("over_runs", history.LEVEL),
    ],
)  # fmt: skip
def test_another_colour_is_noticed(
    name: str, look: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(look, "color", "#d000d0")
    assert "Error: Image files did not match" in (difference(name, tmp_path) or "")


def test_the_pictures_are_small_and_each_is_of_a_plot() -> None:
    sizes = {path.stem: path.stat().st_size for path in PICTURES.iterdir()}
    assert set(sizes) == set(PLOTS)
    assert max(sizes.values()) < 60_000
