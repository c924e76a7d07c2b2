"""A model -> the files that engines load: exported and converted by children, hashed and cached.

An artifact's folder in the cache bears a key over everything that shapes its bytes: the model, the
kind, the batch, the converter's code, the packages of the interpreter that ran it, and the same of
what it was made of. It counts only while the files in it have the hashes that its `artifact.json`
says.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.artifacts.cached import REFERENCE, Artifact, Key, load, settle
from bench.artifacts.conversion import CONVERTERS, INPUT_SEED, Conversion, Launch
from bench.artifacts.formats import ARTIFACT_FORMATS, ArtifactFormat, Step, Way, in_order, ways
from bench.artifacts.tries import Made, Tries
from bench.config.catalog import Model
from bench.core.atomic import mark_used
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import ArtifactError, BenchError
from bench.core.locks import waited_for
from bench.core.threads import pool_of
from bench.environments.interpreters import Environments
from bench.launcher.forked_children import ForkedChildren
from bench.launcher.process import run_child

__all__ = [
    "ARTIFACT_FORMATS",
    "CONVERTERS",
    "INPUT_SEED",
    "REFERENCE",
    "Artifact",
    "ArtifactFormat",
    "Key",
    "Launch",
    "Made",
    "Workshop",
    "load",
    "settle",
]  # fmt: skip


@dataclass(slots=True)
class Workshop:
    """Makes artifacts, each at most once; a failure is a value, so that the others go on."""

    cache: Path
    environments: Environments
    formats: Mapping[str, ArtifactFormat] = field(default_factory=lambda: ARTIFACT_FORMATS)
    launch: Launch = run_child
    converters: Path = CONVERTERS
    _tried: set[Key] = field(default_factory=set)
    _launch: Launch = run_child

    def make(
        self,
        models: Sequence[Model],
        wanted: Iterable[Key],
        *,
        workers: int,
        on_done: Callable[[str], None] = lambda _: None,
    ) -> Made:
        """Return an artifact or the error that took its place for each of `wanted`.

        Models are worked on side by side; nothing is measured meanwhile. Ctrl-C ends their
        children at once, and what isn't whole by then goes.
        """
        by_model = {model.variant: set[Key]() for model in models}
        for key in wanted:
            by_model[key.variant].add(key)
        made: Made = {}
        with closing(ForkedChildren()) as forked, pool_of(workers) as pool:
            # Another way to launch, such as in another revision's folder, imports nothing ahead.
            self._launch = forked if self.launch is run_child else self.launch
            for part in pool.map(lambda m: self._make_for(m, by_model[m.variant], on_done), models):
                made |= part
        return made

    def _remake(self, model: Model, steps: Way, key: Key, on_done: Callable[[str], None]) -> bool:
        """Make an artifact anew that this workshop hasn't made; tell whether there is one."""
        if key in self._tried:
            return False
        on_done(f"{key.variant} {key.kind} anew: the one in the cache didn't load")
        with self._making(model, steps):
            shutil.rmtree(self._folder(model, steps, key.batch), ignore_errors=True)
        return isinstance(self.make([model], [key], workers=1)[key], Artifact)

    def _make_for(self, model: Model, keys: set[Key], on_done: Callable[[str], None]) -> Made:
        if model.problem is not None:
            return dict.fromkeys(keys, model.problem)
        tries = Tries(model=model, formats=self.formats)
        tries.want(keys)
        while chosen := tries.chosen():
            for steps in in_order(chosen.values()):
                batches = tries.missing(chosen, steps[-1])
                made = self._make_kind(model, steps, batches, tries.made, on_done)
                tries.made |= made
                on_done(f"{model.variant} {steps[-1].kind}")
                new = (it for it in made.values() if isinstance(it, Artifact) and it.is_new)
                for why in {it.remade for it in new} - {""}:
                    on_done(f"{model.variant}: weights made anew: {why}")
            tries.judge(chosen)
        return tries.made | tries.answers

    def _make_kind(
        self,
        model: Model,
        steps: Way,
        batches: list[int],
        made: Made,
        on_done: Callable[[str], None],
    ) -> Made:
        """Make the missing batches: an export's in one child, all others in one each."""
        step = steps[-1]
        kind, entry = step.kind, self.formats[step.kind]
        try:
            folders = {b: self._folder(model, steps, b) for b in batches}
        except BenchError as error:  # an environment can't be had
            return {Key(model.variant, kind, batch): error for batch in batches}
        result: Made = {}
        missing = [b for b in batches if load(folders[b], entry) is None]
        if missing:
            with self._making(model, steps):  # another run may have made them meanwhile
                missing = [b for b in missing if load(folders[b], entry) is None]
                result = self._make_missing(model, step, {b: folders[b] for b in missing}, made)
        for batch, folder in folders.items():
            artifact, key = load(folder, entry), Key(model.variant, kind, batch)
            if artifact is not None:
                mark_used(folder)
                result[key] = replace(
                    artifact,
                    is_new=batch in missing,
                    tolerance=model.tolerance,
                    remake=partial(self._remake, model, steps, key, on_done),
                )
            elif key not in result:
                result[key] = ArtifactError(
                    f"{kind}: it was removed from the cache while it was made", hint="run again"
                )
        return result

    def _make_missing(
        self, model: Model, step: Step, folders: Mapping[int, Path], made: Made
    ) -> Made:
        """Return the errors of what couldn't be made."""
        self._tried |= {Key(model.variant, step.kind, batch) for batch in folders}
        errors: Made = {}
        for group in [list(folders)] if step.batches_at_once else [[b] for b in folders]:
            try:
                self._conversion().convert(model, step, {b: folders[b] for b in group}, made)
            except BenchError as error:
                errors |= {Key(model.variant, step.kind, batch): error for batch in group}
        return errors

    def _conversion(self) -> Conversion:
        return Conversion(
            self.cache, self.environments, self.formats, self._launch, self.converters
        )

    def _making(self, model: Model, steps: Way) -> AbstractContextManager[None]:
        """Wait until no other run goes these steps for `model`, and keep others from it."""
        (self.cache / "locks").mkdir(parents=True, exist_ok=True)
        every_batch = self._folder(model, steps, 0).name
        lock = self.cache / "locks" / f"{every_batch}.lock"
        return waited_for(lock, f"the {steps[-1].kind} of {model.variant} in the cache")

    def folder(self, model: Model, kind: str, batch: int) -> Path:
        """Return where the artifact is kept, or where it will be if it isn't there.

        Raises Unavailable where one of its environments can't be had.
        """
        every = ways(self.formats, kind, model.origin)
        folders = [self._folder(model, steps, batch) for steps in every]
        return next((it for it in folders if it.is_dir()), folders[0])

    def _folder(self, model: Model, steps: Way, batch: int) -> Path:
        """Return the folder of what `steps` make.

        Its key is over what shapes its bytes, those of what it is made of among it.
        """
        kind, key = steps[-1].kind, list[Any]()
        for step in steps:
            code = [file_sha256(self.converters / name) for name in step.code]
            digest = self.environments.get(step.env).digest
            own = [model.hash, model.input_text, step.kind, batch, code, digest, INPUT_SEED]
            key = [*own, key] if key else own
        digest = canonical_digest(key, 16)
        return self.cache / "artifacts" / f"{model.variant}-{kind}-b{batch}-{digest}"

    def makers(self, model: Model, kind: str) -> list[str]:
        """Return the environments that have a part in `kind` of `model`, its own first."""
        every = ways(self.formats, kind, model.origin)
        return [step.env for step in reversed(every[0])] if every else []
