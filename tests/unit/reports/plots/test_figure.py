"""What a figure's values accept, and which points make a Pareto front."""

from __future__ import annotations

import math

import pytest

from bench.reports.plots.figure import Figure, Line, Panel, Point, pareto_front


def point(label: str, x: float, top1: float) -> Point:
    return Point(label=label, x=x, top1=top1)


def labels(points: tuple[Point, ...]) -> list[str]:
    return [item.label for item in points]


def test_the_front_keeps_what_no_other_point_beats_and_sorts_it_by_cost() -> None:
    points = [
        point("dear", 9, 80),
        point("cheap", 1, 50),
        point("beaten", 5, 49),
        point("mid", 4, 70),
    ]

    assert labels(pareto_front(points)) == ["cheap", "mid", "dear"]


def test_of_points_of_one_cost_the_front_keeps_the_most_accurate() -> None:
    assert labels(pareto_front([point("worse", 2, 60), point("better", 2, 61)])) == ["better"]


def test_of_points_of_one_accuracy_the_front_keeps_the_cheapest() -> None:
    assert labels(pareto_front([point("dearer", 3, 60), point("cheaper", 2, 60)])) == ["cheaper"]


def test_of_equal_points_the_front_keeps_the_first() -> None:
    assert labels(pareto_front([point("first", 2, 60), point("second", 2, 60)])) == ["first"]


def test_no_points_make_an_empty_front() -> None:
    assert pareto_front([]) == ()


@pytest.mark.parametrize("x", [0.0, -1.0])
def test_a_logarithmic_panel_refuses_a_measured_point_that_is_not_above_zero(x: float) -> None:
    with pytest.raises(ValueError, match="'free_lunch'"):
        Panel(title="", x_label="ms", measured=(point("free_lunch", x, 70),))


def test_a_logarithmic_panel_refuses_a_published_point_at_zero() -> None:
    line = Line(family="GhostNet", points=(point("ghost", 0, 70),))

    with pytest.raises(ValueError, match="'ghost'"):
        Panel(title="", x_label="ms", context=(line,))


def test_a_logarithmic_panel_refuses_an_interval_that_reaches_zero() -> None:
    wide = Point(label="wide", x=1, top1=70, x_low=0, x_high=2)

    with pytest.raises(ValueError, match="'wide'"):
        Panel(title="", x_label="ms", measured=(wide,))


def test_a_linear_panel_takes_a_point_at_zero() -> None:
    panel = Panel(title="", x_label="ms", measured=(point("zero", 0, 70),), x_log=False)

    assert labels(tuple(panel.points())) == ["zero"]


@pytest.mark.parametrize(("x", "top1"), [(math.nan, 70), (1, math.nan), (math.inf, 70)])
def test_a_point_refuses_a_coordinate_that_is_no_finite_number(x: float, top1: float) -> None:
    with pytest.raises(ValueError, match="'odd'"):
        point("odd", x, top1)


def test_a_point_refuses_an_interval_that_ends_before_it_starts() -> None:
    with pytest.raises(ValueError, match="'turned'"):
        Point(label="turned", x=2, top1=70, x_low=3, x_high=1)


def test_a_point_takes_an_interval_that_misses_it() -> None:
    assert Point(label="bootstrap", x=2, top1=70, x_low=2.1, x_high=3).xs == (2, 2.1, 3)


def test_a_figure_refuses_a_panel_without_points() -> None:
    with pytest.raises(ValueError, match="'bare'"):
        Figure(name="f", title="", panels=(Panel(title="bare", x_label="ms"),), caption="")


def test_a_figure_refuses_to_have_no_panels() -> None:
    with pytest.raises(ValueError, match="no panel"):
        Figure(name="f", title="", panels=(), caption="")


@pytest.mark.parametrize("name", ["", "../away", "a\\b"])
def test_a_figure_refuses_a_name_that_is_no_stem_of_a_file(name: str) -> None:
    panel = Panel(title="", x_label="ms", measured=(point("p", 1, 70),))

    with pytest.raises(ValueError, match="stem"):
        Figure(name=name, title="", panels=(panel,), caption="")
