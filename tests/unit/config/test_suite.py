"""A suite's file and what the command line may ask of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.axes import Axes, Selected, select_cells
from bench.config.catalog import Model
from bench.config.suite import Group, Suite, SuiteFile, load_suite
from bench.core.cell import Cell
from bench.core.errors import InputError, UnknownName
from bench.runners import RunnerEntry
from tests.fakes.values import model

PRESET: dict[str, Any] = {
    "sessions": 2, "samples": 9, "min_samples": 5, "budget_s": 1.0, "warmup_calls": 1,
    "warmup_s": 0.0, "warmup_cap_s": 1.0,
}  # fmt: skip


def runner(**settings: tuple[str, ...]) -> RunnerEntry:
    return RunnerEntry(
        path="nowhere:Nothing", title="Nothing", env="harness", artifact="none", settings=settings
    )


RUNNERS_HERE = {
    "paddle": runner(onednn=("on", "off")),
    "lite": runner(),
    "twin": runner(onednn=("on",)),
}
MODELS = (model("b"), model("a"))
PAIRS = [(1, 1), (1, 2), (1, 4), (4, 1), (8, 1)]


def group(**values: Any) -> dict[str, Any]:
    return {"runner": ["paddle"], "batch": [1], "settings": {"onednn": "on"}, **values}


def suite(*groups: dict[str, Any], target: str = "cpu") -> Suite:
    """Return a suite of `groups`; without one, of cpu.toml's two."""
    chosen = groups or (group(threads=[1, 2, 4]), group(batch=[4, 8]))
    values = {"title": "T", "target": target, "cells": chosen, "presets": {"standard": PRESET}}
    return Suite(name="s", path=Path("s.toml"), file=SuiteFile.model_validate(values))


def chosen(
    one: Suite | None = None,
    *,
    cores: int | None = 4,
    models: tuple[Model, ...] = MODELS[:1],
    **axes: Any,
) -> Selected:
    asked = one or suite()
    runners = {
        name: replace(entry, target=asked.file.target) for name, entry in RUNNERS_HERE.items()
    }
    return select_cells(asked, models, Axes(**axes), cores=cores, runners=runners)


def pairs(selected: Selected) -> list[tuple[int, int]]:
    return [(cell.batch, cell.threads) for cell in selected.cells]


def test_a_cell_is_the_product_of_the_suites_axes_and_the_model() -> None:
    one = suite(group(batch=[4], threads=[2]))
    assert chosen(one).cells == (
        Cell(
            variant="b", model_hash="hash of b", runner="paddle", batch=4, threads=2,
            input="3x8x8", settings=(("onednn", "on"),),
        ),
    )  # fmt: skip


def test_nothing_asked_for_selects_the_whole_suite_in_its_order() -> None:
    assert pairs(chosen()) == PAIRS


def test_cells_come_model_by_model_in_the_order_of_the_models() -> None:
    cells = chosen(models=MODELS).cells
    assert [cell.variant for cell in cells] == ["b"] * 5 + ["a"] * 5
    assert [(cell.batch, cell.threads) for cell in cells] == PAIRS * 2


def test_a_cell_of_two_groups_is_measured_once() -> None:
    assert pairs(chosen(suite(group(), group(batch=[1, 1, 4])))) == [(1, 1), (4, 1)]


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"batches": [4]}, [(4, 1)]), ({"threads": [2]}, [(1, 2)]),
        ({"threads": [1]}, [(1, 1), (4, 1), (8, 1)]), ({"batches": [8, 1]}, [*PAIRS[:3], (8, 1)]),
        ({"batches": [1], "threads": [2, 4]}, [(1, 2), (1, 4)]), ({"runners": ["paddle"]}, PAIRS),
    ],
)  # fmt: skip
def test_values_that_the_suite_has_narrow_it(
    axes: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    assert pairs(chosen(**axes)) == expected


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"batches": [16]}, [(16, 1), (16, 2), (16, 4)]),
        ({"threads": [3]}, [(1, 3), (4, 3), (8, 3)]),
        ({"batches": [4], "threads": [2]}, [(4, 2)]),
        ({"batches": [1, 4], "threads": [2]}, [(1, 2), (4, 2)]),
        ({"batches": [1, 16], "threads": [1]}, [(1, 1), (16, 1)]),
    ],
)  # fmt: skip
def test_a_value_or_pair_that_the_suite_lacks_takes_the_place_of_its_axis(
    axes: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    assert pairs(chosen(**axes)) == expected


@given(
    batches=st.lists(st.sampled_from([1, 2, 4, 8, 16]), min_size=1, max_size=3, unique=True),
    threads=st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
)
def test_exactly_the_pairs_that_were_asked_for_are_measured(
    batches: list[int], threads: list[int]
) -> None:
    asked = {(batch, count) for batch in batches for count in threads}
    measured = pairs(chosen(batches=batches, threads=threads))
    assert set(measured) == asked
    assert len(measured) == len(asked)


def test_thread_counts_above_the_cores_are_left_out_with_a_note() -> None:
    selected = chosen(suite(group(threads=[8, 2, 4])), cores=2)
    assert pairs(selected) == [(1, 2)]
    assert selected.left_out == (
        "threads=4: there are 2 usable cores", "threads=8: there are 2 usable cores",
    )  # fmt: skip


def test_a_thread_count_above_the_cores_is_refused_when_asked_for() -> None:
    with pytest.raises(InputError, match="--threads 4: there are 2 usable cores"):
        chosen(cores=2, threads=[4])
    assert pairs(chosen(cores=4, threads=[4])) == [(1, 4)]


@pytest.mark.parametrize("target", ["android", "nvidia-gpu"])
def test_where_the_cores_are_not_known_every_thread_count_stays(target: str) -> None:
    phone = suite(group(threads=[1, 4]), target=target)
    assert pairs(chosen(phone, cores=None)) == [(1, 1), (1, 4)]
    assert pairs(chosen(phone, cores=None, threads=[4])) == [(1, 4)]
    assert chosen(phone, cores=None).left_out == ()


def test_a_runner_of_another_target_than_the_suites_is_refused() -> None:
    phone = suite(group(), target="android")
    with pytest.raises(InputError, match=r"runner paddle measures cpu, suite .* is for android"):
        select_cells(phone, MODELS, Axes(), cores=1, runners=RUNNERS_HERE)


def test_a_runner_takes_the_place_of_the_suites_with_the_settings_that_it_knows() -> None:
    cells = chosen(suite(group()), runners=["lite", "paddle", "twin"]).cells
    assert {cell.runner: dict(cell.settings) for cell in cells} == {
        "lite": {}, "paddle": {"onednn": "on"}, "twin": {"onednn": "on"},
    }  # fmt: skip


def test_all_stands_for_every_runner_of_the_suites_target_with_its_own_groups() -> None:
    one = suite(group(runner=["paddle"]), group(runner=["lite"], settings={}))
    runners = {**RUNNERS_HERE, "phone": replace(RUNNERS_HERE["lite"], target="android")}
    cells = select_cells(one, MODELS[:1], Axes(runners=["all"]), cores=4, runners=runners).cells
    assert [(cell.runner, dict(cell.settings)) for cell in cells] == [
        ("paddle", {"onednn": "on"}), ("lite", {}), ("twin", {"onednn": "on"}),
    ]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 16])
