"""Two stored runs: what makes the verdicts on their cells advice."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.stored_doubts import Side
from bench.storage.schema.latency import Record
from tests.fakes.records import contended, of_sessions, paced, provenance, record, system
from tests.fakes.stored_sides import LOCKED, SLOWER, STEADY, compared, side, steady


def test_a_locked_machine_whose_selftest_bears_it_says_regression() -> None:
    found = compared(side(steady()), side(record(samples_ms=SLOWER)))
    assert (found.doubts, found.exit_status) == ((), 1)


@pytest.mark.parametrize(
    ("how", "doubt"),
    [
        ({"before": {"governor": "schedutil"}}, "(governor performance, schedutil)"),
        ({"before": {}}, "(governor performance, unknown)"),
        ({"tells": None}, "no self-test tells"),
        ({"tells": 0.031}, "tells slowdowns from 3.1% on, above the minimum effect of 3%"),
    ],
)
def test_any_other_machine_gives_advice_and_says_why(how: dict[str, Any], doubt: str) -> None:
    head = side(record(samples_ms=SLOWER), before=how.get("before", LOCKED))
    found = compared(side(steady()), head, tells=how.get("tells", 0.01))
    (told,) = found.doubts
    assert doubt in told
    assert (found.cells[0].verdict, found.exit_status) == ("SLOWER", 3)


def test_an_emulated_system_gives_advice() -> None:
    emulated = system(emulated=True)
    found = compared(side(steady(), on=emulated), side(record(samples_ms=SLOWER), on=emulated))
    assert found.doubts == ("the system is emulated",)


def test_all_cells_slower_means_that_the_environment_changed() -> None:
    names = ("x0_25", "x0_5", "x1_0", "swish")
    base = side(*(steady(name) for name in names))
    head = side(*(record(name, samples_ms=SLOWER) for name in names))
    found = compared(base, head)
    assert found.doubts == (
        "the environment changed: 4 of 4 cells are slower, so what moved is what they share",
    )
    assert found.exit_status == 3


def ran(one: Record, **changes: Any) -> Record:
    """Return the record with its sessions changed."""
    return one.model_copy(
        update={"sessions": [it.model_copy(update=changes) for it in one.sessions]}
    )


def advised(base: Side, head: Side) -> str:
    """Return the one doubt about a cell that is slower, which is advice then."""
    found = compared(base, head)
    (doubt,) = found.doubts
    assert (found.cells[0].verdict, found.exit_status) == ("SLOWER", 3)
    return doubt


def test_another_host_of_the_same_hardware_gives_advice() -> None:
    other = side(record(samples_ms=SLOWER), provenance=provenance(host="ffff"))
    assert advised(side(steady()), other) == "another host: 0123456789ab in BASE, ffff in HEAD"


@pytest.mark.parametrize(
    ("name", "base", "head", "what"),
    [
        ("threads_worked", "2", "1", "effective threads: 2 in BASE, 1 in HEAD"),
        ("affinity", "0,1,2,3", "0,1", "cores to run on: 0,1,2,3 in BASE, 0,1 in HEAD"),
    ],
)
def test_other_effective_threads_or_cores_give_advice(
    name: str, base: str, head: str, what: str
) -> None:
    slower = ran(record(samples_ms=SLOWER), facts={name: head})
    label = "(x0_25 paddle batch 1, 1 thread onednn=on)"
    assert advised(side(ran(steady(), facts={name: base})), side(slower)) == f"{what} {label}"
    assert compared(side(steady()), side(slower)).doubts == (), "where one side doesn't tell"


def test_cells_that_ran_otherwise_in_the_same_way_are_one_doubt() -> None:
    names = ("x0_25", "x0_5", "x1_0")
    base = side(*(ran(steady(name), facts={"threads_worked": "2"}) for name in names))
    head = side(*(ran(steady(name), facts={"threads_worked": "1"}) for name in names))
    (doubt,) = compared(base, head).doubts
    assert doubt.endswith("(x0_25 paddle batch 1, 1 thread onednn=on and 2 more)")


def test_a_side_that_had_not_settled_gives_advice() -> None:
    doubt = advised(side(steady()), side(ran(record(samples_ms=SLOWER), steady=False)))
    assert doubt.startswith("the warm-up had not settled in 3 of 3 sessions of HEAD (")
    unchecked = record(samples_ms=SLOWER, steady=False, sampling={"steady_tolerance": None})
    assert compared(side(steady()), side(unchecked)).exit_status == 1, "there it isn't checked"


def test_a_side_whose_latency_moves_within_its_sessions_gives_advice() -> None:
    moving = [[3.0] * 5 + [2.4] * 5 + [2.2 + n / 100] * 5 for n in range(3)]
    doubt = advised(side(steady()), side(record(samples_ms=moving)))
    assert doubt.startswith("the latency moves within the sessions of HEAD (")


@pytest.mark.parametrize("target", ["nvidia-gpu", "android"])
def test_another_device_of_the_same_name_gives_advice(target: str) -> None:
    def on(device: dict[str, Any], samples: Any) -> Side:
        return side(record(samples_ms=samples), target=target, before=LOCKED | device)

    first, second = {"device_id": "aaaa"}, {"device_id": "bbbb"}
    assert advised(on(first, STEADY), on(second, SLOWER)) == (
        "another device of that name: aaaa in BASE, bbbb in HEAD"
    )
    assert "may be of another one" in advised(on({}, STEADY), on(second, SLOWER))
    assert compared(on(first, STEADY), on(first, SLOWER)).exit_status == 1


def test_a_phone_is_the_same_on_another_host() -> None:
    same: dict[str, Any] = {"target": "android", "before": LOCKED | {"device_id": "aaaa"}}
    head = side(record(samples_ms=SLOWER), provenance=provenance(host="ffff"), **same)
    assert compared(side(steady(), **same), head).exit_status == 1


def test_a_side_that_was_measured_on_a_slow_machine_gives_advice() -> None:
    slow = [paced([2.4 + at / 100] * 20, [100] * 8 + [150] * 12) for at in range(3)]
    doubt = advised(side(steady()), side(of_sessions(*slow)))
    assert doubt.startswith("the machine was slow, by its canary, most of the time of HEAD (")


def test_a_contended_side_gives_advice() -> None:
    doubt = advised(side(steady()), side(contended(record(samples_ms=SLOWER), 0.76)))
    assert doubt.startswith("3 of 3 sessions of HEAD are contended by other processes (")


def test_a_side_by_turns_against_one_alone_gives_advice() -> None:
    turned = ran(record(samples_ms=SLOWER), turn=3)
    head = side(turned, before=LOCKED)
    assert any(
        "HEAD was measured by turns with other cells, BASE alone" in doubt
        for doubt in compared(side(steady()), head).doubts
    )
    both = compared(side(ran(steady(), turn=0)), head).doubts
    assert not any("by turns" in doubt for doubt in both)
