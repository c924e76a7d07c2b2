"""Build a report: read runs once, judge them, render every format, write it whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.analysis.series import View
    from bench.storage.directory import Store


FOLDER = "report"


def view_of(results: Path, models: Path, run_id: str | None = None) -> View:
    """Return the view of all runs in `results` but self-tests, or of one.

    Raises BrokenResult, BrokenFile or UnknownName.
    """
    from bench.analysis.selftest import SUITE as SELFTEST
    from bench.analysis.series import StoredRun, gather
    from bench.config.catalog import load_catalogue, load_faults, load_published
    from bench.storage.directory import Store

    store = Store(results)
    runs = store.runs() if run_id is None else [store.run(run_id)]
    loaded = [(run, run.manifest()) for run in runs]
    if run_id is None:  # a self-test is of this machine, not of a model; its own page can be had
        loaded = [(run, manifest) for run, manifest in loaded if manifest.suite != SELFTEST]
    return gather(
        [
            StoredRun(
                manifest=manifest, system=store.system(manifest.system_id), records=run.records()
            )
            for run, manifest in loaded
        ],
        order=list(load_catalogue(models).models),
        published=load_published(models),
        faults=load_faults(models),
    )


def render_report(
    results: Path, models: Path, run_id: str | None = None
) -> tuple[Path, dict[Path, bytes]]:
    """Return a report's folder and, tables first, the files that belong there; writes nothing.

    Without `run_id` the report covers all runs and lies in results/report; with one, only that run,
    and lies in its folder. Raises what `view_of` raises.
    """
    from bench.reports import render_all
    from bench.storage.directory import Store

    store = Store(results)
    folder = (results if run_id is None else store.run(run_id).path) / FOLDER
    return folder, render_all(judged(view_of(results, models, run_id), store), folder)


def judged(view: View, store: Store) -> View:
    """Return `view` with what the audit says of its figures and each source run's variance."""
    from bench.analysis.audit import audit, measured_tables, published_tables
    from bench.analysis.variance import components

    marks: dict[tuple[str, str, str], list[str]] = {}
    for finding in audit([*published_tables(view.published), *measured_tables(view)]):
        table = finding.table.removeprefix("measured: ").rpartition(",")[0]
        for column in finding.columns if finding.row else ():
            where = column if finding.source == "published" else f"{table}: {column}"
            marks.setdefault((finding.source, finding.row, where), []).append(finding.reason)
    variances = {}
    for run_id in view.sources:
        found = components(
            {
                record.cell_id: {s.round: s.durations_ns for s in record.sessions}
                for record in store.run(run_id).records()
                if record.sessions
            }
        )
        if found is not None:
            variances[run_id] = found
    return replace(view, variances=variances, marks=marks)


def write_report(results: Path, models: Path, run_id: str | None = None) -> list[Path]:
    """Write every table and plot from what `results` holds; return the files, tables first.

    Nothing is written unless everything could be rendered. Raises what `render_report` raises, and
    ResultsNotWritable.
    """
    from bench.storage.directory import Store

    return Store(results).replace_report(*render_report(results, models, run_id))
