"""Operators' times inference by inference, and MNN's callbacks that tell them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.core.errors import BenchError
from bench.runners.mnn_profile import Watch
from bench.runners.profiling import OperatorTime, Tally


def tally(*inferences: list[tuple[str, float]]) -> Tally:
    made = Tally()
    for inference in inferences:
        made.begin()
        for key, ns in inference:
            made.add(key, ns)
    return made


def test_an_operator_takes_the_median_of_the_inferences_all_its_calls_together() -> None:
    told = tally([("a", 1.0), ("a", 2.0)], [("a", 5.0), ("a", 5.0)], [("a", 90.0), ("a", 10.0)])
    assert told.operator("a", name="conv", kind="Conv") == OperatorTime(
        name="conv", type="Conv", ns=10.0, calls=2.0
    )


def test_an_operator_that_runs_in_some_inferences_takes_nothing_in_the_others() -> None:
    told = tally([], [("a", 6.0)], [("a", 7.0)], [], [])
    assert told.operator("a", name="a", kind="").ns == 0.0
    assert told.operator("a", name="a", kind="").calls == 0.4
    assert told.operator("gone", name="gone", kind="").ns == 0.0


def test_operators_are_in_the_order_in_which_they_ran() -> None:
    assert list(tally([("b", 1.0), ("a", 1.0)], [("c", 1.0)])) == ["b", "a", "c"]


class FakeInterpreter:
    """Runs two operators by the callbacks, or refuses to."""

    def __init__(self, status: int = 0) -> None:
        self._status = status

    def runSessionWithCallBackInfo(self, session: str, before: Any, after: Any) -> int:  # noqa: N802 - MNN's name
        for name, kind in (("conv1", "Convolution"), ("relu1", "ReLU")):
            operator = SimpleNamespace(getName=lambda it=name: it, getType=lambda it=kind: it)
            assert before([], operator) is True, "MNN leaves out what it isn't told to run"
            assert after([], operator) is True
        return self._status


def test_mnns_callbacks_tell_each_operator() -> None:
    watch = Watch()
    for _ in range(3):
        watch.run(FakeInterpreter(), "session")
    told = watch.operators()
    assert [(it.name, it.type, it.calls) for it in told] == [
        ("conv1", "Convolution", 1.0), ("relu1", "ReLU", 1.0),
    ]  # fmt: skip
    assert all(it.ns > 0 for it in told)


def test_a_run_that_mnn_refuses_is_no_profile() -> None:
    with pytest.raises(BenchError, match="returned 3"):
        Watch().run(FakeInterpreter(status=3), "session")
