"""A cell over the runs: its points, what changed between them, and where its level changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.analysis.history import History, Stored, change_points, histories
from bench.reports.history import history_text, history_values
from bench.storage.schema.common import HARNESS
from tests.fakes.records import failed, manifest, provenance, record, system

BEFORE, AFTER = [2.0, 2.01, 1.99, 2.0, 2.005], [2.3, 2.31, 2.29, 2.305]


def stored(day: int, value_ms: float = 2.0, **more: Any) -> Stored:
    """The run of that day, its sessions around `value_ms`."""
    origin = provenance(commit=more.pop("commit", "0badc0de" * 5))
    on = system(system_id=more.pop("on", "box"))
    sampling = more.pop("sampling", None)
    one = record(
        samples_ms=[[value_ms * factor] for factor in (0.99, 1.0, 1.01)], sampling=sampling, **more
    )
    run = manifest(
        one,
        on=on,
        run_id=f"202405{day:02d}T120000Z-0badc0de-00000001",
        started=f"2024-05-{day:02d}T12:00:00+00:00",
        provenance=origin,
    )
    return run, "A box", one


def only(*runs: Stored) -> History:
    (found,) = histories(runs)
    return found


def test_points_stand_in_order_of_time_with_their_interval() -> None:
    found = only(stored(3, 2.2), stored(1, 2.0), stored(2, 2.1))
    assert [point.value_ns for point in found.points] == pytest.approx([2.0e6, 2.1e6, 2.2e6])
    assert [point.started[8:10] for point in found.points] == ["01", "02", "03"]
    # Student's t of 3 sessions: 4.303 s / sqrt(3), s = 1% of 2 ms.
    assert found.points[0].half_width_ns == pytest.approx(4.303 * 0.02e6 / math.sqrt(3), rel=1e-3)


def test_each_system_preset_and_statistic_has_a_history_of_its_own() -> None:
    found = histories(
        [
            stored(1), stored(2, on="another"), stored(3, sampling={"preset": "quick"}),
            stored(4, sampling={"statistic": "mean"}), stored(5),
        ]
    )  # fmt: skip
    assert [(one.system_id, one.preset, one.statistic, len(one.points)) for one in found] == [
        ("another", "standard", "median", 1),
        ("box", "quick", "median", 1),
        ("box", "standard", "mean", 1),
        ("box", "standard", "median", 2),
    ]


def test_a_run_without_a_figure_is_left_out() -> None:
    run, heading, _ = stored(2)
    lost = (run, heading, record(outcome=failed()))
    assert len(only(stored(1), lost, stored(3)).points) == 2


def test_a_change_of_engine_or_commit_is_told_at_the_run_that_has_it() -> None:
    found = only(stored(1), stored(2, engine="paddle 3.3.0", commit="feed" * 10), stored(3))
    assert [point.changed for point in found.points] == [
        (),
        ("engine paddle 3.2.0 -> paddle 3.3.0", "harness commit 0badc0de -> commit feedfeed"),
        ("engine paddle 3.3.0 -> paddle 3.2.0", "harness commit feedfeed -> commit 0badc0de"),
    ]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"commit": "feed" * 10}, "commit feedfeed, changed"),
        ({"commit": None, "harness": {HARNESS: "0.1.0"}}, "version 0.1.0, changed"),
        ({"commit": None, "harness": {}}, "unknown, changed"),
    ],
)
def test_the_harness_is_a_commit_or_a_version(changed: dict[str, Any], text: str) -> None:
    run, heading, entry = stored(1)
    origin = run.provenance.model_copy(update={"dirty": True, **changed})
    point = only((run.model_copy(update={"provenance": origin}), heading, entry)).points[0]
    assert point.around["harness"] == text
    history = histories([(run.model_copy(update={"provenance": origin}), heading, entry)])
    assert f"paddle 3.2.0, {text}\n" in history_text(history[0])


def test_a_change_of_level_is_found_where_it_is() -> None:
    values = [*BEFORE, *AFTER]
    assert change_points(values) == [5]
    found = only(*(stored(day, value) for day, value in enumerate(values, 1)))
    assert [(level.start, level.stop) for level in found.levels] == [(0, 5), (5, 9)]
    assert found.step(5) == pytest.approx(2.301 / 2.001, rel=1e-3)
    assert found.step(4) is None


def test_two_changes_are_both_found() -> None:
    assert change_points([*BEFORE, *AFTER, *BEFORE]) == [5, 9]


def test_a_change_below_the_minimum_effect_is_none() -> None:
    smaller = [2.0001, 2.0, 1.9999, 2.0, 2.0002, 2.0401, 2.04, 2.0399, 2.04]
    assert change_points(smaller) == []
    assert change_points(smaller, min_effect=0.01) == [5]


def test_one_run_that_is_off_is_no_change_of_level() -> None:
    assert change_points([*BEFORE, 2.5, *BEFORE]) == []


def test_three_runs_are_too_few() -> None:
    assert change_points([2.0, 2.0, 3.0]) == []
    assert change_points([]) == []


def test_equal_figures_have_no_change() -> None:
    assert change_points([2.0] * 12) == []


@pytest.mark.parametrize("sd", [0.01, 0.03, 0.06])
@pytest.mark.parametrize("runs", [6, 20])
def test_noise_alone_is_rarely_marked(sd: float, runs: int) -> None:
    rng = np.random.default_rng(1)
    marked = sum(bool(change_points(list(np.exp(rng.normal(0, sd, runs))))) for _ in range(200))
    assert marked <= 20


def test_a_change_by_a_tenth_is_found_in_steady_runs() -> None:
    rng = np.random.default_rng(2)
    logs = rng.normal(0, 0.01, (100, 10)) + math.log(1.1) * (np.arange(10) >= 6)
    assert sum(change_points(list(np.exp(row))) == [6] for row in logs) >= 95


def test_the_text_has_a_line_a_run_and_the_changes_before_it() -> None:
    runs = [stored(day, value) for day, value in enumerate(BEFORE, 1)]
    runs += [stored(day, value, engine="paddle 3.3.0") for day, value in enumerate(AFTER, 6)]
    lines = history_text(only(*runs)).splitlines()
    assert lines[0] == "x0_25 paddle batch 1, 1 thread onednn=on"
    assert lines[7].strip() == "== the level changes by +15.0%"
    assert lines[8].strip() == "-- engine paddle 3.2.0 -> paddle 3.3.0"
    assert lines[9].split("  ")[2:] == [
        "2024-05-06 12:00", "2.300 ± 0.057 (3)", "paddle 3.3.0, commit 0badc0de"
    ]  # fmt: skip
    assert len(lines) == 2 + 9 + 2


def test_the_text_says_where_nothing_changed_and_where_that_cannot_be_told() -> None:
    four = history_text(only(*(stored(day) for day in range(1, 5))))
    assert four.endswith("  no change of level in 4 runs\n")
    assert "takes 4" in history_text(only(stored(1), stored(2)))


def test_the_values_name_the_run_at_which_each_level_begins() -> None:
    runs = [stored(day, value) for day, value in enumerate([*BEFORE, *AFTER], 1)]
    value = history_values(only(*runs))
    assert value["change_points"] == [5]
    assert value["points"][5]["run_id"] == "20240506T120000Z-0badc0de-00000001"
