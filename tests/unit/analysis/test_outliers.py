"""Samples far from the others, when they came and why."""

from __future__ import annotations

import pytest

from bench.analysis.details import details
from bench.analysis.outliers import lines, outliers
from tests.fakes.records import failed, of_sessions, paced, record, session

CALM = [[2.0] * 6] * 4


def one_late(ms: float = 3.0, **columns: int) -> list[str]:
    """The causes of one sample that is 1 ms late, in the third burst, of which `columns` tell."""
    bursts = [*CALM[:2], [2.0, 2.0, ms, 2.0, 2.0, 2.0], *CALM[:1]]
    third = {name: [0, 0, count, 0] for name, count in columns.items()}
    (found,) = outliers([paced(bursts, [100] * 4, **third)])
    assert found.ns == ms * 1e6
    return list(found.causes)


@pytest.mark.parametrize(
    ("column", "too_few", "enough", "cause"),
    [
        ("migrations", 0, 1, "moved to another core"),
        ("major_faults", 0, 1, "page faults on disk"),
        ("minor_faults", 499, 500, "page faults"),
        ("throttled_us", 499, 500, "throttled by a quota"),
        ("wait_ns", 499_999, 500_000, "waited for the CPU"),
        ("collections", 0, 1, "garbage collection"),
        ("involuntary_switches", 0, 1, "interrupted by another thread"),
        ("steal_ms", 0, 1, "steal by the host"),
    ],
)
def test_what_happened_in_its_burst_is_its_cause(
    column: str, too_few: int, enough: int, cause: str
) -> None:
    assert one_late(**{column: enough}) == [cause]
    assert one_late(**{column: too_few}) == ["unknown"]


def test_several_causes_come_with_the_most_direct_first() -> None:
    assert one_late(involuntary_switches=1, migrations=2, wait_ns=900_000) == [
        "waited for the CPU", "moved to another core", "interrupted by another thread",
    ]  # fmt: skip


def test_the_first_of_a_burst_without_another_cause_came_after_a_pause() -> None:
    bursts = [*CALM, [3.0, 2.0, 2.0], [3.0, 2.0, 2.0]]
    first, moved = outliers([paced(bursts, [100] * 6, migrations=[0, 0, 0, 0, 0, 1])])
    assert list(first.causes) == ["first of its burst, after a pause"]
    assert list(moved.causes) == ["moved to another core"]


def test_what_happened_in_another_burst_is_no_cause() -> None:
    bursts = [*CALM[:2], [2.0, 3.0, 2.0], [2.0] * 4]
    (found,) = outliers([paced(bursts, [100] * 4, migrations=[5, 5, 0, 5])])
    assert list(found.causes) == ["unknown"]


def test_a_machine_that_its_canary_shows_slow_is_a_cause() -> None:
    bursts = [*CALM, [2.6, 2.0, 2.0]]
    (found,) = outliers([paced(bursts, [100, 100, 100, 100, 130])])
    assert list(found.causes) == ["the machine was slow"]


def test_it_has_the_time_at_which_it_began_since_its_sessions_first_burst() -> None:
    bursts = [*CALM[:2], [2.0, 2.0, 3.0, 2.0]]
    one = paced(bursts, [100] * 3, started_ns=[7 * 10**9, 8 * 10**9, 9 * 10**9])
    _, found = outliers([paced([[2.0, 2.0, 2.0, 9.0]], [100]), one])
    assert (found.session, found.sample) == (1, 14)
    assert found.since_s == pytest.approx(2.004)
    assert found.sentence == (
        "3 ms (1.50 of the median), sample 15 of session 2, 2.004 s after its first burst: unknown"
    )


@pytest.mark.parametrize(("late_ms", "many"), [(2.19, 0), (2.21, 1)])
def test_less_than_a_tenth_is_no_outlier_however_quiet_the_session(
    late_ms: float, many: int
) -> None:
    assert len(outliers([paced([*CALM, [2.0, late_ms]], [100] * 5)])) == many


@pytest.mark.parametrize(("late_ms", "many"), [(3.4, 0), (3.6, 1)])
def test_in_a_noisy_session_it_takes_five_spreads(late_ms: float, many: int) -> None:
    noisy = [[1.8, 2.0, 2.2, 1.8, 2.0, 2.2]] * 4
    assert len(outliers([paced([*noisy, [2.0, late_ms]], [100] * 5)])) == many


def test_samples_of_files_of_before_have_no_recorded_cause_and_no_time() -> None:
    (found,) = outliers([session([2.0] * 9 + [5.0])])
    assert (found.causes, found.since_s) == (("not recorded",), None)
    old = paced([[2.0] * 9, [2.0, 5.0]], [100] * 2)
    assert old.bursts is not None
    unset = {"started_ns": None, "canary_ns": None, "migrations": None}
    old = old.model_copy(update={"bursts": old.bursts.model_copy(update=unset)})
    (found,) = outliers([old])
    assert (found.causes, found.since_s) == (("not recorded",), None)


def test_a_tool_that_prints_no_samples_has_none() -> None:
    assert outliers([session([], reported_ns={"avg": 5}, relative_l2=None)]) == []


def test_the_lines_count_by_cause_and_show_the_worst() -> None:
    bursts = [[2.0, 2.0, 4.0 + index, 2.0, 2.0] for index in range(5)]
    one = paced(bursts, [100] * 5, migrations=[0, 0, 0, 1, 1])
    head, *worst = lines(outliers([one]), 25)
    assert (
        head == "outliers: 5 of 25 samples, by the first cause 3 unknown, 2 moved to another core"
    )
    assert [line.split()[0] for line in worst] == ["8", "7", "6"]
    assert lines([], 25) == []


def test_the_details_of_a_cell_have_them_and_a_failed_cell_has_none() -> None:
    found = details(of_sessions(paced([*CALM, [2.0, 9.0]], [100] * 5)))
    assert any(line.startswith("outliers: 1 of 26 samples") for line in found)
    assert details(record(outcome=failed())) == []
