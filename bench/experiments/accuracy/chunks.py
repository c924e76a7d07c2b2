"""A variant's engines open side by side, chunk after chunk of images, and the journal of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.analysis.accuracy import chunks_by_start, outcomes
from bench.artifacts.builder import Artifact
from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.experiments.accuracy.batch import read_inputs, see
from bench.experiments.accuracy.cells import Bench, Made
from bench.experiments.accuracy.dataset import Labelled
from bench.experiments.accuracy.engine import Engine
from bench.experiments.accuracy.recipes import Net
from bench.experiments.progress import Unit, Units
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import JournalLine
from bench.storage.schema.common import Failed, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """What the chunks of a run need: its folder, engines, images, artifacts, nets."""

    run: AccuracyFolder
    bench: Bench
    images: Sequence[Labelled]
    made: Made
    nets: Mapping[str, Net]
    pool: Executor
    scratch: Path

    def pending(self, variants: Sequence[str]) -> Units:
        """Yield the chunks that the journal lacks, variant after variant."""
        journal, size = self.run.journal(), self.run.manifest().chunk
        lines = {name: [line for line in journal if line.variant == name] for name in variants}
        starts = {
            name: [
                at
                for at in range(0, len(self.images), size)
                if at not in chunks_by_start(lines[name])
            ]
            for name in variants
        }
        left = sum(map(len, starts.values()))
        for name in variants:
            with ExitStack() as stack:
                lost = set(outcomes(lines[name]))
                engines = self._open(name, lost, stack) if starts[name] else {}
                for start in starts[name]:
                    if engines:
                        part = self.images[start : start + size]
                        execute = partial(self._infer, name, start, part, engines)
                        yield Unit(label=name, left=left, execute=execute, minor=True)
                    left -= 1

    def _infer(
        self, variant: str, start: int, part: Sequence[Labelled], engines: dict[str, Engine]
    ) -> str:
        net = self.nets[variant]
        inputs = read_inputs(part, start, net.recipe, self.pool)
        answers = see(inputs, engines, self.scratch, output=net.output)
        self.run.append(JournalLine(variant=variant, chunk=answers.chunk))
        for runner, failure in answers.lost.items():
            del engines[runner]
            self._lost(variant, runner, self.bench.outcome(failure))
        return f"images {start + 1} to {start + len(part)} of {len(self.images)}"

    def _open(self, variant: str, lost: set[str], stack: ExitStack) -> dict[str, Engine]:
        """Return the variant's engines by runner, without those that can't be had."""
        engines = {}
        for cell, artifact in self.made.items():
            if cell.variant != variant or cell.runner in lost:
                continue
            engine = self._opened(cell, artifact, stack)
            if isinstance(engine, Engine):
                engines[cell.runner] = engine
            else:
                self._lost(variant, cell.runner, engine)
        return engines

    def _opened(
        self, cell: Cell, artifact: Artifact | Failed | Skipped, stack: ExitStack
    ) -> Engine | Failed | Skipped:
        if not isinstance(artifact, Artifact):
            return artifact
        try:
            engine = stack.enter_context(self.bench.open(cell, artifact))
        except WorkerFailed as error:
            return self.bench.outcome(error.failure)
        except Unavailable as error:
            why = ChildFailed(kind="unavailable", message=error.problem, hint=error.hint)
            return self.bench.outcome(why)
        line = JournalLine(variant=cell.variant, runner=cell.runner, opened=engine.opened)
        self.run.append(line)
        return engine

    def _lost(self, variant: str, runner: str, why: Failed | Skipped) -> None:
        failed, skipped = (why, None) if isinstance(why, Failed) else (None, why)
        line = JournalLine(variant=variant, runner=runner, failed=failed, skipped=skipped)
        self.run.append(line)
