"""A model -> the files that engines load: exported and converted by children, hashed and cached.

An artifact's folder in the cache bears a key over everything that shapes its bytes: the model, the
kind, the batch, the converter's code, the packages of the interpreter that ran it, and the same of
what it was made of. It counts only while the files in it have the hashes that its `artifact.json`
says.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.artifacts.cached import OF_NET, REFERENCE, Artifact, Key, has_reference, load, settle
from bench.artifacts.failures import conversion_error
from bench.artifacts.formats import ARTIFACT_FORMATS, ArtifactFormat
from bench.config.catalog import Model
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import ArtifactError, BenchError
from bench.core.locks import waited_for
from bench.core.paths import PACKAGE
from bench.core.protocol import request_for
from bench.core.scratch import scratch_folder
from bench.core.threads import pool_of
from bench.environments.interpreters import Environments, Interpreter, worker_of
from bench.launcher.environment import network_environment
from bench.launcher.process import ChildFailed, ChildResult, run_child

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

CONVERTERS = PACKAGE / "converters"
INPUT_SEED = 0
_TIMEOUT_S = 600.0


Made = dict[Key, Artifact | BenchError]
Launch = Callable[..., ChildResult]


@dataclass(slots=True)
class Workshop:
    """Makes artifacts, each at most once; a failure is a value, so that the others go on."""

    cache: Path
    environments: Environments
    formats: Mapping[str, ArtifactFormat] = field(default_factory=lambda: ARTIFACT_FORMATS)
    launch: Launch = run_child
    converters: Path = CONVERTERS
    _tried: set[Key] = field(default_factory=set)

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
        with pool_of(workers) as pool:
            for part in pool.map(lambda m: self._make_for(m, by_model[m.variant], on_done), models):
                made |= part
        return made

    def _remake(self, model: Model, key: Key, on_done: Callable[[str], None]) -> bool:
        """Make an artifact anew that this workshop hasn't made; tell whether there is one."""
        if key in self._tried:
            return False
        on_done(f"{key.variant} {key.kind} anew: the one in the cache didn't load")
        interpreter = self.environments.get(self.formats[key.kind].env)
        with self._making(model, key.kind, interpreter):
            folder = self.folder(model, key.kind, key.batch, interpreter)
            shutil.rmtree(folder, ignore_errors=True)
        return isinstance(self.make([model], [key], workers=1)[key], Artifact)

    def _make_for(self, model: Model, keys: set[Key], on_done: Callable[[str], None]) -> Made:
        if model.problem is not None:
            return dict.fromkeys(keys, model.problem)
        made: Made = {}
        for kind in self._in_order(keys):
            batches = sorted(self._batches(kind, keys))
            try:
                made |= self._make_kind(model, kind, batches, made, on_done)
            except BenchError as error:  # the environment can't be had
                made |= {Key(model.variant, kind, batch): error for batch in batches}
            on_done(f"{model.variant} {kind}")
            here = [it for key, it in made.items() if key.kind == kind]
            for why in {it.remade for it in here if isinstance(it, Artifact) and it.is_new}:
                if why:
                    on_done(f"{model.variant}: weights made anew: {why}")
        return made

    def _in_order(self, keys: set[Key]) -> list[str]:
        """Return the formats that `keys` need, sources before what is made of them."""
        needed: dict[str, None] = {}

        def need(kind: str) -> None:
            source = self.formats[kind].source
            if source is not None:
                need(source)
            needed[kind] = None

        for kind in sorted({key.kind for key in keys}):
            need(kind)
        return list(needed)

    def _batches(self, kind: str, keys: set[Key]) -> set[int]:
        return {key.batch for key in keys if kind in self._in_order({key})}

    def _make_kind(
        self,
        model: Model,
        kind: str,
        batches: list[int],
        made: Made,
        on_done: Callable[[str], None],
    ) -> Made:
        """Make the missing batches: an export's in one child, a conversion's in one each."""
        entry = self.formats[kind]
        interpreter = self.environments.get(entry.env)
        folders = {b: self.folder(model, kind, b, interpreter) for b in batches}
        result: Made = {}
        missing = [b for b in batches if load(folders[b], entry) is None]
        if missing:
            with self._making(model, kind, interpreter):  # another run may have made them meanwhile
                missing = [b for b in missing if load(folders[b], entry) is None]
                result = self._make_missing(model, kind, {b: folders[b] for b in missing}, made)
        for batch, folder in folders.items():
            artifact, key = load(folder, entry), Key(model.variant, kind, batch)
            if artifact is not None:
                result[key] = replace(
                    artifact,
                    is_new=batch in missing,
                    tolerance=model.tolerance,
                    remake=partial(self._remake, model, key, on_done),
                )
            elif key not in result:
                result[key] = ArtifactError(
                    f"{kind}: it was removed from the cache while it was made", hint="run again"
                )
        return result

    def _make_missing(
        self, model: Model, kind: str, folders: Mapping[int, Path], made: Made
    ) -> Made:
        """Return the errors of what couldn't be made."""
        entry = self.formats[kind]
        self._tried |= {Key(model.variant, kind, batch) for batch in folders}
        errors: Made = {}
        for group in [list(folders)] if entry.source is None else [[b] for b in folders]:
            try:
                self._convert(model, kind, {b: folders[b] for b in group}, made)
            except BenchError as error:
                errors |= {Key(model.variant, kind, batch): error for batch in group}
        return errors

    def _making(
        self, model: Model, kind: str, interpreter: Interpreter
    ) -> AbstractContextManager[None]:
        """Wait until no other run makes a `kind` of `model`, and keep others from it."""
        (self.cache / "locks").mkdir(parents=True, exist_ok=True)
        every_batch = self.folder(model, kind, 0, interpreter).name
        lock = self.cache / "locks" / f"{every_batch}.lock"
        return waited_for(lock, f"the {kind} of {model.variant} in the cache")

    def folder(self, model: Model, kind: str, batch: int, interpreter: Interpreter) -> Path:
        digest = canonical_digest(self._key(model, kind, batch, interpreter), 16)
        return self.cache / "artifacts" / f"{model.variant}-{kind}-b{batch}-{digest}"

    def makers(self, kind: str) -> list[str]:
        """Return the environments that have a part in `kind`, its own first."""
        below = self.formats[kind].source
        return [self.formats[kind].env, *(self.makers(below) if below else [])]

    def _key(self, model: Model, kind: str, batch: int, interpreter: Interpreter) -> list[Any]:
        """Return what shapes the bytes of an artifact, its sources' own in it."""
        entry = self.formats[kind]
        code = [file_sha256(self.converters / name) for name in entry.code]
        key = [model.hash, model.input, kind, batch, code, interpreter.digest, INPUT_SEED]
        if entry.source is not None:
            below = self.environments.get(self.formats[entry.source].env)
            key.append(self._key(model, entry.source, batch, below))
        return key

    def _convert(
        self,
        model: Model,
        kind: str,
        folders: Mapping[int, Path],
        made: Made,
    ) -> None:
        """Have one child make `kind` for the batches of `folders`, and settle what it made."""
        if not folders:
            return
        source = self._source(model, kind, min(folders), made)
        (self.cache / "artifacts").mkdir(parents=True, exist_ok=True)
        with scratch_folder(self.cache / "artifacts", ".making-") as holder:
            log = self.cache / "logs" / f"{model.variant}-{kind}.log"
            facts = self._run(kind, source, sorted(folders), holder, log)
            for batch, folder in folders.items():
                made_here = holder / f"b{batch}" if source.reference is None else holder
                if source.reference is not None:
                    shutil.copyfile(source.reference, made_here / REFERENCE)
                self._check_made(kind, made_here)
                settle(made_here, folder, {**source.facts, **facts})

    def _check_made(self, kind: str, folder: Path) -> None:
        if not (folder / self.formats[kind].main).is_file():
            raise ArtifactError(
                f"{kind}: the converter wrote no {self.formats[kind].main}",
                hint="it must write the file that its entry in bench/artifacts/formats.py names",
            )
        if not has_reference(folder):
            raise ArtifactError(
                f"{kind}: the converter wrote no {REFERENCE} with inputs and finite outputs",
                hint="it must write one beside each export, as bench/converters/paddle_export.py",
            )

    def _source(self, model: Model, kind: str, batch: int, made: Made) -> _Source:
        """Return what the converter is told of its source; raises the error that took its place."""
        below = self.formats[kind].source
        if below is None:
            interpreter = self.environments.get(self.formats[kind].env)
            weights = self.cache / "weights" / f"{model.variant}-{model.hash}-{interpreter.digest}"
            entry = {"input": list(model.input), "weights": model.weights.source()}
            return _Source({**model.source, **entry}, {"weights_cache": str(weights)}, None, {})
        artifact = made[Key(model.variant, below, batch)]
        if isinstance(artifact, BenchError):
            raise artifact
        beside = self.formats[below].beside.items()
        files = {name: str(artifact.folder / file) for name, file in beside}
        facts = {name: it for name, it in artifact.facts.items() if name in OF_NET}
        return _Source({"model": str(artifact.main), **files}, {}, artifact.reference, facts)

    def _run(
        self,
        kind: str,
        source: _Source,
        batches: list[int],
        out: Path,
        log: Path,
    ) -> Mapping[str, Any]:
        entry = self.formats[kind]
        # One thread: a sum in another order would give other weights.
        python, variables = worker_of(entry, self.environments)
        options = {**entry.options, **source.options, "batches": batches, "input_seed": INPUT_SEED}
        request = request_for(
            "convert",
            converter=entry.converter,
            source=dict(source.fields),
            options=options,
            out=str(out),
        )
        result = self.launch(
            request,
            python=python,
            # An export may download pretrained weights.
            env=variables if entry.source else network_environment() | variables,
            timeout_s=_TIMEOUT_S,
        )
        if isinstance(result, ChildFailed):
            raise conversion_error(kind, result, log)
        return result.value


@dataclass(frozen=True, slots=True)
class _Source:
    """What a converter works on; `reference` is its source's, None: the converter makes one.

    `facts` are those of its source that hold of what is made of it too.
    """

    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    reference: Path | None
    facts: Mapping[str, Any]
