"""Results folders to make pages of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from bench.core.paths import PROJECT
from bench.storage.schema.latency import Record
from tests.fakes.hostile import STORABLE, put_poisoned
from tests.fakes.records import (
    facts,
    failed,
    of_sessions,
    paced,
    put,
    record,
    skipped,
    stored,
    system,
)

NETS = [f"net-{number:02}" for number in range(50)]
ENGINES = ("paddle", "onnxruntime", "openvino", "ncnn")
COLUMNS = ((1, 1), (1, 2), (1, 4), (4, 1), (8, 1))
CELLS = len(NETS) * len(ENGINES) * len(COLUMNS)


def _committed(results: Path) -> None:
    """Have the runs that are committed, without their report."""
    for name in ("runs", "systems"):
        (results / name).symlink_to(PROJECT / "results" / name)


def _hostile(results: Path) -> None:
    """Write a run whose every word is an attack."""
    run = stored(
        record("x0_25"),
        record("mine"),
        record("mine", batch=4),
        record("third", outcome=failed()),
        models={"mine": facts(None), "x0_25": facts()},
    )
    put_poisoned(run, STORABLE, results)


def _javascript(results: Path) -> None:
    """Write nets, engines and systems that bear the names of what each object in JavaScript has."""
    names = ("constructor", "toString", "__proto__")
    nets = [f"net-{number}" for number in range(len(names))]
    models = {net: facts(None, title=name) for net, name in zip(nets, names, strict=True)}
    cells = [record(net, runner=runner, settings={}) for net in nets for runner in names]
    put(stored(*cells, on=system("valueOf"), suite="engines", models=models), results)


def _gaps(results: Path) -> None:
    """Write three figures, a failure and a cell that was skipped, in one column."""
    models = {name: facts(None, title=name) for name in ("failed", "skipped", "b", "a", "c")}
    run = stored(
        record("failed", outcome=failed()),
        record("b", samples_ms=[[2.0], [2.1]]),
        record("skipped", outcome=skipped()),
        record("a", samples_ms=[[1.0], [1.1]]),
        record("c", samples_ms=[[30.0], [31.0]]),
        models=models,
    )
    put(run, results)


def _many(results: Path) -> None:
    """Write CELLS cells that are all shown, of three sessions of ten bursts each."""
    chance = Random(0)  # noqa: S311 - no secret
    for number, engine in enumerate(ENGINES, start=1):
        cells = [
            _cell(chance, variant=net, runner=engine, batch=batch, threads=threads, settings={})
            for net in NETS
            for batch, threads in COLUMNS
        ]
        models = {net: facts(None, title=net) for net in NETS}
        run_id = f"2024050{number}T120000Z-0badc0de-0000000{number}"
        put(stored(*cells, run_id=run_id, suite="engines", models=models), results)


def _cell(chance: Random, **fields: object) -> Record:
    sessions = [
        paced([chance.uniform(4, 5) for _ in range(10)], [100] * 10).model_copy(
            update={"order": order, "round": order}
        )
        for order in range(3)
    ]
    return of_sessions(*sessions, **fields)


STORES: Mapping[str, Callable[[Path], None]] = {
    "committed": _committed,
    "hostile": _hostile,
    "gaps": _gaps,
    "javascript": _javascript,
    "many": _many,
}
