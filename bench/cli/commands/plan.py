"""`bench plan`: what would run, in which order, and how long it should take. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bench.analysis.series import StoredRun
from bench.analysis.time_use import own_ns
from bench.artifacts.failures import no_way
from bench.artifacts.formats import ways
from bench.cli.console import tell_broken
from bench.cli.stored import viewed
from bench.cli.systems import answering, elsewhere
from bench.config.published import load_published
from bench.core.cell import Cell
from bench.core.errors import BrokenResult
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.core.units import NS_PER_S, duration, number_of
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables
from bench.experiments.latency.forecast import Expected, expect
from bench.experiments.latency.job import Job, SuiteOptions, new_job, suite_of
from bench.experiments.latency.schedule import Plan
from bench.experiments.preparation import artifact_key
from bench.reports.build import in_full
from bench.targets import TargetEntry, entry_of
from bench.targets.base import missing_for


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Whether every session is shown, or how many there are."""

    all_sessions: bool = False


def run(options: Options, tables: Tables) -> int:
    """Print the plan."""
    suite = suite_of(options)
    cores = None if entry_of(suite.file.target, tables.targets).runs_sessions else usable_cores()
    job = new_job(options, tables, suite, cores=cores)
    lacks = missing_for(options.target(job.target, tables.targets), tables.targets)
    problems = {} if lacks else _problems(options, tables, job)
    skipped = [f"can't run here: {each.what}: {each.remedy}" for each in lacks]
    skipped += _skipped(problems)
    if suite.file.loads:
        named = options.of(SuiteOptions).suite
        skipped.append(f"not planned: the loads of {command(f'load --suite {named}')}")
    job = replace(job, cells=tuple(it for it in job.cells if it not in problems) or job.cells)
    plan = job.plan()
    broken: list[BrokenResult] = []
    runs = in_full(viewed(options, broken))
    earlier = _earlier(options, runs)
    seconds = {cell_id: seconds for cell_id, (seconds, _) in earlier.items()}
    expected = expect(plan, seconds, _macs(options, job))
    if options.as_json:
        _print_json(job, plan, expected, skipped)
    else:
        measured = {earlier[cell.id][1] for cell in plan.cells if cell.id in earlier}
        basis = _basis(options, runs, expected, measured)
        rows = _steps(plan) if options.of(PlanOptions).all_sessions else _summary(plan, expected)
        head = _head(job, tables.targets[job.target], plan, expected, basis)
        show_lines([*head, *skipped, *rows])
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


def _skipped(problems: Mapping[Cell, str]) -> Iterator[str]:
    """Yield how many cells are skipped, each reason once."""
    for why in dict.fromkeys(problems.values()):
        cells = [cell for cell, problem in problems.items() if problem == why]
        runners = " and ".join(dict.fromkeys(cell.runner for cell in cells))
        yield f"skipped: {number_of(len(cells), 'cell')} of {runners}: {why}"


def _problems(options: Options, tables: Tables, job: Job) -> dict[Cell, str]:
    """Return why cells would be skipped: nothing makes their net's file, or no environment."""
    environments = Environments(options.cache, options.envs)
    envs = {cell: tables.runners[cell.runner].env for cell in job.cells}
    lacks = {env: environments.problem(env) for env in dict.fromkeys(envs.values())}
    entries = {cell.runner: tables.runners[cell.runner] for cell in job.cells}
    programs = {
        name: environments.program_problem(entry.program, entry.env)
        for name, entry in entries.items()
        if entry.program is not None and lacks[entry.env] is None
    }
    models = {model.variant: model for model in job.models}
    found = {}
    for cell in job.cells:
        model, kind = models[cell.variant], artifact_key(cell, tables.runners).kind
        able = ways(tables.formats, kind, model.origin)
        lacking = lacks[envs[cell]] or programs.get(cell.runner)
        problem = lacking if able else no_way(model, kind, tables.formats)
        if problem is not None:
            found[cell] = str(problem)
    return found


def _head(job: Job, entry: TargetEntry, plan: Plan, expected: Expected, basis: str) -> list[str]:
    preset = f"preset {job.sampling.preset}"
    size = f"{number_of(len(plan.cells), 'cell')} x {_sessions(job)}"
    return [
        f"suite {job.suite} ({job.suite_title}) on {entry.title}, {preset}, seed {job.seed}",
        f"{size}, about {_span(expected)} ({basis})",
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


_TOTAL = ("all", "", "", "")


def _summary(plan: Plan, expected: Expected) -> list[str]:
    """Return a table of the cells by what they run on, and the flag that has each session."""
    groups: dict[tuple[str, str, int, int], list[Cell]] = {}
    for cell in sorted(plan.cells, key=lambda it: (it.runner, it.precision, it.batch, it.threads)):
        axes = (cell.runner, cell.precision, cell.batch, cell.threads)
        groups.setdefault(axes, []).append(cell)
    head = ("runner", "precision", "batch", "threads", "cells", "sessions", "time")
    rows: list[tuple[str, ...]] = [head]
    for axes, cells in [*groups.items(), *([(_TOTAL, plan.cells)] if len(groups) > 1 else ())]:
        sessions = plan.sampling.sessions
        seconds = sessions * sum(expected.each[cell] for cell in cells)
        figures = (*axes, len(cells), sessions * len(cells))
        rows.append((*map(str, figures), duration(seconds)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join([*map(str.ljust, row[:2], widths[:2]), *map(str.rjust, row[2:], widths[2:])])
        for row in rows
    ]
    grows = plan.sampling.most_sessions > plan.sampling.sessions
    least = "sessions and time are the least; " if grows else ""
    return ["", *table, "", f"{least}every session in its order: --all"]


def _sessions(job: Job) -> str:
    rule = job.sampling
    grows = rule.most_sessions > rule.sessions
    sessions = number_of(rule.most_sessions, "session")
    return f"{rule.sessions} to {sessions}" if grows else sessions


def _span(expected: Expected) -> str:
    least, most = duration(expected.seconds), duration(expected.most_seconds)
    return least if least == most else f"{least} to {most}"


def _basis(
    options: Options, runs: Sequence[StoredRun], expected: Expected, measured: Iterable[str]
) -> str:
    if expected.known:
        where = " and ".join(sorted(measured))
        of = f"{expected.known} of {number_of(len(expected.each), 'cell')}"
        return f"from the newest sessions of {of} on {where}"
    named = options.own.get("system")
    others = "" if named else elsewhere(runs)
    none = f"guessed from FLOPs: no earlier session of {named or 'this machine'} is stored"
    return f"{none}; {others}" if others else none


def _print_json(job: Job, plan: Plan, expected: Expected, skipped: Sequence[str]) -> None:
    value = {
        "suite": job.suite,
        "preset": job.sampling.preset,
        "seed": job.seed,
        "expected_s": round(expected.seconds, 1),
        "expected_most_s": round(expected.most_seconds, 1),
        "expected_from_earlier_cells": expected.known,
        "target": job.target,
        "left_out": list(job.left_out),
        "skipped": list(skipped),
        "steps": [
            {"order": it.order, "round": it.round, "turn": it.turn, "cell_id": it.cell.id}
            for it in plan.steps
        ],
    }
    show(json.dumps(value, indent=1) + "\n")
