"""The ticks of a cost axis: few, round, and written as plain numbers."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes

from bench.reports.plots.figure import Figure, Panel, Point
from bench.reports.plots.scatter import compose
from bench.reports.plots.sheet import log_ticks, plain


def axes_of(points: list[Point], *, x_log: bool) -> Axes:
    panel = Panel(title="", x_label="ms", measured=tuple(points), x_log=x_log)
    return compose(Figure(name="f", title="", panels=(panel,), caption="")).axes[0]


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [
        ((0.4, 60), [0.5, 1, 2, 5, 10, 20, 50]),
        ((1.8, 40), [2, 5, 10, 20]),
        ((0.9, 11), [1, 1.5, 2, 3, 4, 5, 7, 10]),
        ((0.001, 1e6), [0.001, 0.01, 0.1, 1, 10, 100, 1000, 1e4, 1e5, 1e6]),
    ],
)
def test_a_logarithmic_axis_has_a_few_round_ticks(
    limits: tuple[float, float], ticks: list[float]
) -> None:
    assert log_ticks(*limits) == pytest.approx(ticks)


@pytest.mark.parametrize("x_log", [True, False])
def test_tick_labels_are_plain_numbers(x_log: bool) -> None:
    points = [Point(label=str(x), x=x, top1=70) for x in (0.02, 1, 3000)]

    texts = [text.get_text() for text in axes_of(points, x_log=x_log).get_xticklabels()]

    assert len(texts) >= 3
    assert not any("e" in text or "10^" in text for text in texts)
    assert all(float(text) <= 1e4 for text in texts)


def test_a_narrow_logarithmic_axis_has_ticks_too() -> None:
    points = [Point(label=str(x), x=x, top1=70) for x in (8.1, 8.9)]
    axes = axes_of(points, x_log=True)

    low, high = axes.get_xlim()
    assert len([tick for tick in axes.get_xticks() if low <= tick <= high]) >= 3


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (20.0, "20"), (1000.0, "1000"), (1e7, "10000000"), (0, "0")]
)
def test_a_tick_is_written_without_an_exponent(value: float, text: str) -> None:
    assert plain(value) == text
