"""scripts/benchmark_app_parity.py: what its rounds come to, and how it leaves."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark_app_parity.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def rounds(script: dict[str, Any], *pairs: tuple[float, float]) -> list[Any]:
    return [
        script["Round"](benchmark_app_ns=1e6 * a, request_ns=1e6 * b, end_to_end_ns=2e6 * b)
        for a, b in pairs
    ]


def test_the_ratio_is_of_the_medians_and_the_spread_is_of_the_rounds(
    script: dict[str, Any],
) -> None:
    found = script["parity_of"]("x", rounds(script, (1.0, 1.0), (2.0, 2.1), (9.0, 2.2)))
    assert found.ratio == pytest.approx(2.1 / 2.0)
    assert found.ratios == pytest.approx((1.0, 1.05, 2.2 / 9))
    assert found.end_to_end_ns == pytest.approx(4.2e6)
    assert "1.050  (0.244 to 1.050)  2.100" in found.text


@pytest.mark.parametrize(
    ("ours", "holds"), [(1.0, True), (1.0299, True), (0.9701, True), (1.031, False), (0.969, False)]
)
def test_parity_holds_within_3_percent_either_way(
    ours: float, holds: bool, script: dict[str, Any]
) -> None:
    assert script["parity_of"]("x", rounds(script, (1.0, ours))).holds is holds


def test_the_status_is_1_as_soon_as_one_net_is_beyond_and_it_is_named(
    script: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    near, far = (
        script["parity_of"](name, rounds(script, (1.0, ours)))
        for name, ours in (("near", 1.01), ("far", 1.1))
    )
    assert script["report"]([near]) == 0
    assert "all within 3%" in capsys.readouterr().out
    assert script["report"]([near, far]) == 1
    said = capsys.readouterr().out
    assert "beyond 3%: far\n" in said
    assert "input copied in and the output out" in said


def test_both_tools_are_asked_for_fp32_one_thread_one_stream_and_no_pinning(
    script: dict[str, Any],
) -> None:
    flags = dict(zip(script["FLAGS"][::2], script["FLAGS"][1::2], strict=True))
    assert flags == {
        "-d": "CPU", "-api": "sync", "-hint": "none", "-nstreams": "1", "-nthreads": "1",
        "-pin": "NO", "-infer_precision": "f32", "-ip": "f32",
    }  # fmt: skip
