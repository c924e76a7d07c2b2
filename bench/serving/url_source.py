"""A server that is there already, by its URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from bench.artifacts.builder import Artifact
from bench.artifacts.cached import WEIGHTS
from bench.config.catalog import Model
from bench.core.errors import BenchError
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Bench, Selection
from bench.experiments.context import Options, Tables
from bench.experiments.nets import models_of
from bench.serving.client import Endpoint
from bench.serving.subjects import URL, Opened, Subject, at_url
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import reason
from bench.storage.schema.serving import ServedModel
from bench.targets.base import Target

TOLERANCE = 1e-3
"""How far an answer may be from the reference where nothing else says so (relative L2)."""


@dataclass(slots=True, kw_only=True)
class UrlSource:
    """A server by its URL. What serves it isn't known, so that its cost can't be either.

    `variant` is the net of the catalogue that it serves, whose reference its answers are compared
    with; `runner` has an artifact of it.
    """

    options: Options
    tables: Tables
    endpoint: Endpoint
    served_model: str | None
    reference: Path | None
    variant: str | None
    runner: str
    suite: str | None = None
    serve: Mapping[str, str] = field(default_factory=dict)
    _model: Model | None = None
    _made: Artifact | Failed | Skipped | None = None

    @property
    def local(self) -> bool:
        return self.endpoint.is_loopback

    def choose(self, target: Target) -> Mapping[str, str]:
        """Return the hash of the net that is served, if it is named; raises InputError."""
        del target
        if self.variant is None:
            return {}
        (self._model,) = models_of(self.options, [self.variant])
        return {self.variant: self._model.hash}

    def make(self, target: Target, say: Callable[[str], None]) -> Mapping[str, Mapping[str, str]]:
        """Make the reference, and check that the server answers.

        Raises RequestFailed, InputError, and BenchError where there can be no reference.
        """
        if self._model is not None:
            self.reference = self._reference(self._model, target, say)
        say("the server's model")
        with self._open():
            return {}

    def _reference(self, model: Model, target: Target, say: Callable[[str], None]) -> Path:
        options = self.options
        bench = Bench(
            tables=self.tables,
            options=options,
            target=target,
            environments=Environments(options.cache, options.envs, passed=options.passed),
        )
        selection = Selection(
            models=(model,), runners=(self.runner,), batch=1, threads=1, target=target.spec.kind
        )
        (self._made,) = bench.make(selection, selection.cells(), say).values()
        if not isinstance(self._made, Artifact):
            problem = f"{model.variant} has no reference: {reason(self._made)}"
            raise BenchError(problem, hint="give one with --reference FILE.npz")
        return self._made.reference

    def _open(self) -> AbstractContextManager[Opened]:
        return at_url(self.endpoint, self.served_model or self.variant, self.reference)

    def models(self) -> dict[str, ServedModel]:
        if self._model is None or self._made is None:
            return {}
        return {self._model.variant: served_model(self._model, [self._made])}

    def subjects(self) -> Sequence[Subject]:
        return [
            Subject(
                name=URL,
                label=self.endpoint.url,
                cell=None,
                tolerance=self._tolerance(),
                open=self._open,
            )
        ]

    def _tolerance(self) -> float:
        own = None if self._model is None else self._model.tolerance
        return next((it for it in (self.options.tolerance, own) if it is not None), TOLERANCE)

    def flags(self) -> list[str]:
        return [self.endpoint.url]


def served_model(model: Model, made: Iterable[Artifact | Failed | Skipped]) -> ServedModel:
    """Return what is stored of a net that is served, by what was made of it."""
    facts = [it.facts.get(WEIGHTS) for it in made if isinstance(it, Artifact)]
    return ServedModel(
        title=model.title,
        model_hash=model.hash,
        weights=model.weights.label,
        weights_sha256=next((it for it in facts if isinstance(it, str)), None),
    )
