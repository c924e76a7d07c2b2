"""Before anything is measured: interpreters, artifacts, costs and storage of the planned cells."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError

from bench.artifacts.builder import Artifact, ArtifactFormat, Key, Made, Workshop
from bench.artifacts.formats import ways
from bench.config.catalog import Model
from bench.core.cell import Cell
from bench.core.errors import ArtifactError, BenchError, InputError, Unavailable
from bench.core.output import say
from bench.environments.interpreters import Environments, worker_of
from bench.experiments.context import Options
from bench.experiments.provenance import hidden
from bench.launcher.environment import dropped
from bench.runners import RunnerEntry
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Costs, ModelFacts, Storage
from bench.storage.validation import explain
from bench.targets.base import Target

STORAGE_FORMAT = "paddle-lite-nb"
COSTS_FORMAT = "paddle-pir"

Stored = TypeVar("Stored", Costs, Storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the measuring needs: each cell has an artifact or the outcome that stands for it."""

    artifacts: Mapping[Cell, Artifact]
    settled: Mapping[Cell, Failed | Skipped]
    models: Mapping[str, ModelFacts]


def reachable(
    cells: Sequence[Cell],
    models: Sequence[Model],
    runners: Mapping[str, RunnerEntry],
    formats: Mapping[str, ArtifactFormat],
) -> list[Cell]:
    """Return the cells whose artifact converters can make of their model, as far as is known.

    The others are skipped, and their engines' environments aren't needed.
    """
    origins = {model.variant: model.origin for model in models}
    kinds = {cell: artifact_key(cell, runners).kind for cell in cells}
    return [it for it in cells if ways(formats, kinds[it], origins[it.variant])]


def packages_of(
    cells: Sequence[Cell], runners: Mapping[str, RunnerEntry], environments: Environments
) -> dict[str, Mapping[str, str]]:
    """Return the packages of each environment of `cells` that could be built, by name."""
    names = sorted({runners[cell.runner].env for cell in cells})
    built = [name for name in names if environments.problem(name) is None]
    return {name: environments.get(name).packages for name in built}


def wanted_keys(cells: Sequence[Cell], runners: Mapping[str, RunnerEntry]) -> set[Key]:
    """Return the artifacts of `cells`, and those that tell each model's costs and storage."""
    return {artifact_key(cell, runners) for cell in cells} | facts_keys(cells)


def facts_keys(cells: Sequence[Cell]) -> set[Key]:
    """Return the artifacts that tell the costs and the storage of the models of `cells`."""
    kinds = (STORAGE_FORMAT, COSTS_FORMAT)
    return {Key(cell.variant, kind, 1) for cell in cells for kind in kinds}


def prepare(
    cells: Sequence[Cell],
    models: Sequence[Model],
    *,
    runners: Mapping[str, RunnerEntry],
    workshop: Workshop,
    workers: int,
    on_done: Callable[[str], None],
    refused: Mapping[str, Unavailable] = MappingProxyType({}),
) -> Prepared:
    """Make what `cells` need, nothing for the runners in `refused`: their cells are settled.

    Raises Unavailable where no other runner's engine can be had.
    """
    able = [cell for cell in cells if cell.runner not in refused]
    reached = reachable(able, models, runners, workshop.formats)
    refused = {**refused, **_without_engine(reached, runners, workshop)}
    able = [cell for cell in able if cell.runner not in refused]
    wanted = wanted_keys(able, runners) | facts_keys(cells)
    made = workshop.make(models, wanted, workers=workers, on_done=on_done)
    found = {cell: refused.get(cell.runner) or made[artifact_key(cell, runners)] for cell in cells}
    return Prepared(
        artifacts={cell: it for cell, it in found.items() if isinstance(it, Artifact)},
        settled={cell: settle(it) for cell, it in found.items() if isinstance(it, BenchError)},
        models={model.variant: model_facts(model, made) for model in models},
    )


def say_dropped(options: Options, target: Target) -> None:
    """Say, once, which variables of the shell would shift figures and reach no engine."""
    given = {*options.passed, *target.child_env(Path(sys.executable))}
    _say_dropped(tuple(dropped(given)))


@cache
def _say_dropped(names: tuple[str, ...]) -> None:
    if names:
        many = "variables" if len(names) > 1 else "variable"
        say(
            f"bench: what is measured doesn't inherit the environment {many} {', '.join(names)}: "
            f"let one in with --pass-env {names[0]}"
        )


