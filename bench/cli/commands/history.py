"""`bench history CELL`: a cell's figures over the runs, as a table and a plot."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bench.analysis import naming
from bench.analysis.history import Stored, histories
from bench.cli.console import tell_broken
from bench.cli.stored import gate_of, viewed
from bench.config.thresholds import DEFAULT
from bench.core.errors import BrokenResult, InputError, UnknownName
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.reports.build import StoredRuns, in_full
from bench.reports.history import history_text, history_values
from bench.storage.schema.latency import Measured
from bench.storage.store import Store

_SHOWN = 10


def run(options: Options, tables: Tables) -> int:
    """Print the history on each system and preset, write its plot, and return 0.

    Raises UnknownName and InputError for a name that is no cell's or several cells', and what
    reading results raises.
    """
    from bench.reports.plots.history import render

    if len(options.words) != 1:
        raise InputError(
            f"history takes one cell, and {len(options.words)} are given",
            hint=f"as in {command('history x0_25-paddle-fp32-b1-t1')}",
        )
    broken: list[BrokenResult] = []
    newest = in_full(viewed(options, broken))
    status = tell_broken(broken)
    cell_id = chosen(options.words[0], (name for run in newest for name in run.manifest.cells))
    runs = StoredRuns(options.results, None, [], [cell_id])
    stored: list[Stored] = [
        (run.manifest, naming.marked(run.system.heading, emulated=run.system.emulated), record)
        for run in runs
        for record in run.records
        if isinstance(record.outcome, Measured)
    ]
    if not stored:
        raise InputError(f"no run has a figure of {cell_id}", hint="measure it first")
    gate = gate_of(stored[-1][0].suite) or DEFAULT
    shown = histories(stored, min_effect=gate.of(cell_id))
    files = [p for history in shown for p in Store(options.results).write_history(render(history))]
    names = [str(path) for path in files]
    if options.as_json:
        values = {"histories": [history_values(one) for one in shown], "files": names}
        show(json.dumps(values, indent=1) + "\n")
    else:
        show("\n".join(map(history_text, shown)))
        show_lines(["", *(f"wrote {name}" for name in names)])
    return status


def chosen(name: str, cells: Iterable[str]) -> str:
    """Return the one cell whose id is `name` or begins with it.

    Raises UnknownName, or InputError that names the candidates.
    """
    known = sorted(set(cells))
    near = [cell for cell in known if cell.startswith(name)]
    if name in known:
        return name
    if len(near) > 1:
        more = f", and {len(near) - _SHOWN} more" if len(near) > _SHOWN else ""
        raise InputError(
            f"{len(near)} cells begin with '{name}'",
            hint=f"name one of {', '.join(near[:_SHOWN])}{more}",
        )
    if not near:
        raise UnknownName("cell", name, known)
    return near[0]
