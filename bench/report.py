"""`python -m bench.report`: the same as `python -m bench report`, and the functions behind both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.interpreter import ensure

if TYPE_CHECKING:
    from bench.reports.view import View

FOLDER = "report"


def view_of(results: Path, models: Path, run_id: str | None = None) -> View:
    """Return the view of all runs in `results`, or of one.

    Raises BrokenResult, BrokenFile or UnknownName.
    """
    from bench.catalog import load_catalogue, load_faults, load_published
    from bench.reports.view import StoredRun, gather
    from bench.store import Store

    store = Store(results)
    runs = store.runs() if run_id is None else [store.run(run_id)]
    loaded = [(run, run.manifest()) for run in runs]
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


def write_report(results: Path, models: Path, run_id: str | None = None) -> list[Path]:
    """Write every table and plot from what `results` holds; return the files, tables first.

    Without `run_id` the report covers all runs and lies in results/report; with one, only that run,
    and lies in its folder. Nothing is written unless everything could be rendered. Raises what
    `view_of` raises, and ResultsNotWritable.
    """
    from bench.reports import render_all
    from bench.store import Store

    store = Store(results)
    folder = results / FOLDER if run_id is None else store.run(run_id).path / FOLDER
    return store.replace_report(folder, render_all(view_of(results, models, run_id), folder))


if __name__ == "__main__":
    ensure("bench.report")
    from bench.cli import main

    sys.exit(main(["report", *sys.argv[1:]]))