def artifact_key(cell: Cell, runners: Mapping[str, RunnerEntry]) -> Key:
    """Return which artifact `cell` loads; a precision may have one of its own."""
    return Key(cell.variant, runners[cell.runner].artifact_of(cell.precision), cell.batch)


def _without_engine(
    cells: Sequence[Cell], runners: Mapping[str, RunnerEntry], workshop: Workshop
) -> dict[str, Unavailable]:
    """Return which runners of `cells` lack interpreter or program, and why.

    Raises Unavailable where all of them do.
    """
    problems: dict[str, Unavailable] = {}
    entries = {cell.runner: runners[cell.runner] for cell in cells}
    for env in dict.fromkeys(entry.env for entry in entries.values()):
        try:
            workshop.environments.get(env)
        except Unavailable as error:
            problems[env] = error
    refused = {name: problems[it.env] for name, it in entries.items() if it.env in problems}
    for name in [name for name in entries if name not in refused]:
        try:
            worker_of(entries[name], workshop.environments)
        except Unavailable as error:
            refused[name] = error
    if refused and len(refused) == len(entries):
        raise next(iter(refused.values()))
    return refused


def settle(error: BenchError) -> Failed | Skipped:
    """Return the outcome of a cell that has no artifact, without this machine's paths."""
    if isinstance(error, Unavailable):
        return Skipped(reason=hidden(error.problem), hint=hidden(error.hint))
    tail = error.log_tail if isinstance(error, ArtifactError) else ""
    otherwise = "input" if isinstance(error, InputError) else "conversion"
    return Failed(
        failure=error.failure if isinstance(error, ArtifactError) else otherwise,
        message=hidden(error.problem),
        hint=hidden(error.hint),
        log_tail=hidden(tail),
    )


def model_facts(model: Model, made: Made) -> ModelFacts:
    """Return what is known of `model` beside its latency, and why the rest isn't."""
    own = {key: it for key, it in made.items() if key.variant == model.variant}
    exports = [it for key, it in own.items() if key.kind == COSTS_FORMAT]
    facts = next((it.facts for it in exports if isinstance(it, Artifact)), {})
    costs, costs_missing = counted(model.variant, own)
    storage, storage_missing = _storage(own[Key(model.variant, STORAGE_FORMAT, 1)])
    return ModelFacts(
        title=model.title,
        published=model.published,
        model_hash=model.hash,
        weights=model.weights.label,
        weights_sha256=sha256 if isinstance(sha256 := facts.get("weights_sha256"), str) else None,
        costs=costs,
        storage=storage,
        missing=costs_missing | storage_missing,
        artifacts={
            artifact_name(key): dict(it.files)
            for key, it in sorted(own.items(), key=lambda pair: (pair[0].kind, pair[0].batch))
            if isinstance(it, Artifact)
        },
    )


def artifact_name(key: Key) -> str:
    """Return what run.json calls a model's artifact."""
    return f"{key.kind} b{key.batch}"


def counted(variant: str, made: Made) -> tuple[Costs | None, dict[str, str]]:
    """Return what an export of `variant` counted, or why there is none."""
    for key, it in made.items():
        if key.variant == variant and isinstance(it, Artifact) and "costs" in it.facts:
            return _checked("costs", partial(Costs.model_validate, it.facts["costs"]))
    first = made.get(Key(variant, COSTS_FORMAT, 1))
    reason = str(first) if isinstance(first, BenchError) else "the export counted none"
    return None, {"costs": reason}


def _storage(it: Artifact | BenchError) -> tuple[Storage | None, dict[str, str]]:
    if isinstance(it, BenchError):
        return None, {"storage": str(it)}
    facts = it.facts
    return _checked(
        "storage",
        lambda: Storage(
            format=f"Paddle Lite .nb, {facts['target']}",
            bytes=facts["bytes"],
            sha256_body=facts["sha256_body"],
            converter=f"paddlelite {facts['paddlelite']}",
        ),
    )


def _checked(name: str, read: Callable[[], Stored]) -> tuple[Stored | None, dict[str, str]]:
    """Return what `read` makes of a converter's facts, or why there is no `name` in them."""
    try:
        return read(), {}
    except KeyError as error:
        why = f"no {error}"
    except ValidationError as error:
        why = explain(error)
    return None, {name: f"the converter's reply tells no {name}: {why}"}
