"""Which net on which engine: limits hold with the whole interval, and what is open is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis.choices import Choice, Choices, Query, choices
from bench.analysis.recommend import Advice, advise
from bench.analysis.series import StoredRun
from bench.analysis.turns import Ratio
from bench.config.published import Published
from tests.fakes.records import failed, record, session, stored, system, view
from tests.unit.analysis.test_turns import drifting, took_turns


def choice(variant: str, runner: str, value: float, half: float, top1: float | None) -> Choice:
    return Choice(
        variant=variant, title=variant, runner=runner, engine=runner, threads=1, latency_ms=value,
        half_ms=half, top1=top1, grade="A", preset="standard", run_id="run",
    )  # fmt: skip


SMALL = choice("small", "mnn", 1.0, 0.1, 50.0)
MIDDLE = choice("middle", "mnn", 3.0, 0.1, 60.0)
MIDDLE_TOO = choice("middle", "ort", 3.1, 0.1, 60.0)
MIDDLE_SLOW = choice("middle", "ncnn", 4.0, 0.1, 60.0)
LARGE = choice("large", "mnn", 9.0, 2.0, 70.0)
ALL = (LARGE, MIDDLE_SLOW, MIDDLE_TOO, SMALL, MIDDLE)


def advice(*found: Choice, **query: Any) -> Advice:
    given = Choices(system_id="s", heading="S", found=list(found or ALL))
    return advise(given, Query(**query))


def test_within_a_time_the_most_accurate_is_chosen_on_its_fastest_engine() -> None:
    found = advice(max_ms=5.0)
    assert found.best is MIDDLE
    assert found.ties == (MIDDLE_TOO,), "the third engine is clearly slower"
    assert found.open == ()


def test_an_interval_fits_with_its_upper_end_and_that_end_may_be_the_limit() -> None:
    assert advice(max_ms=3.1).best is MIDDLE
    short = advice(max_ms=3.05)
    assert short.best is SMALL
    assert short.open == (MIDDLE, MIDDLE_TOO)


def test_of_what_lies_across_the_limit_only_the_more_accurate_is_named() -> None:
    found = advice(max_ms=9.0)
    assert (found.best, found.open) == (MIDDLE, (LARGE,))
    less = choice("less", "mnn", 3.0, 9.0, 40.0)
    assert advice(*ALL, less, max_ms=9.0).open == (LARGE,)


def test_from_an_accuracy_on_the_fastest_is_chosen_with_what_overlaps() -> None:
    found = advice(min_top1=60.0)
    assert (found.best, found.ties) == (MIDDLE, (MIDDLE_TOO,))


def by_turns(*found: tuple[Choice, float], **query: Any) -> Advice:
    """Return the advice of choices that took turns at so many ns an inference."""
    boxes = {one: took_turns(drifting(ns)) for one, ns in found}
    given = Choices(system_id="s", heading="S", found=[one for one, _ in found], boxes=boxes)
    return advise(given, Query(**query))


@pytest.mark.parametrize("query", [{}, {"max_ms": 5.0}, {"min_top1": 60.0}])
def test_what_took_turns_is_told_apart_by_its_ratio_where_intervals_overlap(
    query: dict[str, float],
) -> None:
    found = by_turns((MIDDLE, 1e6), (MIDDLE_TOO, 1.1e6), **query)
    assert MIDDLE.overlaps(MIDDLE_TOO)
    assert (found.best, found.ties) == (MIDDLE, ())
    if not query:
        (slower,) = found.slower
        assert slower.to_best is not None
        assert slower.to_best.value == pytest.approx(1.1, rel=1e-5)


def test_the_faster_by_turns_is_the_best_whatever_the_latencies_say() -> None:
    found = by_turns((MIDDLE, 1.1e6), (MIDDLE_TOO, 1e6), max_ms=5.0)
    assert (found.best, found.ties) == (MIDDLE_TOO, ())


def test_equal_ones_that_took_turns_can_not_be_told_apart_though_their_latencies_can() -> None:
    (tie,) = by_turns((MIDDLE, 1e6), (MIDDLE_SLOW, 1e6), max_ms=5.0).ties
    assert replace(tie, to_best=None) == MIDDLE_SLOW
    assert not MIDDLE.overlaps(MIDDLE_SLOW)


class Paired(Choices):
    """Choices whose later ones have the ratio 1.05 to the earlier ones, with a p-value of 0.03."""

    def ratio(self, own: Choice, other: Choice) -> Ratio | None:
        value = 1.05 if self.found.index(own) > self.found.index(other) else 1 / 1.05
        return Ratio(value=value, low=value / 1.04, high=value * 1.04, sessions=5, p=0.03)


def test_what_one_comparison_tells_apart_is_a_tie_among_many() -> None:
    engines = [replace(MIDDLE, runner=str(number)) for number in range(5)]
    two, five = (
        advise(Paired(system_id="s", heading="S", found=found), Query(min_top1=60.0))
        for found in (engines[:2], engines)
    )
    assert (two.best, two.ties) == (engines[0], ())
    assert five.best == engines[0]
    assert [one.runner for one in five.ties] == ["1", "2", "3", "4"]


def test_a_more_accurate_net_that_is_as_fast_as_can_be_told_is_named() -> None:
    better = choice("better", "mnn", 3.15, 0.1, 65.0)
    assert advice(*ALL, better, min_top1=60.0).ties == (MIDDLE_TOO, better)


def test_a_less_accurate_net_is_no_tie_within_a_time() -> None:
    worse = choice("worse", "mnn", 3.0, 0.1, 59.0)
    assert worse not in advice(*ALL, worse, max_ms=5.0).ties


def test_both_limits_hold_together() -> None:
    assert advice(max_ms=3.5, min_top1=55.0).best is MIDDLE
    none = advice(max_ms=2.0, min_top1=55.0)
    assert (none.best, none.nearest) == (None, MIDDLE)


def test_where_nothing_fits_the_nearest_is_the_fastest_or_else_the_most_accurate() -> None:
    assert advice(max_ms=0.5).nearest is SMALL
    assert advice(min_top1=90.0).nearest is LARGE
    assert advice(max_ms=0.5, min_top1=90.0).nearest is LARGE
    assert advice(max_ms=10.0, min_top1=65.0).open == (LARGE,)


PUBLISHED = {
    name: Published(name, "family", {"top1": top1}, {"top1": str(top1)})
    for name, top1 in (("ShuffleNetV2_x0_25", 0.499), ("ShuffleNetV2_x0_5", 0.6032))
}
NARROW = [[2.0], [2.01]]


def given(*runs: StoredRun, **query: Any) -> list[Choices]:
    return choices(view(*runs, published=PUBLISHED), Query(**query))


def runners(*runs: StoredRun, **query: Any) -> list[str]:
    return [one.runner for found in given(*runs, **query) for one in found.found]


def test_a_choice_has_the_published_accuracy_in_percent_and_the_measured_time() -> None:
    ((one,),) = (it.found for it in given(stored(record("x0_5", runner="mnn", settings={}))))
    assert (one.variant, one.engine) == ("x0_5", "MNN")
    assert one.top1 == pytest.approx(60.32)
    assert one.latency_ms == pytest.approx(2.05)
    assert one.half_ms == pytest.approx(12.706 * 0.05, rel=1e-3)


def test_other_batches_precisions_and_emulated_systems_do_not_compete() -> None:
    on = system("emulated: phone", system_id="emulated", emulated=True)
    runs = (
        stored(record(runner="mnn", batch=4), record(runner="ncnn", precision="bf16")),
        stored(record(runner="openvino"), on=on),
        stored(record(runner="onnxruntime")),
    )
    assert runners(*runs) == ["onnxruntime"]
    assert runners(*runs, batch=4) == ["mnn"]


def test_threads_and_runners_narrow_the_choice_and_any_thread_count_competes_otherwise() -> None:
    run = stored(record(runner="mnn"), record(runner="ncnn"), record(runner="mnn", threads=2))
    assert sorted(runners(run)) == ["mnn", "mnn", "ncnn"]
    assert sorted(runners(run, threads=1)) == ["mnn", "ncnn"]
    assert runners(run, runners=("ncnn",)) == ["ncnn"]


def test_of_the_same_work_the_figure_with_most_sessions_counts_then_the_newest() -> None:
    many = stored(record(samples_ms=[[2.0], [2.0], [2.0]]), run_id="20240501T-a-1")
    quick = stored(
        record(samples_ms=[[1.0], [1.0]], sampling={"preset": "quick"}), run_id="20240509T-a-1"
    )
    other = stored(
        record(samples_ms=[[3.0], [3.0], [3.0]]), suite="engines", run_id="20240502T-a-1"
    )
    (found,) = given(many, quick)
    assert [one.latency_ms for one in found.found] == [2.0]
    (found,) = given(many, other, quick)
    assert [one.latency_ms for one in found.found] == [3.0]
    others = found.found[0].others
    assert [(it.latency_ms, it.sessions, it.preset) for it in others] == [
        (1.0, 2, "quick"), (2.0, 3, "standard"),
    ]  # fmt: skip


def test_earlier_figures_of_other_engine_versions_and_without_an_interval_are_listed_too() -> None:
    runs = (
        stored(record(samples_ms=[[1.0]], engine="paddle 3.0"), run_id="20240501T-a-1"),
        stored(record(outcome=failed()), run_id="20240502T-a-1"),
        stored(record(samples_ms=NARROW), run_id="20240503T-a-1"),
    )
    (found,) = given(*runs)
    (other,) = found.found[0].others
    assert (other.engine, other.half_ms, other.run_id) == ("paddle 3.0", None, "20240501T-a-1")


def test_figures_that_can_not_answer_are_named_by_reason() -> None:
    lowered = record(runner="mnn")
    told = [session([1.0], facts={"engine": "mnn 1", "precision": "bf16"})] * 2
    run = stored(
        record(samples_ms=[[2.0]]),
        record("mine"),
        lowered.model_copy(update={"sessions": told}),
        record(runner="ncnn"),
    )
    (found,) = given(run, max_ms=9.0)
    assert [one.runner for one in found.found] == ["ncnn"]
    unknown = next(reason for reason in found.left_out if reason.startswith("no top-1 is known"))
    assert found.left_out == {
        "one session, which bears no interval": [
            "x0_25 on Paddle Inference (onednn on), 1 thread"
        ],
        unknown: ["mine on Paddle Inference (onednn on), 1 thread"],
        "precision bf16 was in force where fp32 was asked for": [
            "x0_25 on MNN (onednn on), 1 thread"
        ],
    }  # fmt: skip


def test_without_a_limit_a_net_of_unknown_accuracy_competes() -> None:
    run = stored(record("mine"), record(runner="ncnn"))
    assert runners(run, max_ms=9.0) == ["ncnn"]
    assert sorted(runners(run)) == ["ncnn", "paddle"]


def unknown(value: float) -> Choice:
    return choice(f"net {value}", "mnn", value, 0.1, None)


def test_by_latency_alone_the_fastest_that_fits_is_followed_by_the_others_in_order() -> None:
    slow, near, fast = unknown(3.0), unknown(1.1), unknown(1.0)
    found = advice(slow, near, fast, max_ms=5.0)
    assert found.by_latency
    assert (found.best, found.ties, found.slower) == (fast, (near,), (slow,))
    assert advice(slow, near, fast, max_ms=2.0).slower == ()
    assert advice(slow, near, max_ms=1.0).nearest is near


def test_each_system_is_a_choice_of_its_own() -> None:
    runs = (stored(record()), stored(record(), on=system("Another", system_id="another")))
    assert sorted(it.system_id for it in given(*runs)) == ["amd-epyc-2c-0123abcd", "another"]