def test_a_runner_of_one_group_is_not_measured_with_the_settings_of_another(batch: int) -> None:
    one = suite(group(runner=["paddle"]), group(runner=["lite"], settings={}))
    cells = chosen(one, runners=["paddle"], batches=[batch]).cells
    assert [dict(cell.settings) for cell in cells] == [{"onednn": "on"}]


def test_an_unknown_runner_is_refused_where_it_was_written() -> None:
    with pytest.raises(UnknownName, match="there is no runner 'padle': did you mean 'paddle'"):
        chosen(runners=["padle"])
    with pytest.raises(UnknownName, match=r"suite s has no runner 'padle'"):
        chosen(suite(group(runner=["padle"])))


@pytest.mark.parametrize("axes", [{}, {"batches": [1]}, {"batches": [16]}])
def test_an_unknown_setting_or_value_is_refused_whatever_is_asked_for(
    axes: dict[str, Any],
) -> None:
    with pytest.raises(UnknownName, match=r"runner paddle \(suite s\) has no setting 'onednnn'"):
        chosen(suite(group(settings={"onednnn": "on"})), **axes)
    with pytest.raises(UnknownName, match=r"paddle's onednn has no value 'maybe'.* off, on"):
        chosen(suite(group(settings={"onednn": "maybe"})), **axes)


def test_a_group_has_one_thread_and_fp32_unless_it_says_otherwise() -> None:
    plain = Group(runner=["paddle"], batch=[1])
    assert (plain.threads, plain.precision, plain.settings) == ([1], "fp32", {})


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16", "int8"])
def test_a_groups_precision_is_that_of_its_cells(precision: str) -> None:
    (one,) = chosen(suite(group(precision=precision, batch=[1], threads=[1]))).cells
    assert one.precision == precision
    assert f"-{precision}-b1-t1-" in one.id


def test_a_precision_that_nothing_has_is_refused() -> None:
    with pytest.raises(ValueError, match="precision"):
        Group.model_validate({"runner": ["paddle"], "batch": [1], "precision": "fp8"})


def test_a_presets_settings_take_the_place_of_the_groups() -> None:
    one = load_suite("arm")
    assert {group.settings["power_mode"] for group in one.file.cells} == {"high"}
    in_preset = one.in_preset("paddleclas")
    assert {group.settings["power_mode"] for group in in_preset.file.cells} == {"no_bind"}
    assert one.in_preset("standard") == one
    with pytest.raises(UnknownName, match="suite arm has no preset 'x'"):
        one.in_preset("x")


def test_a_models_own_settings_take_the_place_of_the_suites_for_its_runner() -> None:
    models = (model("a", settings={"paddle": {"onednn": "off"}, "lite": {}}), model("b"))
    one = suite(group(runner=["paddle", "twin"]))
    told = {(it.variant, it.runner): dict(it.settings) for it in chosen(one, models=models).cells}
    assert told.pop(("a", "paddle")) == {"onednn": "off"}
    assert set(map(str, told.values())) == {str({"onednn": "on"})}


def test_settings_of_an_engine_that_is_none_are_refused() -> None:
    with pytest.raises(UnknownName, match="model a has no runner 'padle'"):
        chosen(models=(model("a", settings={"padle": {}}),))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"onednm": "on"}, r"runner paddle \(model a\) has no setting 'onednm'.*'onednn'"),
        ({"onednn": "maybe"}, "paddle's onednn has no value 'maybe'"),
    ],
)
def test_a_models_setting_that_its_runner_has_not_is_refused(
    settings: dict[str, str], said: str
) -> None:
    with pytest.raises(UnknownName, match=said):
        chosen(models=(model("a", settings={"paddle": settings}),))
