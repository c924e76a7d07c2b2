from __future__ import annotations

from bench.reports.terminal.explanation import explanation
from tests.fakes.records import failed, record


def test_a_reason_is_said_once_with_the_range_of_its_numbers_and_the_cells_in_their_order() -> None:
    wide = [[1.0], [1.5]], [[1.0], [1.2]]
    cells = [
        record(samples_ms=wide[0]),
        record("x0_5", samples_ms=wide[1]),
        record("x1_0", samples_ms=[[1.0], [1.0]]),
        record("x1_5", outcome=failed()),
    ]
    lines = list(explanation(cells))
    (at,) = [i for i, line in enumerate(lines) if " interval: half-width" in line]
    assert lines[at].startswith(
        "for 2 of 3 cells: D interval: half-width 115.5–254.1% of the figure (2% for A, "
    )
    assert lines[at + 1] == "    namely x0_25 paddle b1 t1, x0_5 paddle b1 t1"
    (sessions,) = [line for line in lines if " sessions: " in line]
    assert sessions.startswith("for all 3 cells: C sessions: 2 sessions (5 for A")
    assert lines[lines.index(sessions) + 1].startswith("for ")
    assert not any("x1_5" in line for line in lines)
    grades = [line.partition(": ")[2][0] for line in lines if line.startswith("for ")]
    assert grades == sorted(grades, reverse=True)


def test_a_reason_of_one_cell_names_it_and_settings_tell_alike_cells_apart() -> None:
    cells = [record(samples_ms=[[1.0]] * 2), record(samples_ms=[[1.0], [2.0]], settings={"a": "b"})]
    (line,) = [line for line in explanation(cells) if " interval: " in line]
    assert line.startswith("for x0_25 paddle b1 t1 a=b: D interval: ")


def test_nothing_is_said_of_no_cell() -> None:
    assert list(explanation([])) == []
    assert list(explanation([record(outcome=failed())])) == []
