"""What `--explain` says of a record beside its grade."""

from __future__ import annotations

from bench.analysis.details import details
from tests.fakes.records import of_sessions, session

BY = {"engine": "mnn 3.6.1", "reference": "onnxruntime 1.23.2"}


def test_whose_outputs_its_own_were_compared_with_and_how_far_they_were() -> None:
    told = of_sessions(*(session(facts=BY, relative_l2=it) for it in (2e-7, 3e-6)))
    assert details(told)[0] == (
        "reference: the output is at most 3e-06 from that of onnxruntime 1.23.2 (relative L2)"
    )


def test_a_record_that_does_not_tell_says_nothing_of_it() -> None:
    assert not [it for it in details(of_sessions(session())) if it.startswith("reference")]
