"""An accuracy run under way: a variant's engines open side by side, chunk after chunk."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.accuracy import chunks_by_start, outcomes
from bench.artifacts.builder import Artifact
from bench.config.catalog import Model
from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.devices.host.facts import usable_cores
from bench.experiments.accuracy.batch import read_inputs, see
from bench.experiments.accuracy.cells import Bench, Made
from bench.experiments.accuracy.dataset import Dataset
from bench.experiments.accuracy.engine import Engine
from bench.experiments.accuracy.preprocess import Recipe
from bench.experiments.accuracy.progress import Progress, progress_for
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.directory import AccuracyFolder
from bench.storage.files import utc_now
from bench.storage.schema.accuracy import JournalLine, OpenedFields
from bench.storage.schema.common import Failed, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRun:
    """What a run has: where it is kept, what opens engines, images, artifacts, recipes."""

    folder: AccuracyFolder
    bench: Bench
    dataset: Dataset
    made: Made
    recipes: Mapping[str, Recipe]

    def measure(self, models: Sequence[Model]) -> None:
        """Measure what isn't yet, and say in the manifest that it is complete."""
        images = len(self.dataset.images)
        progress = progress_for(images * len(models))
        with (
            ThreadPoolExecutor(usable_cores()) as pool,
            tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        ):
            progress.starts(self._images_done())
            for model in models:
                self._measure(model.variant, pool, Path(scratch), progress)
        done = {"status": "complete", "finished": utc_now()}
        self.folder.write_manifest(self.folder.manifest().model_copy(update=done))

    def _images_done(self) -> int:
        chunks = [line.chunk for line in self.folder.journal() if line.chunk is not None]
        return sum(len(chunk.images) + len(chunk.unreadable) for chunk in chunks)

    def _measure(self, variant: str, pool: Executor, scratch: Path, progress: Progress) -> None:
        lines = [line for line in self.folder.journal() if line.variant == variant]
        size, done, images = (
            self.folder.manifest().chunk,
            chunks_by_start(lines),
            self.dataset.images,
        )
        starts = [at for at in range(0, len(images), size) if at not in done]
        if not starts:
            return
        with ExitStack() as stack:
            engines = self._open(variant, set(outcomes(lines)), stack)
            for start in starts:
                if not engines:
                    return
                part = images[start : start + size]
                inputs = read_inputs(part, start, self.recipes[variant], pool)
                seen = see(inputs, engines, scratch)
                self.folder.append(JournalLine(variant=variant, chunk=seen.chunk))
                for runner, failure in seen.lost.items():
                    del engines[runner]
                    self._lost(variant, runner, self.bench.outcome(failure))
                progress.saw(len(part), variant)

    def _open(self, variant: str, gone: set[str], stack: ExitStack) -> dict[str, Engine]:
        """Return the variant's engines by runner, those left out that can't be had."""
        engines = {}
        for cell, artifact in self.made.items():
            if cell.variant != variant or cell.runner in gone:
                continue
            found = self._opened(cell, artifact, stack)
            if isinstance(found, Engine):
                engines[cell.runner] = found
            else:
                self._lost(variant, cell.runner, found)
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
        told = OpenedFields(
            **{name: engine.opened[name] for name in ("load_ns", "relative_l2", "facts")}
        )
        line = JournalLine(variant=cell.variant, runner=cell.runner, opened=told)
        self.folder.append(line)
        return engine

    def _lost(self, variant: str, runner: str, why: Failed | Skipped) -> None:
        failed, skipped = (why, None) if isinstance(why, Failed) else (None, why)
        self.folder.append(
            JournalLine(variant=variant, runner=runner, failed=failed, skipped=skipped)
        )
