"""Where each figure comes from: what the details panel shows of a cell and of its run.

One block of data for all cells, from which the page's script fills its one panel: ten thousand
panels of their own would be most of the page.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.series import CellKey, Series, View
from bench.core.units import to_ms, with_interval
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.storage.schema.common import HARNESS
from bench.storage.schema.latency import Measured, Record, RunManifest, reason


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell with what it is in the report."""

    series: Series
    box: Box
    record: Record
    title: str


def cell_details(view: View, words: Words, link: Callable[[CellKey], str]) -> Mapping[str, Any]:
    """Return the cells' and runs' values, each list in the order of the labels beside it."""
    cells = list(_cells(view))
    used = sorted({cell.box.run_id for cell in cells})
    return {
        "labels": {
            "cell": [words(f"page.cell.{name}") for name in _CELL],
            "run": [words(f"page.cell.{name}") for name in _RUN],
        },
        "cells": {
            f"{it.box.run_id}/{it.box.cell_id}": {
                "title": it.title,
                "run": it.box.run_id,
                "values": [value(it, words) for value in _CELL.values()],
                "why": it.box.grade_reasons if it.box.estimate else explain(findings(it.record)),
                "more": details(it.record),
                "href": link((it.box.run_id, it.box.cell_id)),
            }
            for it in cells
        },
        "runs": {
            run_id: [value(view.sources[run_id]) for value in _RUN.values()] for run_id in used
        },
    }


def _cells(view: View) -> Iterable[_Cell]:
    for series in (*view.series, *view.sustained):
        for variant, row in series.boxes.items():
            for column, box in row.items():
                record = view.records.get((box.run_id, box.cell_id))
                if record is not None:
                    at = naming.setting(series, column)
                    engine = naming.runner_title(series.runner)
                    title = f"{view.models[variant].title} · {engine}, {at}"
                    yield _Cell(series, box, record, title)


def _figure(it: _Cell, words: Words) -> str:
    estimate = it.box.estimate
    if estimate is None:
        return "" if it.box.outcome is None else reason(it.box.outcome)
    half = estimate.half_width_ns
    text = with_interval(to_ms(estimate.value_ns), None if half is None else to_ms(half))
    return f"{text} ms"


def _interval(it: _Cell, words: Words) -> str:
    estimate = it.box.estimate
    return "" if estimate is None else titles.interval(estimate, words)


def _sessions(it: _Cell, words: Words) -> str:
    samples = sum(len(session.samples_ns) for session in it.record.sessions)
    outcome = it.record.outcome
    why = words(f"page.stopped.{outcome.stopped}") if isinstance(outcome, Measured) else ""
    count = words("page.cell.counts", sessions=len(it.record.sessions), samples=samples)
    return f"{count}; {why}" if why else count


def _threads(it: _Cell, words: Words) -> str:
    worked = dict.fromkeys(one.facts.get("threads_worked") for one in it.record.sessions)
    known = ", ".join(count for count in worked if count)
    threads = it.record.cell.threads
    return words("page.cell.worked", asked=threads, worked=known) if known else str(threads)


def _percentiles(it: _Cell, words: Words) -> str:
    known = it.box.percentiles.items()
    return ", ".join(f"p{share} {to_ms(bound):.4g} ms" for share, bound in known)


def _engine(it: _Cell, words: Words) -> str:
    facts = (one.facts.get("engine") for one in it.record.sessions)
    return ", ".join(name for name in dict.fromkeys(facts) if name)


def _settings(it: _Cell, words: Words) -> str:
    cell = it.record.cell
    more = [f"{name} {value}" for name, value in sorted(cell.settings.items())]
    return ", ".join([cell.precision.upper(), *more, words("page.cell.batch", batch=cell.batch)])


_CELL: Mapping[str, Callable[[_Cell, Words], str]] = {
    "figure": _figure,
    "interval": _interval,
    "grade": lambda it, _: it.box.grade or "",
    "percentiles": _percentiles,
    "sessions": _sessions,
    "engine": _engine,
    "settings": _settings,
    "threads": _threads,
    "model": lambda it, _: f"{it.record.cell.variant} ({it.record.cell.model_hash})",
    "weights": lambda it, _: it.series.weights,
    "system": lambda it, words: titles.system(it.series, words),
}

_RUN: Mapping[str, Callable[[RunManifest], str]] = {
    "run": lambda it: it.run_id,
    "started": lambda it: it.started,
    "command": lambda it: shlex.join(it.provenance.command),
    "commit": lambda it: f"{it.provenance.commit or ''}{' *' * bool(it.provenance.dirty)}",
    "harness": lambda it: it.provenance.harness.get(HARNESS, ""),
    "operating_system": lambda it: it.provenance.operating_system or "",
}
