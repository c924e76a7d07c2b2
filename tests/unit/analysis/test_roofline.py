"""What no core can do in less time, and that everything a core may do passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis.roofline import (
    CLOCK_HZ,
    FAST_CONVOLUTION,
    GPU_CLOCK_HZ,
    bound,
    contradiction,
    core_rate,
)
from tests.fakes.records import costs
from tests.fakes.values import CELL

AVX512 = {"simd": ["avx", "avx2", "avx512f", "fma"], "architecture": "x86_64"}
PHONE = {"abi": "arm64-v8a", "clusters": ["cores 0: 2000000 kHz"]}


def least_ns(system: dict[str, Any] = AVX512, macs: int = 10**8, **cell: Any) -> float | None:
    facts = cell.pop("facts", {})
    it = bound(replace(CELL, **cell), costs(macs=macs), system, facts)
    return None if it is None else it.least_ns


def test_a_core_s_peak_is_that_of_its_widest_instructions() -> None:
    assert least_ns() == pytest.approx(1e8 / (32 * CLOCK_HZ * FAST_CONVOLUTION) * 1e9)
    rates = [
        core_rate({"simd": simd, "architecture": "x86_64"}, "fp32")
        for simd in ([], ["avx"], ["avx", "avx2"], ["avx", "avx2", "avx512f"])
    ]
    assert [rate and rate / CLOCK_HZ for rate in rates] == [8, 8, 16, 32]
    assert core_rate(PHONE, "fp32") == 16 * CLOCK_HZ


@pytest.mark.parametrize(
    ("less", "cell"),
    [
        (4, {"threads": 4}), (1 / 8, {"batch": 8}), (4, {"precision": "bf16"}),
        (8, {"precision": "int8"}), (8, {"precision": "of-next-year"}),
        (2, {"facts": {"threads_worked": "2"}}), (4, {"facts": {"precision": "bf16 and fp16"}}),
        (2, {"threads": 4, "facts": {"affinity": "3,5"}}), (1, {"facts": {"affinity": "1,2"}}),
        (1, {"facts": {"threads_worked": "many"}}),
    ],
)  # fmt: skip
def test_the_bound_follows_what_the_cell_uses(less: float, cell: dict[str, Any]) -> None:
    one = least_ns()
    assert one is not None
    assert least_ns(**cell) == pytest.approx(one / less)


def test_matrix_tiles_do_more_in_lower_precisions_alone() -> None:
    tiles = {"simd": ["avx512f", "amx_tile"]}
    plain = core_rate(AVX512, "fp32")
    assert core_rate(tiles, "fp32") == plain
    assert core_rate(tiles, "int8") == 64 * (plain or 0)


@pytest.mark.parametrize(
    "system",
    [
        {}, {"architecture": "riscv64"}, {**AVX512, "gpu": "Tesla T4"}, {"simd": "odd"},
        {**AVX512, "gpu": "Tesla T4", "gpu_cores": 0},
    ],
)  # fmt: skip
def test_a_system_of_unknown_peak_has_no_bound(system: dict[str, Any]) -> None:
    assert least_ns(system) is None


@pytest.mark.parametrize("known", [None, costs(macs=0), costs(uncounted=["einsum"])])
def test_unknown_macs_have_no_bound(known: Any) -> None:
    assert bound(CELL, known, AVX512, {}) is None


V100 = {**AVX512, "gpu": "Tesla V100", "gpu_cores": 5120}


@pytest.mark.parametrize(
    ("less", "cell"),
    [
        (1, {"threads": 4}), (1, {"facts": {"affinity": "1", "threads_worked": "9"}}),
        (1 / 8, {"batch": 8}), (64, {"precision": "fp16"}), (256, {"precision": "of-next-year"}),
    ],
)  # fmt: skip
def test_a_gpu_computes_with_all_its_cores_whatever_the_hosts_threads_are(
    less: float, cell: dict[str, Any]
) -> None:
    one = least_ns(V100)
    assert one is not None
    assert one == pytest.approx(1e8 / (5120 * GPU_CLOCK_HZ * FAST_CONVOLUTION) * 1e9)
    assert least_ns(V100, **cell) == pytest.approx(one / less)


def test_a_figure_that_no_gpu_of_that_size_can_have_is_said_and_a_published_one_passes() -> None:
    it = bound(replace(CELL, batch=8), costs(macs=145_000_000), V100, {})
    assert it is not None
    said = contradiction(it, [8_000], "x1_0")
    assert said is not None
    assert "5120 cores of this GPU can't do more than 20480 GMAC/s" in said
    published_ns = 2_000_000
    assert contradiction(it, [published_ns], "x1_0") is None


def test_what_can_t_be_is_said_with_the_bound_and_the_claim() -> None:
    it = bound(replace(CELL, threads=2), costs(macs=145_000_000), AVX512, {})
    assert it is not None
    said = contradiction(it, [100, 200, 300], "x1_0")
    assert said == (
        "x1_0 has 145 M MACs a call; 2 cores of this CPU can't do more than 416 GMAC/s, 6 times "
        "that with fast convolutions, so no inference takes less than 0.0581 ms; this session's "
        "median is 0.000200 ms"
    )
    odd_one = [20, 60_000, 60_000]
    assert contradiction(it, odd_one, "x1_0") is None
