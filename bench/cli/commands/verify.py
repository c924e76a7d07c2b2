"""`bench verify`: is the report what comes out of the stored samples, and does a run still hold?

Builds and exports nothing, and leaves results/ as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Reversible, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.analysis.brief import Brief
from bench.analysis.freshness import (
    CellCheck,
    Difference,
    FileCheck,
    compare_files,
)
from bench.analysis.selftest import SUITE as SELFTEST
from bench.analysis.series import StoredRun
from bench.cli.console import tell_broken
from bench.cli.stale_cells import check_cells
from bench.config.catalog import CATALOG, EXPORTED, load_catalogue
from bench.core.errors import BrokenResult, InputError
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.launcher.signatures import NotSigned, check_signature
from bench.reports import build, optional_files, render_all, without_absent
from bench.storage.run_folders import RunFolder, ServingFolder
from bench.storage.store import Store

_REASONS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """The file of those whose signature is accepted."""

    signers: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Who has signed the run, or why that isn't known; neither where nobody wants to know."""

    signer: str | None = None
    problem: str | None = None


def _check_origin(folder: RunFolder | None, signers: Path | None) -> _Origin:
    if signers is None:
        return _Origin()
    if folder is None:
        return _Origin(problem="there is no run that a signature could be of")
    if not folder.sealed():
        return _Origin(problem="it has no seals that a signature would cover")
    try:
        return _Origin(signer=check_signature(folder.manifest_path, signers.expanduser()))
    except NotSigned as error:
        return _Origin(problem=str(error))


def run(options: Options, tables: Tables) -> int:
    """Check the report on all runs and the cells of one run, the newest unless --run names another;
    where only loads are stored, the report and their logs.

    Returns 0: the report is what comes out, no cell is stale and a signature that is wanted is
    there, 1: one of that isn't so. Raises what reading results, models and flags raises.
    """
    folder, broken = _folder(options), list[BrokenResult]()
    files = _check_report(options, None, broken)
    cells: Sequence[CellCheck] = ()
    if folder is not None:
        if (folder.path / build.FOLDER).is_dir():
            files += _check_report(options, folder.path.name, broken)
        cells = check_cells(options, tables, folder)
        folder.layers(folder.records([]), broken)
    _check_logs(options, broken)
    origin = _check_origin(folder, options.of(VerifyOptions).signers)
    if options.as_json:
        _print_json(folder, files, cells, origin)
    else:
        show_lines(_lines(folder, files, cells, origin))
        show_lines(() if folder is None else _other_models(options.models, folder))
    well = all(it.state == "same" for it in files) and all(it.state != "stale" for it in cells)
    return max(tell_broken(broken), int(not well or origin.problem is not None))


def _check_logs(options: Options, broken: list[BrokenResult]) -> None:
    """Add LoadGen's logs that aren't those of their loads to `broken`."""
    for loads in ServingFolder.all(Store(options.results)):
        try:
            loads.check_logs(broken)
        except BrokenResult as error:
            broken.append(error)


def _folder(options: Options) -> RunFolder | None:
    """Return the run to check, None where only loads are stored.

    A self-test's nets are in no catalogue, so it is none.
    """
    store = Store(options.results)
    if options.run in (None, "latest"):
        runs = [run for run in store.runs() if run.manifest().suite != SELFTEST]
        if not runs and options.run is None and any(ServingFolder.all(store)):
            return None
        return runs[-1] if runs else store.run("latest")
    folder = store.run(str(options.run))
    if folder.manifest().suite == SELFTEST:
        raise InputError(
            f"run {options.run} is a self-test, of nets that no catalogue has",
            hint=f"weigh it again with {command(f'selftest --from {options.run}')}",
        )
    return folder


