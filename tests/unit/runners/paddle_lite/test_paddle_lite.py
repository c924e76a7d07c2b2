"""What the Paddle Lite runner asks the device for, and what it makes of the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.core.cell import Sampling, TargetSpec
from bench.core.errors import DeviceNotFound, Unavailable
from bench.runners.paddle_lite.android import PaddleLiteRunner, agent_flags, effective_power_mode
from tests.fakes.values import SAMPLING, cell

BIG = frozenset({4, 5, 6, 7})
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


@pytest.mark.parametrize(
    ("asked", "allowed", "mode"),
    [
        ("high", {7}, "high"), ("high", {4, 5, 6, 7}, "high"), ("high", set(range(8)), "no_bind"),
        ("high", {0, 1}, "low"), ("low", {0, 3}, "low"), ("low", {0, 7}, "no_bind"),
        ("no_bind", set(range(8)), "no_bind"), ("full", set(range(8)), "full"),
        ("no_bind", {7}, "high"), ("high", set(), ""),
    ],
)  # fmt: skip
def test_the_power_mode_in_force_is_read_off_the_cores_that_workers_may_use(
    asked: str, allowed: set[int], mode: str
) -> None:
    assert effective_power_mode(asked, frozenset(allowed), BIG) == mode


def test_where_the_fast_cores_are_not_known_nothing_is_claimed() -> None:
    assert effective_power_mode("high", frozenset({1}), frozenset()) == ""


def test_another_precision_is_refused_before_the_phone_is_asked() -> None:
    with pytest.raises(Unavailable, match="no fp16 on this phone"):
        PaddleLiteRunner().run(
            TargetSpec(kind="android"), cell(precision="fp16"), Path("model.nb"), X, SAMPLING
        )


def test_a_target_without_a_serial_is_no_phone() -> None:
    with pytest.raises(DeviceNotFound, match="DEVICE=serial"):
        PaddleLiteRunner().run(TargetSpec(kind="android"), cell(), Path("model.nb"), X, SAMPLING)
