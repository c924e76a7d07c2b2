"""`bench plan`: what would run, in which order, and how long it should take. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.analysis.series import StoredRun
from bench.analysis.time_use import own_ns
from bench.cli.console import tell_broken
from bench.cli.systems import answering, elsewhere
from bench.config.published import load_published
from bench.core.cell import Cell
from bench.core.errors import BrokenResult
from bench.core.output import show, show_lines
from bench.core.units import NS_PER_S, duration
from bench.devices.host.facts import usable_cores
from bench.experiments.context import Options, Tables
from bench.experiments.latency.experiment import Job, SuiteOptions, new_job, suite_of
from bench.experiments.latency.forecast import Expected, expect
from bench.experiments.latency.schedule import Plan
from bench.reports.build import load_runs
from bench.targets import entry_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Whether every session is shown, or how many there are."""

    all_sessions: bool = False


def run(options: Options, tables: Tables) -> int:
    """Print the plan."""
    suite = suite_of(options)
    cores = None if entry_of(suite.file.target, tables.targets).runs_sessions else usable_cores()
    job = new_job(options, tables, suite, cores=cores)
    plan = job.plan()
    broken: list[BrokenResult] = []
    runs = load_runs(options.results, broken=broken)
    earlier = _earlier(options, runs)
    seconds = {cell_id: seconds for cell_id, (seconds, _) in earlier.items()}
    expected = expect(plan, seconds, _macs(options, job))
    if options.as_json:
        _print_json(job, plan, expected)
    else:
        measured = {earlier[cell.id][1] for cell in plan.cells if cell.id in earlier}
        basis = _basis(options, runs, expected, measured)
        rows = _steps(plan) if options.of(PlanOptions).all_sessions else _summary(plan, expected)
        show_lines([*_head(job, plan, expected, basis), *rows])
    return tell_broken(broken)


def _earlier(options: Options, runs: Sequence[StoredRun]) -> dict[str, tuple[float, str]]:
    """Return the mean seconds of a session of each cell, and which system took them.

    They are of the newest run that has the cell, on this machine or the system that is named.
    """
    known, preset = {}, options.of(SuiteOptions).preset
    systems = {it.system_id for it in answering(runs, options.own.get("system"))}
    for run in runs:
        for record in run.records if run.system.system_id in systems else ():
            if record.sessions and record.sampling.preset == preset:
                walls = [own_ns(session) / NS_PER_S for session in record.sessions]
                known[record.cell_id] = fmean(walls), run.system.heading
    return known


def _macs(options: Options, job: Job) -> dict[str, float]:
    published = load_published(options.models)
    rows = {m.variant: published.get(m.published or "") for m in job.models}
    return {v: 1e6 * row.figures.get("flops_m", 0) for v, row in rows.items() if row is not None}


def _head(job: Job, plan: Plan, expected: Expected, basis: str) -> list[str]:
    return [
        f"suite {job.suite} ({job.suite_title}), preset {job.sampling.preset}, seed {job.seed}",
        f"{len(plan.cells)} cells x {_sessions(job)} sessions, about {_span(expected)} ({basis})",
        *(f"left out: {note}" for note in job.left_out),
    ]


def _steps(plan: Plan) -> Iterator[str]:
    """Yield each session in its order, below its round and its turn."""
    for steps in plan.together:
        if steps[0].order % len(plan.cells) == 0:
            yield f"round {steps[0].round + 1}"
        if len(steps) > 1:
            yield f"  {len(steps)} cells by turns:"
        yield from (f"  {step.order + 1:4d}  {step.cell.label}" for step in steps)


def _summary(plan: Plan, expected: Expected) -> list[str]:
    """Return a table of the cells by runner, batch and threads, and the flag that has the rest."""
    groups: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in sorted(plan.cells, key=lambda it: (it.runner, it.precision, it.batch, it.threads)):
        name = cell.runner if cell.precision == "fp32" else f"{cell.runner} {cell.precision}"
        groups.setdefault((name, cell.batch, cell.threads), []).append(cell)
    rows: list[tuple[str, ...]] = [("runner", "batch", "threads", "cells", "sessions", "time")]
    for (name, batch, threads), cells in groups.items():
        sessions = plan.sampling.sessions
        seconds = sessions * sum(expected.each[cell] for cell in cells)
        figures = (batch, threads, len(cells), sessions * len(cells))
        rows.append((name, *map(str, figures), duration(seconds)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    grows = plan.sampling.most_sessions > plan.sampling.sessions
    least = "sessions and time are the least; " if grows else ""
    return ["", *table, "", f"{least}every session in its order: --all"]


def _sessions(job: Job) -> str:
    rule = job.sampling
    grows = rule.most_sessions > rule.sessions
    return f"{rule.sessions} to {rule.most_sessions}" if grows else str(rule.sessions)


def _span(expected: Expected) -> str:
    least, most = duration(expected.seconds), duration(expected.most_seconds)
    return least if least == most else f"{least} to {most}"


def _basis(
    options: Options, runs: Sequence[StoredRun], expected: Expected, measured: Iterable[str]
) -> str:
    if expected.known:
        where = " and ".join(sorted(measured))
        of = f"{expected.known} of {len(expected.each)} cells"
        return f"from the newest sessions of {of} on {where}"
    named = options.own.get("system")
    others = "" if named else elsewhere(runs)
    none = f"guessed from FLOPs: no earlier session of {named or 'this machine'} is stored"
    return f"{none}; {others}" if others else none


def _print_json(job: Job, plan: Plan, expected: Expected) -> None:
    value = {
        "suite": job.suite,
        "preset": job.sampling.preset,
        "seed": job.seed,
        "expected_s": round(expected.seconds, 1),
        "expected_most_s": round(expected.most_seconds, 1),
        "expected_from_earlier_cells": expected.known,
        "left_out": list(job.left_out),
        "steps": [
            {"order": it.order, "round": it.round, "turn": it.turn, "cell_id": it.cell.id}
            for it in plan.steps
        ],
    }
    show(json.dumps(value, indent=1) + "\n")
