"""Where the variance comes from, and the runs that the figures come from."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bench.analysis.series import View
from bench.analysis.variance import Components
from bench.core.units import significant
from bench.reports.language import Words
from bench.reports.tables.entries import head
from bench.reports.tables.model import Column, Entry, Origin, Section, Table
from bench.storage.schema.latency import RunManifest

_VARIANCE = ("run", "iteration", "session", "round", "cells", "advice")
_SOURCES = ("run", "status", "started", "system", "commit", "command", "governor", "load")


def variance(view: View, words: Words) -> Section | None:
    """Return each run's components of variance and what follows from them, None without any."""
    if not view.variances:
        return None
    return _section(
        words,
        "variance",
        _VARIANCE,
        "measured",
        [_components(run_id, it, words) for run_id, it in sorted(view.variances.items())],
        [words("variance.note")],
    )


def _components(run_id: str, it: Components, words: Words) -> list[Entry]:
    shares = (it.iteration, it.session, it.round)
    return [
        Entry(text=run_id),
        *(Entry(text=f"{share:.1%}", value=share) for share in shares),
        Entry(text=f"{it.cells} x {it.rounds}"),
        Entry(text=words(f"variance.{it.advice}")),
    ]


def sources(view: View, words: Words) -> Section:
    """Return which runs the figures come from, and in which state the machine was."""
    runs = [run for _, run in sorted(view.sources.items())]
    return _section(
        words,
        "sources",
        _SOURCES,
        "name",
        [_source(run, words) for run in runs],
        [_unfinished(run, words) for run in runs if run.status != "complete"],
    )


def _source(run: RunManifest, words: Words) -> list[Entry]:
    origin, state = run.provenance, run.provenance.conditions
    load, unknown = state.get("load_1m"), words("sources.unknown")
    commit = words("sources.changed", commit=origin.code) if origin.dirty else origin.code
    texts = (run.run_id, words.of("status", run.status), run.started, run.system_id, commit)
    return [
        *(Entry(text=text) for text in texts),
        Entry(text=shlex.join(origin.command), code=True),
        Entry(text=str(state.get("governor", unknown))),
        Entry(text=significant(load, 2), value=load)
        if isinstance(load, int | float)
        else Entry(text=unknown),
    ]


def _unfinished(run: RunManifest, words: Words) -> str:
    return words(f"sources.{run.status}", run=run.run_id)


def _section(
    words: Words,
    key: str,
    names: Sequence[str],
    origin: Origin,
    rows: Sequence[Sequence[Entry]],
    remarks: Sequence[str],
) -> Section:
    title = words(f"{key}.title")
    columns: list[Column] = [
        head(words, f"{key}.{name}", "name" if name in ("run", "advice") else origin, key=name)
        for name in names
    ]
    table = Table(key=key, title=title, columns=columns, rows=rows, remarks=remarks)
    return Section(key=key, title=title, tables=[table])
