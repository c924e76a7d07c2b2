"""What `bench serve` is given -> the net, its artifacts, and an engine that is open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.artifacts.builder import Artifact
from bench.config.axes import check_settings
from bench.config.catalog import Model, load_catalogue
from bench.core.cell import Cell
from bench.core.errors import BenchError, InputError, UnknownName
from bench.core.locks import cache_in_use
from bench.core.output import say
from bench.core.program import command
from bench.core.tensors import read_reference
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.cells import Bench, Selection, target_of
from bench.experiments.context import Options, Tables
from bench.experiments.nets import models_of
from bench.experiments.preparation import say_dropped
from bench.experiments.session import Start, start_of
from bench.serving.engine import Engine
from bench.serving.net import net_of
from bench.storage.schema.latency import reason
from bench.targets.base import opened

_NAME = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The flags of `serve`: times in ms and s as their names say; `max_batch` rows an inference.

    `max_batch` None: a request is an inference of its own, of the batch that `--batch` says.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    max_batch: int | None = None
    max_delay_ms: float = 0.0
    most_requests: int = 64
    timeout_s: float = 30.0


@contextmanager
def prepared(options: Options, tables: Tables) -> Iterator[Engine]:
    """Yield the engine of the one net and runner that `options` name, not yet started.

    Raises InputError, Unavailable, and BenchError where an artifact can't be made.
    """
    own = options.of(ServeOptions)
    model, options = _model(options)
    selection = _selection(model, options, tables)
    spec = options.checked_target(selection.runners[0], selection.target, tables.targets)
    with opened(spec, tables.targets) as target, cache_in_use(options.cache):
        say_dropped(options, target)
        environments = Environments(options.cache, options.envs, passed=options.passed)
        bench = Bench(tables=tables, options=options, target=target, environments=environments)
        (cell,) = selection.cells()
        batches = [cell.batch] if own.max_batch is None else sizes(own.max_batch)
        cells = {size: replace(cell, batch=size) for size in batches}
        starts = _starts(bench, selection, cells)
        references = {size: read_reference(it.request.reference) for size, it in starts.items()}
        platform = f"{cell.runner}_{tables.runners[cell.runner].artifact_of(cell.precision)}"
        net = net_of(model.variant, platform, references)
        yield Engine(net=net, starts=starts, references=references, timeout_s=own.timeout_s)


def sizes(most: int) -> list[int]:
    """Return the batches that have a session of their own: the powers of two, and the largest."""
    return sorted({most, *(1 << bit for bit in range(most.bit_length()))})


def _model(options: Options) -> tuple[Model, Options]:
    """Return the net that the one word names, of the catalogue or by its file."""
    if len(options.words) != 1:
        given = f"{len(options.words)} words are" if options.words else "nothing is"
        raise InputError(
            f"serve takes one model, of the catalogue or a file, and {given} given",
            hint=f"as in {command('serve x1_0')}, or {command('serve net.onnx')}",
        )
    (word,) = options.words
    known = load_catalogue(options.models).models
    if word in known:
        options = replace(options, variants=[word])
    elif _NAME.fullmatch(word) and not Path(word).exists():
        raise UnknownName("model or file", word, known)
    else:
        options = replace(options, own={**options.own, "model_files": [word]})
    (model,) = models_of(options, options.variants)
    if model.problem is not None:
        raise model.problem
    return model, options


def _selection(model: Model, options: Options, tables: Tables) -> Selection:
    axes = options.axes
    runners, threads, batches = axes.runners or ["onnxruntime"], axes.threads, axes.batches
    if batches and options.of(ServeOptions).max_batch is not None:
        raise InputError(
            "--batch is of a net whose requests share no inference, and --max-batch has them share",
            hint="leave out one of them",
        )
    for flag, several in (("--runner", runners), ("--threads", threads), ("--batch", batches)):
        if len(several) > 1:
            raise InputError(
                f"{flag} {','.join(map(str, several))}: a server has one engine",
                hint=f"as in {flag} {several[0]}",
            )
    target = target_of(runners, tables)
    if threads and threads[0] > usable_cores():
        raise InputError(
            f"--threads {threads[0]}: there are {usable_cores()} usable cores",
            hint="ask for fewer threads",
        )
    check_settings(model, runners, tables.runners)
    return Selection(
        models=(model,),
        runners=tuple(runners),
        batch=(batches or [1])[0],
        threads=(threads or [1])[0],
        target=target,
    )


def _starts(bench: Bench, selection: Selection, cells: dict[int, Cell]) -> dict[int, Start]:
    """Return how each cell's session starts, its artifact made; raises BenchError without one."""
    made = bench.make(selection, list(cells.values()), lambda what: say(f"preparing: {what}"))
    starts = {}
    for size, cell in cells.items():
        artifact = made[cell]
        if not isinstance(artifact, Artifact):
            raise BenchError(f"{cell.label} {reason(artifact)}", hint="choose another --runner")
        entry = bench.tables.runners[cell.runner]
        starts[size] = start_of(cell, artifact, entry, bench.environments).at(bench.target)
    return starts
