"""`bench profile [RUN] [CELL]`: a cell's operators, or what two cells differ by. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from bench.analysis.operators import Row, by_family, cost, diff, latency_ns, together_ns
from bench.cli.cells import cells_named
from bench.cli.console import tell_broken, tell_unprofiled
from bench.cli.stored import check_results
from bench.core.errors import BrokenResult, InputError
from bench.core.output import columns, show
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.reports.terminal.labels import labels
from bench.reports.terminal.operators import (
    Side,
    diff_text,
    diffs_table,
    profile_text,
    profiles_table,
)
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import CellFields
from bench.storage.schema.latency import reason
from bench.storage.schema.profile import Profiled, ProfileRecord
from bench.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOptions:
    """The run whose profiles those of RUN are held against, and whether all operators are shown."""

    against: str | None = None
    every: bool = False


Pair = tuple[Side, Side]


def run(options: Options, tables: Tables) -> int:
    """Print profiles, or what pairs of them differ by.

    Returns 0, 1 where one failed or can't be read. Raises InputError and UnknownName for what there
    is none of, and what reading results raises.
    """
    del tables
    check_results(options.results, "cpu")
    broken: list[BrokenResult] = []
    folder, words = _named(options, Store(options.results), broken)
    chosen = _chosen(folder, words, options.axes.runners, broken)
    status = tell_unprofiled(chosen)
    sides = _sides(folder, chosen)
    pairs = _pairs(options, folder, sides, words, broken)
    if pairs is not None:
        _show_pairs(options, pairs)
    else:
        status = max(status, _show(options, chosen, sides))
    return max(status, tell_broken(broken))


def _named(
    options: Options, store: Store, broken: list[BrokenResult]
) -> tuple[RunFolder, Sequence[str]]:
    """Return the run that is named, else the newest with a profile, and the words for cells."""
    words = list(options.words)
    if options.run not in (None, "latest"):
        return _run(store, str(options.run)), words
    if words and words[0] != "latest" and _near(store, words[0]):
        return _run(store, words[0]), words[1:]
    for folder in reversed(store.runs()):
        if any(isinstance(it.outcome, Profiled) for it in folder.profiles(broken)):
            return folder, words[1:] if words[:1] == ["latest"] else words
    raise InputError("no run has a profile yet", hint=f"take some: {command('run --profile')}")


def _near(store: Store, text: str) -> list[str]:
    return [it.path.name for it in store.runs() if it.path.name.startswith(text)]


def _run(store: Store, text: str) -> RunFolder:
    """Return the run whose id is `text` or begins with it alone; raises InputError, UnknownName."""
    near = _near(store, text)
    if len(near) > 1 and text not in near:
        raise InputError(
            f"{len(near)} runs begin with '{text}'", hint=f"name one of {', '.join(near)}"
        )
    return store.run(near[0] if len(near) == 1 else text)


def _chosen(
    folder: RunFolder, words: Sequence[str], runners: Sequence[str], broken: list[BrokenResult]
) -> list[ProfileRecord]:
    """Return the profiles of a run that `words` and `runners` name."""
    records = {it.cell_id: it for it in folder.profiles(broken)}
    if not records:
        raise InputError(
            f"run {folder.path.name} has no profile",
            hint=f"take some with a new run: {command('run --profile')}",
        )
    ids = cells_named(words, {i: it.cell for i, it in records.items()}) if words else list(records)
    known = {it.cell.runner for it in records.values()}
    if missing := [it for it in runners if it not in known]:
        raise InputError(
            f"run {folder.path.name} has no profile of runner {missing[0]}",
            hint=f"it has profiles of {', '.join(sorted(known))}",
        )
    chosen = [records[i] for i in ids if not runners or records[i].cell.runner in runners]
    if not chosen:
        raise InputError(
            f"none of the cells that {' '.join(words)} names is of runner {' or '.join(runners)}",
            hint=f"leave out --runner, or name one of {', '.join(records)}",
        )
    return chosen


def _sides(folder: RunFolder, records: Sequence[ProfileRecord]) -> list[Side]:
    """Return those of `records` that are a profile, with their labels."""
    named = zip(labels([it.cell for it in records]), records, strict=True)
    return [
        Side(label=label, run_id=folder.path.name, record=it, profiled=it.outcome)
        for label, it in named
        if isinstance(it.outcome, Profiled)
    ]


def _pairs(
    options: Options,
    folder: RunFolder,
    sides: Sequence[Side],
    words: Sequence[str],
    broken: list[BrokenResult],
) -> list[Pair] | None:
    """Return which profiles are compared, None where none are; raises InputError."""
    against, runners = options.of(ProfileOptions).against, options.axes.runners
    if (against is not None and len(runners) > 1) or len(runners) > 2:
        raise InputError(
            "a comparison is of two runs (--against RUN) or of two engines (--runner A,B)",
            hint="name two runners, or one beside --against",
        )
    if against is not None:
        other = _run(Store(options.results), against)
        if other.path == folder.path:
            raise InputError(
                f"run {other.path.name} is on both sides",
                hint=f"name the other one first, as in {command('profile RUN --against latest')}",
            )
        bases = _sides(other, _chosen(other, words, runners, broken))
        pairs = [(a, b) for b in sides for a in bases if _work(a) == _work(b)]
        where = f"runs {other.path.name} and {folder.path.name}"
    elif len(runners) == 2:
        base, head = runners
        of = {name: [it for it in sides if it.record.cell.runner == name] for name in runners}
        pairs = [(a, b) for a in of[base] for b in of[head] if _work(a)[1:] == _work(b)[1:]]
        where = f"{base} and {head}"
    else:
        return None
    if not pairs:
        raise InputError(
            f"{where} have no profile of the same net, batch, threads and precision",
            hint=f"see which there are: {command('profile')}",
        )
    return pairs


def _work(side: Side) -> tuple[object, ...]:
    """Return what two cells of two runs agree in: the engine first, then its work."""
    cell: CellFields = side.record.cell
    engine = cell.runner, tuple(sorted(cell.settings.items()))
    return engine, cell.variant, cell.batch, cell.threads, cell.precision, cell.input


def _show(options: Options, chosen: Sequence[ProfileRecord], sides: Sequence[Side]) -> int:
    """Show the profiles among the `chosen` ones; return 1 where there is none."""
    if options.as_json:
        without = [
            {"cell": it.cell_id, "reason": reason(it.outcome)}
            for it in chosen
            if not isinstance(it.outcome, Profiled)
        ]
        values = {"profiles": [_values(it) for it in sides], "without": without}
        show(json.dumps(values, indent=1) + "\n")
    elif len(sides) == 1:
        show(profile_text(sides[0], columns(), every=options.of(ProfileOptions).every))
    elif sides:
        show(profiles_table(sides, columns()))
    return int(not sides)


def _show_pairs(options: Options, pairs: Sequence[Pair]) -> None:
    if options.as_json:
        values = [dict(_diff_values(base, head)) for base, head in pairs]
        show(json.dumps({"differences": values}, indent=1) + "\n")
    elif len(pairs) == 1:
        show(diff_text(*pairs[0], columns(), every=options.of(ProfileOptions).every))
    else:
        show(diffs_table(pairs, columns()))


def _about(side: Side) -> dict[str, object]:
    profiled = side.profiled
    return {
        "run": side.run_id,
        "cell": side.record.cell_id,
        "label": side.label,
        "engine": profiled.facts.get("engine"),
        "latency_ns": latency_ns(profiled),
        "cost": cost(profiled),
        "together_ns": together_ns(profiled),
        "resolution_ns": profiled.resolution_ns,
    }


def _values(side: Side) -> dict[str, object]:
    operators = [it.model_dump() for it in side.profiled.operators]
    return {**_about(side), "kinds_ns": by_family(side.profiled.operators), "operators": operators}


def _diff_values(base: Side, head: Side) -> Iterator[tuple[str, object]]:
    found = diff(base.profiled, head.profiled)
    yield from (("base", _about(base)), ("head", _about(head)))
    yield "by_name", found.by_name
    for name in ("difference_ns", "explained_ns", "unexplained_ns"):
        yield name, getattr(found, name)
    yield "rows", [_row_values(row) for row in found.rows]


def _row_values(row: Row) -> dict[str, object]:
    sides = {"base": row.base, "head": row.head}
    groups = {name: it and {**asdict(it), "types": [*it.types]} for name, it in sides.items()}
    lists = {name: it and {**it, "kernels": [*it["kernels"]]} for name, it in groups.items()}
    difference = {"difference_ns": row.difference_ns, "ratio": row.ratio}
    return {"name": row.name, "is_kind": row.is_kind, **lists, **difference}
