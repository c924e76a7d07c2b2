"""One runner, one target, one kind of artifact and one format of a comparison, each a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.analysis.verdicts import Comparison
from bench.artifacts.formats import ArtifactFormat
from bench.core.cell import Cell, TargetSpec
from bench.runners import RunnerEntry
from tests.fakes import converter
from tests.fakes.runner import FakeSession
from tests.fakes.targets import FakeTarget


class Session(FakeSession):
    facts: Mapping[str, str] = {"engine": "sample 2.0", "threads": "1", "precision": "fp32"}


class Runner:
    """Loads the sample's file and infers as the fake net does."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Session]:
        assert artifact.read_text() == "sample"
        yield Session()


class Target(FakeTarget):
    def __init__(self, spec: TargetSpec) -> None:
        super().__init__(lambda: {"sample_state": "calm"}, spec=spec)


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write model.sample beside the fake's reference."""
    facts = converter.export(source, options, out)
    for batch in options["batches"]:
        (out / f"b{batch}" / "model.sample").write_text("sample")
    return facts


def count(comparison: Comparison) -> str:
    return f"sample: {len(comparison.cells)} cells\n"


# The line that each table gets.
FORMAT = ArtifactFormat(converter=f"{__name__}:export", env="harness", main="model.sample", code=())
RUNNER = RunnerEntry(
    path=f"{__name__}:Runner", title="Sample", env="harness", artifact="sample", settings={}
)
TARGET = f"{__name__}:Target"
