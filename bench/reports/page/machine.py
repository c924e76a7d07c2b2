"""The state of the machine over each run, and what the run's sessions spent their time on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.analysis.series import View
from bench.analysis.time_use import TimeUse, time_use
from bench.core.units import NS_PER_S, duration, significant
from bench.reports.language import Words
from bench.reports.tables.model import Column, Entry, Table
from bench.storage.schema.latency import Session

_PARTS: Mapping[str, Callable[[TimeUse], int]] = {
    "timed": lambda use: use.timed_ns,
    "opening": lambda use: use.opening_ns,
    "warmup": lambda use: use.warmup_ns,
    "other": lambda use: use.other_ns,
}

_STATES = ("load_1m", "memory_available_mib", "frequency_mhz", "temperature_c")
_GROWING = ("steal_ms", "cgroup_throttled_ms", "cpu_pressure_ms")


def machine_tables(view: View, words: Words) -> list[Table]:
    """Return both tables, none where no session is stored."""
    sessions: dict[str, list[Session]] = {run_id: [] for run_id in sorted(view.sources)}
    for (run_id, _), record in view.records.items():
        if run_id in sessions:
            sessions[run_id] += record.sessions
    runs = {run_id: found for run_id, found in sessions.items() if found}
    return [_time_table(runs, words), _state_table(runs, words)] if runs else []


def _time_table(runs: Mapping[str, Sequence[Session]], words: Words) -> Table:
    rows = []
    for run_id, sessions in runs.items():
        use = time_use(sessions)
        if use is not None:
            took = Entry(text=duration(use.wall_ns / NS_PER_S), value=use.wall_ns / NS_PER_S)
            count = Entry(text=str(len(sessions)), value=len(sessions))
            shares = [part(use) / use.wall_ns for part in _PARTS.values()]
            parts = [Entry(text=f"{share:.0%}", value=share) for share in shares]
            rows.append([Entry(text=run_id), count, took, *parts])
    names = ("sessions", "took", *_PARTS)
    return Table(
        key="time-use",
        title=words("page.machine.time"),
        caption=words("page.machine.time_caption"),
        columns=[_run(words), *(_column(words, name) for name in names)],
        rows=rows,
    )


def _state_table(runs: Mapping[str, Sequence[Session]], words: Words) -> Table:
    """Return the range of each state, and by how much each counter grew; only what is known."""
    cells = {
        name: [cell(name, sessions) for sessions in runs.values()]
        for names, cell in ((_STATES, _range), (_GROWING, _growth))
        for name in names
    }
    known = {name: column for name, column in cells.items() if any(it.text for it in column)}
    return Table(
        key="machine-state",
        title=words("page.machine.state"),
        caption=words("page.machine.state_caption"),
        columns=[_run(words), *(_column(words, name) for name in known)],
        rows=[
            [Entry(text=run_id), *(column[index] for column in known.values())]
            for index, run_id in enumerate(runs)
        ],
    )


def _run(words: Words) -> Column:
    return Column(title=(words("page.machine.run"),), origin="name", key="run")


def _column(words: Words, name: str) -> Column:
    title = tuple(words(f"page.machine.{name}").splitlines())
    return Column(title=title, origin="measured", key=name)


def _numbers(name: str, states: Iterable[Mapping[str, object]]) -> list[float]:
    values = (state.get(name) for state in states)
    return [float(value) for value in values if isinstance(value, int | float)]


def _range(name: str, sessions: Sequence[Session]) -> Entry:
    values = _numbers(name, (state for it in sessions for state in (it.before, it.after)))
    if not values:
        return Entry()
    low, high = min(values), max(values)
    both = low == high
    text = _text(low) if both else f"{_text(low)} – {_text(high)}"
    return Entry(text=text, value=high)


def _text(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else significant(value, 2)


def _growth(name: str, sessions: Sequence[Session]) -> Entry:
    """Return how far a counter of the machine's grew from the first reading to the last."""
    values = _numbers(name, (state for it in sessions for state in (it.before, it.after)))
    if not values:
        return Entry()
    seconds = (max(values) - min(values)) / 1000
    return Entry(text=significant(seconds, 2), value=seconds)
