"""How large a change must be to count, by suite and by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.config.suite import load_suite
from bench.config.thresholds import Gate
from bench.core.errors import BrokenFile
from tests.fakes.suites import ONE_CELL

CELL = "x0_25-paddle-fp32-b8-t1-0123456789ab"
SUITE = f"""{ONE_CELL}
[gate]
min_effect = 0.04
cells = {{ "x0_25-*-b8-*" = 0.1 }}
"""


def test_the_minimum_effect_is_three_percent_unless_a_suite_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SUITE)
    gate = load_suite(str(path)).file.gate
    assert Gate().of(CELL) == 0.03
    assert load_suite("cpu").file.gate == Gate()
    assert gate.of("x1_0-paddle-fp32-b1-t1-0123456789ab") == 0.04
    assert gate.of(CELL) == 0.1


def test_the_first_pattern_that_fits_counts_with_or_without_the_digest() -> None:
    gate = Gate(cells={"x0_25-paddle-fp32-b8-t1": 0.05, "x0_25-*": 0.07, "*-t1-*": 0.09})
    assert gate.of(CELL) == 0.05
    assert gate.of("x0_25-paddle-fp32-b1-t1-0123456789ab") == 0.07
    assert gate.of("x1_0-paddle-fp32-b1-t1-0123456789ab") == 0.09
    assert gate.of("x1_0-paddle-fp32-b1-t2-0123456789ab") == 0.03


def test_a_net_with_a_dash_in_its_name_has_its_own_where_that_stands_first() -> None:
    gate = Gate(cells={"x0_25-lite-*": 0.05, "x0_25-*": 0.07})
    assert gate.of("x0_25-lite-paddle-fp32-b8-t1-0123456789ab") == 0.05
    assert gate.of(CELL) == 0.07


@pytest.mark.parametrize("effect", [0, -0.1, 1, 3])
def test_an_effect_that_is_no_share_is_refused(effect: float) -> None:
    with pytest.raises(ValidationError):
        Gate(min_effect=effect)
    with pytest.raises(ValidationError):
        Gate(cells={"*": effect})


def test_a_suites_wrong_effect_is_told_with_its_field(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SUITE.replace("min_effect = 0.04", "min_efect = 0.04"))
    with pytest.raises(BrokenFile, match=r"unknown field 'gate\.min_efect'"):
        load_suite(str(path))