def _check_report(
    options: Options, run_id: str | None, broken: list[BrokenResult]
) -> list[FileCheck]:
    folder = build.report_folder(options.results, run_id)
    runs: Reversible[StoredRun | Brief]
    if run_id is None:
        runs = build.ViewedRuns(options.results, broken)  # each file is read
    else:
        runs = build.StoredRuns(options.results, run_id, broken)
    accuracies = build.load_accuracies(options.results, run_id, broken=broken)
    servings = build.load_servings(options.results, run_id, broken=broken)
    view = build.view_of(runs, options.models, accuracies, servings)
    derived = without_absent(render_all(view, folder))
    there = {path for path in derived if path.is_file()} | optional_files(folder)
    return compare_files(derived, {path: path.read_bytes() for path in sorted(there)})


def _print_json(
    folder: RunFolder | None,
    files: Sequence[FileCheck],
    cells: Sequence[CellCheck],
    origin: _Origin,
) -> None:
    value = {
        "run": folder.path.name if folder else None,
        "report": [_file_json(one) for one in files],
        "cells": [asdict(one) for one in cells],
        "sealed": len(folder.sealed()) if folder else 0,
        "origin": asdict(origin),
    }
    show(json.dumps(value, indent=1) + "\n")


def _file_json(check: FileCheck) -> dict[str, Any]:
    where = {} if check.difference is None else asdict(check.difference)
    return {"file": str(check.file), "state": check.state} | where


def _lines(
    folder: RunFolder | None,
    files: Sequence[FileCheck],
    cells: Sequence[CellCheck],
    origin: _Origin,
) -> Iterator[str]:
    yield from (f"{one.state:<9}  {one.file}{_where(one.difference)}" for one in files)
    for cell in cells:
        if cell.state == "stale":
            yield f"stale      {cell.cell_id}: {_shortened(cell.reasons)}"
    doubts = Counter(why for cell in cells if cell.state == "unchecked" for why in cell.reasons)
    yield from (f"unchecked  {number_of(count, 'cell')}: {why}" for why, count in doubts.items())
    if origin.problem is not None:
        yield f"unsigned   {f'run {folder.path.name}: ' if folder else ''}{origin.problem}"
    yield _sentence(folder, files, cells, origin)


def _other_models(models: Path, folder: RunFolder) -> Iterator[str]:
    """Yield what explains most differences at once: the run's nets are of another catalogue."""
    known = load_catalogue(models).models
    then = folder.manifest().models.items()
    gone = sorted(it for it, facts in then if it not in known and facts.weights != EXPORTED)
    if gone:
        are = f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'}n't in {models / CATALOG}"
        yield f"{are}: if the run had another folder, give that with --models"


def _where(difference: Difference | None) -> str:
    if difference is None:
        return ""
    found, derived = (
        "nothing" if text is None else repr(text) for text in (difference.found, difference.derived)
    )
    return f", line {difference.line}: {found} on disk, {derived} from the samples"


def _shortened(reasons: Sequence[str]) -> str:
    more = len(reasons) - _REASONS_SHOWN
    shown = "; ".join(reasons[:_REASONS_SHOWN])
    return f"{shown}; and {more} more (--json has them)" if more > 0 else shown


def _sentence(
    folder: RunFolder | None,
    files: Sequence[FileCheck],
    cells: Sequence[CellCheck],
    origin: _Origin,
) -> str:
    wrong = sum(one.state != "same" for one in files)
    which, negated = (f"{wrong} of", " not") if wrong else ("all", "")
    report = f"{which} {len(files)} report files are{negated} what comes out of the stored samples"
    if folder is None:
        return f"{report}; there is no run, only loads"
    states = Counter(one.state for one in cells)
    counts = ", ".join(f"{states[state]} {state}" for state in ("current", "stale", "unchecked"))
    return (
        f"{report}; of the {number_of(len(cells), 'cell')} of run {folder.path.name}: {counts}; "
        f"{_seals(folder, origin)}"
    )


def _seals(folder: RunFolder, origin: _Origin) -> str:
    """Return what the digests of the run's files show."""
    count = len(folder.sealed())
    if not count and folder.manifest().status != "complete":
        return "its files get digests as it is completed, which it isn't yet"
    if not count:
        return "its files bear no digest, as those of earlier versions"
    shown = f"signed by {origin.signer}" if origin.signer else "which shows no origin"
    return f"{count} sealed as the run was completed, {shown}"
