"""Tables whose runners are those of tests/fakes/arms.py, and a comparison that takes no time."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments.ab.cells import WARM
from bench.experiments.ab.experiment import Seams
from bench.experiments.ab.interleave import Rule
from bench.experiments.context import Tables
from tests.fakes import tables as fakes
from tests.fakes.arms import as_long_as_claimed

# Bursts of the real length, so that a fake knows one, and few of them.
QUICK = Seams(rule=Rule(pairs=3), warm=replace(WARM, warmup_s=0.01), clock=as_long_as_claimed)


def arm_tables(**runners: str) -> Tables:
    """Return tables in which each name is a runner of that class; default `paddle="Steady"`."""
    chosen = runners or {"paddle": "Steady"}
    entries = {
        name: replace(fakes.fake_runner(kind), path=f"tests.fakes.arms:{kind}")
        for name, kind in chosen.items()
    }
    return replace(fakes.tables(), runners=entries)


def with_int8(tables: Tables) -> Tables:
    """Return `tables` whose runners know INT8 too, with a file and a tolerance of its own."""
    entries = {
        name: replace(entry, tolerances={"int8": 0.25}, artifacts={"int8": "paddle-lite-nb"})
        for name, entry in tables.runners.items()
    }
    return replace(tables, runners=entries)
