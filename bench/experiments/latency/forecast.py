"""How long a plan should take: from earlier sessions of the same cells, else from their FLOPs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.core.cell import BURST_S, Cell, Sampling
from bench.experiments.latency.schedule import Plan

# A guess where nothing was measured yet: starting an engine, and a CPU core's rate through it.
_STARTUP_S, _FORK_S = 2.5, 1.0
_MACS_PER_S = 15e9


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds if no cell needs more than its first sessions, and if all need as many as they may.

    `each` has the seconds of one session by cell; `known` of them are from earlier sessions.
    """

    seconds: float
    most_seconds: float
    known: int
    each: Mapping[Cell, float]


def expect(plan: Plan, earlier_s: Mapping[str, float], macs: Mapping[str, float]) -> Expected:
    """Return what `plan` should take.

    `earlier_s`: mean seconds of a session by cell id; `macs`: multiply-accumulates by variant.
    """
    each = {
        cell: earlier_s.get(cell.id, guess_s(cell, plan.sampling, macs.get(cell.variant, 0)))
        for cell in plan.cells
    }
    rule = plan.sampling
    first = sum(each[step.cell] for step in plan.steps if step.round < rule.sessions)
    every = sum(each[step.cell] for step in plan.steps)
    grown = every if rule.max_sessions is None else min(every, max(first, rule.grow_for_s))
    return Expected(
        seconds=first,
        most_seconds=grown,
        known=sum(cell.id in earlier_s for cell in plan.cells),
        each=each,
    )


def guess_s(cell: Cell, sampling: Sampling, macs: float) -> float:
    """Return the seconds that one session of `cell` may take."""
    call_s = max(macs * cell.batch / _MACS_PER_S, 1e-4)
    warm_s = max(sampling.warmup_calls * call_s, sampling.warmup_s) + 10 * call_s
    warm_s = min(warm_s, max(sampling.warmup_cap_s, call_s))
    if sampling.laps is not None:
        return _FORK_S + warm_s + sampling.laps * max(BURST_S, 2 * call_s)
    sample_s = min(sampling.samples * call_s, max(sampling.budget_s, sampling.min_samples * call_s))
    return _STARTUP_S + warm_s + sample_s
