"""One conversion of the artifact builder: a child makes files, which are checked and settled."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.artifacts.cached import OF_NET, REFERENCE, Key, has_reference, settle
from bench.artifacts.failures import conversion_error
from bench.artifacts.formats import ArtifactFormat, Step
from bench.artifacts.tries import Made
from bench.config.catalog import Model
from bench.config.net_files import check_unchanged
from bench.core.errors import ArtifactError, BenchError
from bench.core.paths import PACKAGE
from bench.core.protocol import request_for
from bench.core.scratch import scratch_folder
from bench.environments.interpreters import Environments, worker_of
from bench.launcher.environment import network_environment
from bench.launcher.process import ChildFailed, ChildResult

CONVERTERS = PACKAGE / "converters"
INPUT_SEED = 0
_TIMEOUT_S = 600.0

Launch = Callable[..., ChildResult]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a converter works on; `reference` is its source's, None: the converter makes one.

    `facts` are those of its source that hold of what is made of it too.
    """

    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    reference: Path | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Runs converters in children of the environments that hold their tools."""

    cache: Path
    environments: Environments
    formats: Mapping[str, ArtifactFormat]
    launch: Launch
    converters: Path = CONVERTERS

    def convert(
        self,
        model: Model,
        step: Step,
        folders: Mapping[int, Path],
        made: Made,
    ) -> None:
        """Have one child make the batches of `folders`, and settle what it made."""
        if not folders:
            return
        kind, source = step.kind, self._source(model, step, min(folders), made)
        (self.cache / "artifacts").mkdir(parents=True, exist_ok=True)
        with scratch_folder(self.cache / "artifacts", ".making-") as holder:
            log = self.cache / "logs" / f"{model.variant}-{kind}.log"
            facts = self._run(step, source, sorted(folders), holder, log)
            if step.source is None:
                check_unchanged(model.source, model.digests)
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

    def _source(self, model: Model, step: Step, batch: int, made: Made) -> _Source:
        """Return what the converter is told of its source; raises the error that took its place."""
        below = step.source
        if below is None:
            digest = self.environments.get(step.env).digest
            weights = self.cache / "weights" / f"{model.variant}-{model.hash}-{digest}"
            entry = {
                **({"input": list(model.input)} if model.input else {}),
                "inputs": {name: spec.text for name, spec in model.inputs.items()},
                "values": None if model.values is None else str(model.values),
                "weights": model.weights.source(),
            }
            return _Source({**model.source, **entry}, {"weights_cache": str(weights)}, None, {})
        artifact = made[Key(model.variant, below, batch)]
        if isinstance(artifact, BenchError):
            raise artifact
        beside = self.formats[below].beside.items()
        files = {name: str(artifact.folder / file) for name, file in beside}
        facts = {name: it for name, it in artifact.facts.items() if name in OF_NET}
        fields = {"model": str(artifact.main), **files, "reference": str(artifact.reference)}
        return _Source(fields, {}, artifact.reference, facts)

    def _run(
        self,
        step: Step,
        source: _Source,
        batches: list[int],
        out: Path,
        log: Path,
    ) -> Mapping[str, Any]:
        entry = self.formats[step.kind]
        # One thread: a sum in another order would give other weights.
        python, variables = worker_of(step, self.environments)
        options = {**entry.options, **source.options, "batches": batches, "input_seed": INPUT_SEED}
        more: dict[str, Any] = (
            {} if step.engine is None else {"engine": step.engine, "main": entry.main}
        )
        more |= {"imports": list(step.imports)} if step.imports else {}
        request = request_for(
            "convert",
            converter=step.converter,
            source=dict(source.fields),
            options=options,
            out=str(out),
            **more,
        )
        result = self.launch(
            request,
            python=python,
            # An export may download pretrained weights.
            env=network_environment() | variables if step.batches_at_once else variables,
            timeout_s=_TIMEOUT_S,
        )
        if isinstance(result, ChildFailed):
            raise conversion_error(step.kind, result, log)
        return result.value
