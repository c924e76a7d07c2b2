"""Which way leads to each artifact of a net: the next one where a step of the first one failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.artifacts.cached import Artifact, Key
from bench.artifacts.failures import no_way
from bench.artifacts.formats import ArtifactFormat, Step, Way, ways
from bench.config.catalog import Model
from bench.core.errors import ArtifactError, BenchError

Made = dict[Key, Artifact | BenchError]


@dataclass(slots=True, kw_only=True)
class Tries:
    """What was made of `model` so far, or the error in its place, and what to try next.

    Only a net that can't be converted is tried another way: an environment that can't be had, or a
    batch that a file doesn't take, stays so.
    """

    model: Model
    formats: Mapping[str, ArtifactFormat]
    made: Made = field(default_factory=dict)
    answers: Made = field(default_factory=dict)
    _left: set[Key] = field(default_factory=set)
    _broken: set[tuple[str, str | None]] = field(default_factory=set)
    _furthest: dict[Key, int] = field(default_factory=dict)

    def want(self, keys: Iterable[Key]) -> None:
        """Ask for artifacts."""
        self._left = set(keys)
        none = (key for key in self._left if not self._way(key.kind))
        self.answers = {key: no_way(self.model, key.kind, self.formats) for key in none}

    def chosen(self) -> dict[Key, Way]:
        """Return the way to each artifact that isn't made yet and has one left."""
        found = {key: self._way(key.kind) for key in self._left}
        return {key: steps for key, steps in found.items() if steps}

    def _way(self, kind: str) -> Way:
        every = ways(self.formats, kind, self.model.origin)
        return next((it for it in every if self._broken.isdisjoint(map(_edge, it))), ())

    def missing(self, chosen: Mapping[Key, Way], step: Step) -> list[int]:
        """Return the batches of `chosen` that take `step` and lack what it makes."""
        batches = {key.batch for key, steps in chosen.items() if step in steps}
        return sorted(it for it in batches if not isinstance(self._at(step, it), Artifact))

    def judge(self, chosen: Mapping[Key, Way]) -> None:
        """Take what the ways led to; the error of the one that came furthest stands."""
        self._left = set()
        for key, steps in chosen.items():
            results = [self._at(step, key.batch) for step in steps]
            end = next((at for at, it in enumerate(results) if isinstance(it, BenchError)), -1)
            failed, at = end >= 0, end % len(steps)
            if not failed or at >= self._furthest.get(key, 0):
                self.answers[key] = self.made[self._key(steps[at], key.batch)]
            self._furthest[key] = max(at + 1, self._furthest.get(key, 0))
            if failed and isinstance(results[at], ArtifactError):
                self._broken.add(_edge(steps[at]))
                self._left.add(key)

    def _key(self, step: Step, batch: int) -> Key:
        return Key(self.model.variant, step.kind, batch)

    def _at(self, step: Step, batch: int) -> Artifact | BenchError | None:
        return self.made.get(self._key(step, batch))


def _edge(step: Step) -> tuple[str, str | None]:
    return step.kind, step.source
