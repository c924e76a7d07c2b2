"""What servers did under the loads of MLPerf's LoadGen, and what serving costs: the newest each."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.series import View
from bench.analysis.serving import ServedLoad, cost, figure, generator, latencies, newest
from bench.core.units import significant, to_ms
from bench.reports.language import Words
from bench.reports.tables.entries import ABSENT, head
from bench.reports.tables.model import Entry, Origin, Section, Table
from bench.storage.schema.latency import reason
from bench.storage.schema.serving import LoadFields

_LOADS: tuple[tuple[str, Origin], ...] = (
    ("model", "name"), ("engine", "name"), ("scenario", "name"), ("figure", "measured"),
    ("p50", "measured"), ("p99", "measured"), ("answers", "measured"), ("client", "measured"),
    ("client_request", "measured"), ("preset", "name"), ("run", "name"),
)  # fmt: skip
_COSTS: tuple[tuple[str, Origin], ...] = (
    ("model", "name"), ("engine", "name"), ("in_process", "measured"), ("served", "measured"),
    ("added", "measured"), ("ratio", "measured"), ("rounds", "name"), ("preset", "name"),
    ("run", "name"),
)  # fmt: skip


def section(view: View, words: Words) -> Section | None:
    """Return the newest load of each model, engine and scenario, None where there is none."""
    loads = newest(view.servings)
    if not loads:
        return None
    title = words("serving.title")
    shown = [it for it in loads if it.planned.scenario is not None]
    costs = [it for it in loads if it.line.cost is not None]
    tables = [
        _table(
            words, "serving-loads", title, _LOADS, [_load_row(it, words) for it in shown], "note"
        ),
        _table(
            words, "serving-cost", words("serving.cost_title"), _COSTS,
            [_cost_row(it) for it in costs], "cost_note",
        ),
    ]  # fmt: skip
    return Section(key="serving", title=title, tables=[it for it in tables if it.rows])


def _table(
    words: Words, key: str, title: str, columns: Sequence[tuple[str, Origin]],
    rows: Sequence[Sequence[Entry]], note: str,
) -> Table:  # fmt: skip
    heads = [head(words, f"serving.{name}", origin, key=name) for name, origin in columns]
    remarks = [words(f"serving.{note}")]
    return Table(key=key, title=title, columns=heads, rows=rows, remarks=remarks)


def _who(it: ServedLoad) -> list[Entry]:
    return [Entry(text=it.title), Entry(text=it.engine)]


def _run(it: ServedLoad) -> list[Entry]:
    return [Entry(text=it.run.manifest.preset), Entry(text=it.run.manifest.run_id)]


def _load_row(it: ServedLoad, words: Words) -> list[Entry]:
    who = [*_who(it), Entry(text=str(it.planned.scenario))]
    load = it.line.load
    if load is None:
        kind, notes = ("failed", ()) if it.why is None else (it.why.kind, (f"{reason(it.why)}.",))
        return [*who, Entry(text=words(f"outcome.{kind}"), notes=notes), *[Entry()] * 5, *_run(it)]
    took, parity = generator(load), load.parity
    right = parity.checked - parity.wrong
    return [
        *who,
        Entry(text=_figure(load, words), notes=_notes(it, load, took.limit, words)),
        *map(_ms, latencies(load)),
        Entry(text=words("serving.right", right=right, checked=parity.checked), value=right),
        Entry(text=f"{took.cpu_share:.0%}", value=took.cpu_share),
        Entry(text=significant(took.cpu_ns / 1000), value=took.cpu_ns / 1000),
        *_run(it),
    ]


def _figure(load: LoadFields, words: Words) -> str:
    it, settings = figure(load), load.settings
    latency = "" if it.latency_ns is None else significant(to_ms(it.latency_ns))
    rate = "" if it.per_s is None else significant(it.per_s)
    if not load.valid or not (latency or rate):
        return ABSENT
    name = settings.scenario.partition("-")[0]
    bound = latency or f"{settings.latency_ms or 0:g}"
    percentile = f"{settings.percentile:g}"
    return words(f"serving.{name}_figure", rate=rate, latency=bound, percentile=percentile)


def _notes(it: ServedLoad, load: LoadFields, limit: str, words: Words) -> tuple[str, ...]:
    notes = {
        words("serving.invalid", reason=load.reason): not load.valid,
        words("serving.limit", limit=limit): bool(limit),
        words("serving.elsewhere"): not it.run.manifest.local,
    }
    return tuple(text for text, holds in notes.items() if holds)


def _cost_row(it: ServedLoad) -> list[Entry]:
    assert it.line.cost is not None  # noqa: S101 - the caller chose those
    value = cost(it.line.cost)
    added = significant(to_ms(value.added_ns))
    if value.half_width_ns is not None:
        added += f" ± {significant(to_ms(value.half_width_ns), 2)}"
    return [
        *_who(it),
        _ms(value.in_process_ns),
        _ms(value.served_ns),
        Entry(text=added, value=to_ms(value.added_ns)),
        Entry(text=f"{value.ratio:.2f}", value=value.ratio),
        Entry(text=str(value.rounds)),
        *_run(it),
    ]


def _ms(value_ns: float | None) -> Entry:
    if value_ns is None:
        return Entry(text=ABSENT)
    return Entry(text=significant(to_ms(value_ns)), value=to_ms(value_ns))
