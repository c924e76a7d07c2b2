"""No reader of what comes from outside falls over: it gives a value, or refuses in a sentence."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import BenchError
from tests.fakes.mutations import mutated
from tests.fakes.readers import READERS

INPUTS = 5  # an example; scripts/reliability/fuzz.py takes thousands


@pytest.mark.parametrize("name", READERS)
def test_a_real_file_is_read(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    refused: list[str] = []
    for data in READERS[name].files:
        try:
            READERS[name].read(tmp_path_factory.mktemp("real"), data)
        except BenchError as error:
            if b"FAIL" not in data:  # how adb's own protocol says no
                refused.append(str(error))
    assert refused == []


@pytest.mark.parametrize("name", READERS)
@given(seed=st.integers(0, 2**32))
def test_a_hostile_file_gives_a_value_or_a_short_refusal(
    name: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, chance = tmp_path_factory.mktemp("hostile"), Random(seed)  # noqa: S311 - no secret
    refusals: list[BenchError] = []
    for _ in range(INPUTS):
        try:
            READERS[name].read(folder, mutated(READERS[name].files, chance))
        except BenchError as error:
            refusals.append(error)
    for refusal in refusals:
        assert refusal.hint
        assert len(refusal.problem) < len(str(folder)) + 1000
