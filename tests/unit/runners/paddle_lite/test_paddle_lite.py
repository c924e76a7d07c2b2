"""What the Paddle Lite runner asks the device for, and what it makes of the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.core.cell import Sampling, TargetSpec
from bench.core.errors import DeviceNotFound, Unavailable
from bench.runners.paddle_lite.android import PaddleLiteRunner, agent_flags, effective_power_mode
from tests.fakes.values import SAMPLING, cell

X = np.zeros((1, 3, 4, 4), dtype=np.float32)


def test_the_device_program_is_asked_for_the_cell_by_the_presets_rules() -> None:
    asked = cell(threads=2, settings=(("power_mode", "low"),))
    rule = Sampling(
        preset="p", sessions=1, samples=50, min_samples=20, budget_s=3.0, warmup_calls=10,
        warmup_s=0.5, warmup_cap_s=5.0, steady_window=8, steady_tolerance=0.05,
    )  # fmt: skip
    assert agent_flags(asked, (1, 3, 224, 224), rule) == {
        "shape": "1,3,224,224", "threads": "2", "power-mode": "low", "warmup": "10",
        "warmup-seconds": "0.5", "warmup-cap-seconds": "5", "steady-window": "8",
        "steady-tolerance": "0.05", "repeats": "50", "min-repeats": "20", "seconds": "3",
    }  # fmt: skip


def test_a_preset_without_a_steady_state_asks_for_none() -> None:
    rule = Sampling.from_json({**SAMPLING.to_json(), "steady_tolerance": None})
    assert agent_flags(cell(), (1, 3, 4, 4), rule)["steady-tolerance"] == "0"


FOUR_AND_FOUR = frozenset({4, 5, 6, 7})
ONE_CLUSTER = frozenset(range(8))
TENSOR_G1 = frozenset({4, 5, 6, 7})  # clusters of 4, 2 and 2, of which the library takes 2 as big


@pytest.mark.parametrize(
    ("told", "threads", "allowed", "big", "mode"),
    [
        # bound as the library says
        ("high", 1, {7}, FOUR_AND_FOUR, "high"),
        ("high", 4, {4, 5, 6, 7}, FOUR_AND_FOUR, "high"),
        ("high", 2, {6, 7}, TENSOR_G1, "high"),
        ("low", 2, {0, 1}, FOUR_AND_FOUR, "low"),
        ("low", 5, {0, 1, 2, 3, 4}, TENSOR_G1, "low"),
        # the first cores, big ones first: up to 4 threads the mask of a bound "high"
        ("full", 1, {4}, FOUR_AND_FOUR, "full"),
        ("full", 4, {4, 5, 6, 7}, FOUR_AND_FOUR, "full"),
        ("full", 6, {0, 1, 4, 5, 6, 7}, FOUR_AND_FOUR, "full"),
        ("full", 8, set(range(8)), FOUR_AND_FOUR, "full"),
        # a chip of one cluster
        ("no_bind", 4, set(range(8)), ONE_CLUSTER, "no_bind"),
        ("high", 4, {4, 5, 6, 7}, ONE_CLUSTER, "high"),
        ("high", 8, set(range(8)), ONE_CLUSTER, "high"),
        ("full", 2, {0, 1}, ONE_CLUSTER, "full"),
        # not bound: the library's own word, or more cores than threads
        ("no_bind", 1, {7}, FOUR_AND_FOUR, "no_bind"),
        ("high", 1, set(range(8)), FOUR_AND_FOUR, "no_bind"),
        ("full", 2, set(range(8)), ONE_CLUSTER, "no_bind"),
        # bound to other cores than the mode is for
        ("high", 2, {0, 1}, FOUR_AND_FOUR, "low"),
        ("high", 2, {3, 4}, FOUR_AND_FOUR, "full"),
        ("rand_high", 1, {0}, FOUR_AND_FOUR, "low"),
        ("low", 1, {7}, FOUR_AND_FOUR, "high"),
        # fewer cores than threads: the kernel keeps what is left of the mask
        ("high", 4, {6, 7}, FOUR_AND_FOUR, "high"),
        # not known which cores are big, or which ones were allowed
        ("high", 2, {0, 1}, frozenset(), "high"),
        ("high", 2, set(), FOUR_AND_FOUR, "high"),
    ],
)
def test_the_effective_power_mode_is_the_librarys_word_checked_by_the_workers_cores(
    told: str, threads: int, allowed: set[int], big: frozenset[int], mode: str
) -> None:
    assert effective_power_mode(told, frozenset(allowed), threads=threads, big=big) == mode


def test_another_precision_is_refused_before_the_phone_is_asked() -> None:
    with pytest.raises(Unavailable, match="no fp16 on this phone"):
        PaddleLiteRunner().run(
            TargetSpec(kind="android"), cell(precision="fp16"), Path("model.nb"), X, SAMPLING
        )


def test_a_target_without_a_serial_is_no_phone() -> None:
    with pytest.raises(DeviceNotFound, match="DEVICE=serial"):
        PaddleLiteRunner().run(TargetSpec(kind="android"), cell(), Path("model.nb"), X, SAMPLING)
