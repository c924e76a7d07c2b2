"""The machine's state over each run: load, steal, frequency, temperature and canary, by session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from bench.analysis.canary import SLOW, best_ns, canaries_ns
from bench.analysis.series import View
from bench.core.units import NS_PER_MS
from bench.reports.colours import COLOURS
from bench.reports.language import Words
from bench.reports.page.charts.parts import Chart, Row, Spec, spec, switch, tooltip
from bench.storage.schema.latency import Record, Session

MOST = 20_000
"""The most points over all runs; above it a point is of several sessions, one after the other."""


def machine_charts(view: View, words: Words) -> list[Chart]:
    """Return the chart of the runs that a report is of, none where no session tells a state."""
    by_run: dict[str, list[Row]] = {}
    for (run_id, _), record in view.records.items():
        if run_id in view.sources:
            by_run.setdefault(run_id, []).extend(_rows(record))
    by_run = {run_id: rows for run_id, rows in by_run.items() if rows}
    if not by_run:
        return []
    together = -(-sum(map(len, by_run.values())) // MOST)
    rows = [
        row | {"run": run_id} for run_id in by_run for row in _thinned(by_run[run_id], together)
    ]
    known = [name for name in _STATES if any(name in row for row in rows)]
    more = words("chart.machine.thinned", sessions=together) if together > 1 else ""
    return [
        Chart(
            key="machine-over-time",
            title=words("chart.machine.title"),
            description=words("chart.machine.description") + more,
            spec=_spec(words, rows, known, sorted(by_run, reverse=True)),
        )
    ]


def _rows(record: Record) -> list[Row]:
    """Return a row for each session that tells its start, in ms since 1970, and some state."""
    best = best_ns(record.sessions)
    rows: list[Row] = []
    for session in record.sessions:
        values = {name: read(session, best) for name, read in _STATES.items()}
        known = {name: float(f"{it:.4g}") for name, it in values.items() if it is not None}
        at = _start_ms(session)
        if known and at is not None:
            rows.append({"at": at, "cell": record.cell_id, **known})
    return rows


def _start_ms(session: Session) -> int | None:
    """Return a session's start in ms since 1970, None where its text is no time."""
    try:
        return round(1000 * datetime.fromisoformat(session.started).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _thinned(rows: Sequence[Row], together: int) -> Iterable[Row]:
    """Return the rows by time, of so many in a row the first with the medians of their states."""
    ordered = sorted(rows, key=lambda row: (row["at"], row["cell"]))
    for start in range(0, len(ordered), together):
        part = ordered[start : start + together]
        medians = {name: _median(part, name) for name in _STATES}
        yield part[0] | {name: value for name, value in medians.items() if value is not None}


def _median(rows: Sequence[Row], name: str) -> float | None:
    values = [value for row in rows if isinstance(value := row.get(name), int | float)]
    return median(values) if values else None


def _number(state: Mapping[str, Any], name: str) -> float | None:
    value = state.get(name)
    return float(value) if isinstance(value, int | float) else None


def _steal(session: Session, _: float | None) -> float | None:
    """Return the percentage of the session's time that the host took of a core of the machine."""
    before, after = _number(session.before, "steal_ms"), _number(session.after, "steal_ms")
    if before is None or after is None or not session.wall_ns:
        return None
    return max(0.0, 100 * (after - before) * NS_PER_MS / session.wall_ns)


def _slowness(session: Session, best: float | None) -> float | None:
    times = canaries_ns(session)
    return median(times) / best if times and best else None


_STATES: Mapping[str, Callable[[Session, float | None], float | None]] = {
    "canary": _slowness,
    "load": lambda session, _: _number(session.before, "load_1m"),
    "steal": _steal,
    "frequency": lambda session, _: _number(session.before, "frequency_mhz"),
    "temperature": lambda session, _: _number(session.before, "temperature_c"),
}
"""Each state of a session; the canary is over the best of its cell."""


_ROWS: list[Spec] = [
    {"filter": "datum.run === run"},
    {"calculate": "datum[state]", "as": "value"},
    {"filter": "isValid(datum.value)"},
    {"calculate": "utcFormat(datum.at, '%Y-%m-%d %H:%M:%S')", "as": "time"},
    {"calculate": "datum.run + '/' + datum.cell", "as": "cell"},
]
_POINT = {"type": "point", "filled": True, "size": 26, "opacity": 0.65, "color": COLOURS[3]}
_SLOW_LINE: Spec = {
    "data": {"values": [{"value": SLOW}]},
    "transform": [{"filter": "state === 'canary'"}],
    "mark": {"type": "rule", "style": "reference", "aria": False},
}


def _spec(words: Words, rows: list[Row], known: list[str], runs: list[str]) -> Spec:
    texts = {name: words(f"chart.machine.{name}") for name in known}
    bind = {
        "input": "radio", "options": known, "labels": list(texts.values()),
        "name": words("chart.switch.state"),
    }  # fmt: skip
    x = {
        "field": "at", "type": "temporal", "title": words("chart.machine.axis"),
        "scale": {"type": "utc", "padding": 8},
        "axis": {"labelOverlap": True, "tickCount": 6, "format": "%H:%M:%S"},
    }  # fmt: skip
    y = {
        "field": "value", "type": "quantitative", "title": None,
        "scale": {"zero": False, "nice": True, "padding": 8},
    }  # fmt: skip
    points = {
        "transform": _ROWS,
        "mark": _POINT,
        "encoding": {"x": x, "tooltip": tooltip(words, "time", "value", "cell")},
    }
    return spec(
        height=240,
        title={"text": {"expr": "titles[state]"}},
        data={"values": rows},
        params=[
            {"name": "state", "value": known[0], "bind": bind},
            {"name": "titles", "value": texts},
            *switch("run", words("chart.switch.run"), runs),
        ],
        encoding={"y": y},
        layer=[points, _SLOW_LINE],
    )
