"""A runner, a target, an artifact format, a verb, formats of a report, a comparison and an export.

Each is a sample: what one file holds, and below the line that its table gets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.analysis.series import View
from bench.analysis.verdicts import Comparison
from bench.artifacts.formats import ArtifactFormat
from bench.cli.commands import Verb
from bench.cli.flags import Flag
from bench.core.cell import Cell, TargetSpec
from bench.core.errors import Unavailable
from bench.experiments.context import Options, Tables
from bench.reports import Format
from bench.reports.exports import ExportFormat, Job
from bench.runners import RunnerEntry
from bench.targets import TargetEntry, TargetOption
from bench.targets.base import Given, Missing
from tests.fakes import converter
from tests.fakes.runner import FakeSession
from tests.fakes.targets import FakeTarget
from tests.fakes.unwatched import unwatched


class Session(FakeSession):
    facts: Mapping[str, str] = {"engine": "sample 2.0", "threads": "1", "precision": "fp32"}


class Runner:
    """Loads the sample's file and infers as the fake net does."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[Session]:
        assert artifact.read_text() == "sample"
        yield Session()


class Target(FakeTarget):
    """A board on a port of this machine, of which there are ten."""

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        return TargetSpec(kind="board", device=given.flags.get("port", "0"))

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        absent = Missing(f"there is no port {spec.device}", "give --port 0 to 9")
        return [absent] if spec.device not in {*"0123456789"} else []

    def __init__(self, spec: TargetSpec) -> None:
        old = Unavailable("port 9 is too old for it", hint="give --port 0 to 8")
        super().__init__(
            lambda: {"sample_state": f"calm on port {spec.device}"},
            spec=spec,
            refused={"sample": old} if spec.device == "9" else {},
        )


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write model.sample beside the fake's reference."""
    facts = converter.export(source, options, out)
    for batch in options["batches"]:
        (out / f"b{batch}" / "model.sample").write_text("sample")
    return facts


def count(comparison: Comparison) -> str:
    return f"sample: {len(comparison.cells)} cells\n"


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return sample.txt, a line a model, and, where there are any, one file a measured series."""
    models = "".join(f"{facts.title}\n" for facts in view.models.values())
    series = {folder / f"sample-{it.runner}.txt": b"" for it in view.series}
    return {folder / "sample.txt": models.encode()} | series


def run(options: Options, tables: Tables) -> int:
    """Greet whom the verb's own option names, from each runner; return 3."""
    for runner in tables.runners:
        sys.stdout.write(f"{runner} greets {options.own['whom']} in {options.results.name}\n")
    return 3


def write_names(job: Job) -> None:
    job.path.write_text("".join(f"{one.record.cell_id}\n" for one in job.stored))


# The line that each table gets.
EXPORT = ExportFormat(write=f"{__name__}:write_names")
VERB = Verb("Greet someone", (Flag("Greeting", "--whom", "NAME", "Whom to greet"),))
REPORT = Format(f"{__name__}:write", ("sample-*.txt",))
FORMAT = ArtifactFormat(converter=f"{__name__}:export", env="harness", main="model.sample", code=())
RUNNER = RunnerEntry(
    path=f"{__name__}:Runner", title="Sample", env="harness", artifact="sample", settings={}
)
TARGET = TargetEntry(
    path=f"{__name__}:Target",
    title="a board",
    suite="cpu",
    options=(TargetOption(flag="--port", metavar="N", help="The port of the board"),),
)
