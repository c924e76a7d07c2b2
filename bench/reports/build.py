"""Build a report: read runs once, judge them, render every format, write it whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.series import Mark, StoredRun, View
    from bench.analysis.variance import Components


FOLDER = "report"


def load_runs(results: Path, run_id: str | None = None) -> list[StoredRun]:
    """Return all runs in `results` but self-tests, oldest first, or one; each file is read once.

    A self-test is of this machine, not of a model. Raises BrokenResult, BrokenFile or UnknownName.
    """
    from bench.analysis.selftest import SUITE as SELFTEST
    from bench.analysis.series import StoredRun
    from bench.storage.directory import Store

    store = Store(results)
    folders = store.runs() if run_id is None else [store.run(run_id)]
    loaded = [(folder, folder.manifest()) for folder in folders]
    return [
        StoredRun(
            manifest=manifest,
            system=store.system(manifest.system_id),
            records=tuple(folder.records()),
        )
        for folder, manifest in loaded
        if run_id is not None or manifest.suite != SELFTEST
    ]


def view_of(results: Path, models: Path, run_id: str | None = None) -> View:
    """Return the view of all runs in `results` but self-tests, or of one; raises as `load_runs`."""
    return _view(load_runs(results, run_id), models)


def _view(runs: Sequence[StoredRun], models: Path) -> View:
    from bench.analysis.series import gather
    from bench.config.catalog import load_catalogue, load_faults, load_published

    return gather(
        runs,
        order=list(load_catalogue(models).models),
        published=load_published(models),
        faults=load_faults(models),
    )


def render_report(
    results: Path, models: Path, run_id: str | None = None
) -> tuple[Path, dict[Path, bytes]]:
    """Return a report's folder and, tables first, the files that belong there; writes nothing.

    Without `run_id` the report covers all runs and lies in results/report; with one, only that run,
    and lies in its folder. Raises what `load_runs` raises.
    """
    from bench.reports import render_all
    from bench.storage.directory import Store

    folder = (results if run_id is None else Store(results).run(run_id).path) / FOLDER
    runs = load_runs(results, run_id)
    view = _view(runs, models)
    return folder, render_all(
        replace(view, variances=_variances(view, runs), marks=_marks(view)), folder
    )


def _marks(view: View) -> dict[Mark, list[str]]:
    """Return what the audit says of each figure."""
    from bench.analysis.audit import audit, measured_tables, published_tables

    marks: dict[Mark, list[str]] = {}
    for finding in audit([*published_tables(view.published), *measured_tables(view)]):
        table = finding.table.removeprefix("measured: ").rpartition(",")[0]
        for column in finding.columns if finding.row else ():
            where = column if finding.source == "published" else f"{table}: {column}"
            marks.setdefault((finding.source, finding.row, where), []).append(finding.reason)
    return marks


def _variances(view: View, runs: Sequence[StoredRun]) -> dict[str, Components]:
    """Return the components of variance of each run that `view` shows a figure of."""
    from bench.analysis.variance import components

    by_run = {run.manifest.run_id: run for run in runs}
    known = {
        run_id: components(
            {
                record.cell_id: {s.round: s.durations_ns for s in record.sessions}
                for record in by_run[run_id].records
                if record.sessions
            }
        )
        for run_id in view.sources
    }
    return {run_id: one for run_id, one in known.items() if one is not None}


def write_report(results: Path, models: Path, run_id: str | None = None) -> list[Path]:
    """Write every table and plot from what `results` holds; return the files, tables first.

    Nothing is written unless everything could be rendered. Raises what `render_report` raises, and
    ResultsNotWritable.
    """
    from bench.reports import optional_files
    from bench.storage.files import replace_report

    folder, files = render_report(results, models, run_id)
    return replace_report(files, optional_files(folder))
