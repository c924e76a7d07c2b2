"""`bench report`: every table and plot again, from results/ alone."""

from __future__ import annotations

import json
import sys

from bench.errors import ResultsError
from bench.options import Options, Tables
from bench.report import write_report


def run(options: Options, tables: Tables) -> int:
    """Write the report and name its files; raises ResultsError where there is no results folder."""
    if not options.results.is_dir():
        raise ResultsError(
            f"there is no results folder {options.results}",
            hint="run `make bench` first, or name one with --results DIR",
        )
    files = [str(path) for path in write_report(options.results, options.models, options.run)]
    if options.as_json:
        sys.stdout.write(json.dumps({"files": files}, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"wrote {path}\n" for path in files)
    return 0
