"""Which layers explain that two builds of one net differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.details import details
from bench.analysis.layer_changes import layer_changes, sentence
from bench.analysis.stored_doubts import Side
from bench.analysis.tactics import with_tactics
from bench.analysis.verdicts import Comparison
from bench.storage.schema.latency import Record
from bench.storage.schema.layers import EngineLayers, Layer
from tests.fakes.records import of_sessions, record, session
from tests.fakes.stored_sides import SLOWER, STEADY, compared, side


def engine(**kernels: str) -> EngineLayers:
    """An engine whose layers run those kernels, in FP32 where a kernel says no other."""
    layers = []
    for name, kernel in kernels.items():
        title, _, precision = kernel.partition(":")
        layers.append(
            Layer(
                name=name, type="Convolution", kernel=title, tactic="0x1",
                precision=precision or "fp32",
            )
        )  # fmt: skip
    return EngineLayers(layers=layers)


WINOGRAD, DIRECT = engine(conv="winograd", fc="gemm"), engine(conv="direct", fc="gemm")


def built(samples_ms: Sequence[Sequence[float]], *engines: EngineLayers, **facts: Any) -> Record:
    """A record whose sessions ran the engines in turn, of build 0, 1 and so on."""
    sessions = [
        session(
            samples, order=at, layers=engines[at % len(engines)].digest,
            facts={"engine": "TensorRT 10", "build": str(at % len(engines))},
        )
        for at, samples in enumerate(samples_ms)
    ]  # fmt: skip
    return of_sessions(*sessions, **facts)


def of(record: Record, *engines: EngineLayers, **changes: Any) -> Side:
    return replace(side(record, **changes), layers={it.digest: it for it in engines})


def explained(base: Side, head: Side) -> Comparison:
    return with_tactics(compared(base, head), base, head)


def about(comparison: Comparison, word: str) -> list[str]:
    return [note for note in comparison.notes if word in note]


def test_a_slower_build_is_told_by_the_layers_whose_kernels_changed() -> None:
    base, head = of(built(STEADY, WINOGRAD), WINOGRAD), of(built(SLOWER, DIRECT), DIRECT)
    told = explained(base, head)
    [cell] = told.cells
    assert cell.layers is not None
    [change] = cell.layers.changed
    assert (change.layer, change.base, change.head) == (
        "conv", ("winograd (0x1, fp32)",), ("direct (0x1, fp32)",),
    )  # fmt: skip
    [note] = about(told, "layers")
    assert note == (
        f"{cell.label}: HEAD runs 1 of 2 layers by other kernels: "
        "conv: winograd (0x1, fp32) -> direct (0x1, fp32)"
    )


def test_a_layer_of_another_precision_is_told_though_its_kernel_has_the_same_name() -> None:
    half = engine(conv="winograd:fp16", fc="gemm")
    told = explained(of(built(STEADY, WINOGRAD), WINOGRAD), of(built(SLOWER, half), half))
    assert about(told, "conv: winograd (0x1, fp32) -> winograd (0x1, fp16)")


def test_where_the_same_kernels_run_that_is_said() -> None:
    told = explained(of(built(STEADY, WINOGRAD), WINOGRAD), of(built(SLOWER, WINOGRAD), WINOGRAD))
    assert about(told, "the same kernels run in all 2 layers, so tactics don't explain it")


def test_cells_that_are_not_told_apart_get_no_explanation() -> None:
    told = explained(of(built(STEADY, WINOGRAD), WINOGRAD), of(built(STEADY, DIRECT), DIRECT))
    assert told.cells[0].layers is None
    assert not about(told, "layers")


def test_engines_that_tell_no_layers_get_no_explanation() -> None:
    told = explained(side(record(samples_ms=STEADY)), of(built(SLOWER, DIRECT), DIRECT))
    assert told.cells[0].layers is None
    assert not about(told, "layers")


def test_of_several_builds_a_kernel_that_some_share_is_no_change_of_all() -> None:
    base, head = [WINOGRAD, DIRECT], [DIRECT]
    changes = layer_changes(base, head)
    assert (changes.changed, [it.layer for it in changes.mixed]) == ((), ["conv"])
    assert sentence(changes) == (
        "in 1 of 2 layers some engines do: "
        "conv: winograd (0x1, fp32) or direct (0x1, fp32) -> direct (0x1, fp32)"
    )


def test_what_was_fused_otherwise_is_named_on_its_side() -> None:
    base, head = engine(**{"conv+relu": "fused"}), engine(conv="plain", relu="pointwise")
    assert sentence(layer_changes([base], [head])) == (
        "fused so in BASE alone: conv+relu; fused so in HEAD alone: conv, relu"
    )


def test_of_many_layers_the_first_are_named_and_the_rest_counted() -> None:
    names = [f"conv{n}" for n in range(7)]
    base, head = (engine(**dict.fromkeys(names, kernel)) for kernel in ("a", "b"))
    text = sentence(layer_changes([base], [head]))
    assert text.startswith("HEAD runs 7 of 7 layers by other kernels: conv0: ")
    assert text.endswith("and 4 more (--format json)")


def test_two_builds_of_one_run_that_differ_are_told_apart() -> None:
    samples = [[2.0], [2.4], [2.004], [2.41], [1.996], [2.39], [2.002], [2.402]]
    one = of(built(samples, WINOGRAD, DIRECT), WINOGRAD, DIRECT)
    told = explained(one, one)
    [note] = about(told, "build")
    assert note.startswith(f"{told.cells[0].label}: in HEAD build 1 takes +20")
    assert note.endswith(
        "against build 0: build 1 runs 1 of 2 layers by other kernels: "
        "conv: winograd (0x1, fp32) -> direct (0x1, fp32)"
    )


def test_builds_that_are_alike_in_latency_are_not_told_apart() -> None:
    samples = [[2.0], [2.001], [2.004], [2.003], [1.996], [1.998]]
    one = of(built(samples, WINOGRAD, DIRECT), WINOGRAD, DIRECT)
    assert not about(explained(one, one), "build")


def test_layers_that_cannot_be_read_are_counted() -> None:
    base, head = of(built(STEADY, WINOGRAD), WINOGRAD), of(built(SLOWER, DIRECT))
    [note] = about(explained(base, head), "can't be read")
    assert note.startswith("the layers of 1 engine of HEAD can't be read: ")


def test_two_builds_that_differ_stand_in_a_cells_details_with_the_command_that_explains() -> None:
    samples = [[2.0], [2.4], [2.004], [2.41], [1.996], [2.39], [2.002], [2.402]]
    [line] = [it for it in details(built(samples, WINOGRAD, DIRECT)) if it.startswith("builds")]
    assert line.startswith("builds: build 1 takes +20")
    assert "compare RUN RUN" in line
    assert not [it for it in details(record(samples_ms=samples)) if it.startswith("builds")]
