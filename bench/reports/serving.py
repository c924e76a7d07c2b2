"""A run of loads as text for the terminal, and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bench.analysis.serving import (
    ServedLoad,
    StoredServing,
    cost,
    figure,
    generator,
    latencies,
    loads_of,
)
from bench.core import escape
from bench.core.units import significant, to_ms
from bench.storage.schema.latency import reason
from bench.storage.schema.serving import LoadFields

_HEAD = ("model", "engine", "scenario", "figure", "p50 ms", "p99 ms", "answers", "LoadGen")
_COST_HEAD = ("model", "engine", "in process ms", "served ms", "serving adds ms [95%]", "ratio")
_CLIENT_HEAD = (
    "model",
    "engine",
    "scenario",
    "load generator CPU, µs/request",
    "share of a core",
    "held it back",
)


def table(run: StoredServing) -> str:
    """Return the tables of a run."""
    loads = loads_of(run)
    parts = [
        [_HEAD, *(_row(it) for it in loads if it.planned.scenario is not None)],
        [_COST_HEAD, *(_cost_row(it) for it in loads if it.line.cost is not None)],
        [_CLIENT_HEAD, *(_client_row(it) for it in loads if it.line.load is not None)],
    ]
    blocks = [aligned(rows) for rows in parts if len(rows) > 1]
    return escape.lines([line for block in blocks for line in ("", *block)][1:])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(it: ServedLoad) -> tuple[str, ...]:
    who = (it.title, it.engine, str(it.planned.scenario))
    load = it.line.load
    if load is None:
        return (*who, "–" if it.why is None else it.why.kind, "", "", "", "")
    tails = [_ms(ns) for ns in latencies(load)]
    answers = f"{load.parity.checked - load.parity.wrong} of {load.parity.checked} right"
    return (*who, figure_text(load), *tails, answers, "VALID" if load.valid else "INVALID")


def figure_text(load: LoadFields) -> str:
    """Return the figure of a load with what it is, and none of one that isn't valid."""
    if not load.valid:
        return "–"
    it, settings = figure(load), load.settings
    if settings.scenario == "single-stream":
        return f"p{settings.percentile:g} <= {_ms(it.latency_ns)} ms"
    rate = "–" if it.per_s is None else significant(it.per_s)
    if settings.scenario == "offline":
        return f"{rate}/s"
    return f"{rate}/s, p{settings.percentile:g} <= {settings.latency_ms:g} ms"


def _ms(value_ns: float | None) -> str:
    return "–" if value_ns is None else significant(to_ms(value_ns))


def _cost_row(it: ServedLoad) -> tuple[str, ...]:
    assert it.line.cost is not None  # noqa: S101 - the caller chose those
    value = cost(it.line.cost)
    half = "" if value.half_width_ns is None else f" ± {_ms(value.half_width_ns)}"
    return (
        it.title, it.engine, _ms(value.in_process_ns), _ms(value.served_ns),
        f"{_ms(value.added_ns)}{half}", f"{value.ratio:.2f}",
    )  # fmt: skip


def _client_row(it: ServedLoad) -> tuple[str, ...]:
    assert it.line.load is not None  # noqa: S101 - the caller chose those
    took = generator(it.line.load)
    return (
        it.title, it.engine, str(it.planned.scenario), significant(took.cpu_ns / 1000),
        f"{took.cpu_share:.0%}", took.limit or "nothing",
    )  # fmt: skip


def outcomes(run: StoredServing) -> Iterator[str]:
    """Yield a sentence for each load that gave no figure or isn't valid."""
    for it in loads_of(run):
        if it.why is not None:
            yield f"{it.load_id} {reason(it.why)}"
        elif it.line.load is not None and not it.line.load.valid:
            yield f"{it.load_id} is INVALID: {it.line.load.reason}"
    for load_id in run.manifest.loads:
        if run.line(load_id) is None:
            yield f"{load_id} wasn't made"


def to_values(run: StoredServing) -> dict[str, Any]:
    """Return a run for JSON."""
    return {"run": run.manifest.run_id, "loads": [_values(it) for it in loads_of(run)]}


def _values(it: ServedLoad) -> dict[str, Any]:
    who = {
        "load": it.load_id, "model": it.title, "engine": it.engine,
        "scenario": it.planned.scenario,
    }  # fmt: skip
    if it.why is not None:
        return who | {"outcome": it.why.kind, "reason": reason(it.why)}
    if it.line.cost is not None:
        return who | {"outcome": "measured", "cost": asdict(cost(it.line.cost))}
    load = it.line.load
    assert load is not None  # noqa: S101 - a line has an outcome
    return who | {
        "outcome": "measured",
        "valid": load.valid,
        "reason": load.reason,
        **asdict(figure(load)),
        "generator": asdict(generator(load)),
        **load.model_dump(),
    }
