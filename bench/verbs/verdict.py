"""How a comparison ends on the terminal, for every verb that makes one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.compare import Comparison
from bench.options import Options
from bench.reports.verdicts import check_format, rendered, step_summary

_SUMMARY = "GITHUB_STEP_SUMMARY"


def chosen_format(options: Options) -> str:
    """Return the format that the flags ask for; raises UnknownName."""
    name = "json" if options.as_json else options.output_format
    check_format(name)
    return name


def tell(comparison: Comparison, name: str, *, environment: Mapping[str, str] = os.environ) -> int:
    """Print `comparison` in the format of that name; return its exit status.

    For GitHub the summary is added to the step's, where the environment has a place for it.
    """
    sys.stdout.write(rendered(comparison, name))
    place = environment.get(_SUMMARY)
    if name == "github" and place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(step_summary(comparison))
    return comparison.exit_status
