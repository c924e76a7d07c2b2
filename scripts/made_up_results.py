"""Results folders of made-up cells, for what is timed over many of them."""

from __future__ import annotations

import random
from functools import cache
from itertools import islice
from pathlib import Path

from bench.config.suite import load_suite
from bench.core.cell import Cell, Sampling
from bench.storage.digests import with_digest
from bench.storage.files import to_text
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import CellFields, Provenance, SamplingFields, System
from bench.storage.schema.latency import (
    Costs,
    Measured,
    ModelFacts,
    Record,
    RunManifest,
    Session,
    Storage,
)
from bench.storage.store import Store

SYSTEMS = 2
VARIANTS = ("x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish")
COLUMNS = ((1, 1), (1, 2), (1, 4), (4, 1), (8, 1))
PER_RUN = len(VARIANTS) * len(COLUMNS)


def make_results(root: Path, cells: int, fresh: int | None = None) -> int:
    """Store `cells` measured cells below `root`, as many sessions and samples as `standard` has,
    in runs of 35; return the number of runs.

    The first `fresh` runs have samples of their own, the others have theirs again.
    """
    made: list[dict[str, bytes]] = []
    runs = 0
    for number in range(SYSTEMS):
        for left in range(cells // SYSTEMS, 0, -PER_RUN):
            if fresh is None or len(made) < fresh:
                made.append(_files(runs))
            files = made.pop() if fresh is None else made[runs % len(made)]
            _store_run(Store(root), number, runs, dict(islice(files.items(), left)))
            runs += 1
    return runs


def add_run(root: Path, index: int) -> None:
    """Store one run more, of the first system, the newest of those of a smaller `index`."""
    _store_run(Store(root), 0, index, _files(index))


def _files(seed: int) -> dict[str, bytes]:
    """Return the files of a run's cells by the cells' ids."""
    sampling = load_suite("cpu").sampling("standard")
    numbers = random.Random(seed)  # noqa: S311
    records = (_record(cell, sampling, numbers) for cell in _cells())
    return {it.cell_id: with_digest(to_text(it).encode()) for it in records}


@cache
def _cells() -> list[Cell]:
    return [
        Cell(variant=v, model_hash=v, runner="paddle", batch=b, threads=t)
        for v in VARIANTS
        for b, t in COLUMNS
    ]


def _store_run(store: Store, system: int, index: int, files: dict[str, bytes]) -> None:
    own = System(system_id=f"made-up-{system}", heading="Made-up CPU", facts={})
    cells = [cell for cell in _cells() if cell.id in files]
    sampling = load_suite("cpu").sampling("standard")
    manifest = _manifest(f"20260101T{index:06d}Z-made-up", own, cells, sampling)
    store.add_system(own)
    run = RunFolder(store.root / "runs" / own.system_id / manifest.run_id)
    (run.path / "cells").mkdir(parents=True)
    # Not as a run is written: a million fsyncs would be the disk's figure.
    for cell_id, data in files.items():
        (run.path / "cells" / f"{cell_id}.json").write_bytes(data)
    whole = manifest.model_copy(update={"sealed": run.seals()})
    run.manifest_path.write_bytes(with_digest(to_text(whole).encode()))


def _record(cell: Cell, sampling: Sampling, numbers: random.Random) -> Record:
    return Record(
        cell_id=cell.id,
        cell=CellFields(**cell.to_json()),
        plan_hash="0" * 12,
        sampling=SamplingFields(**sampling.to_json()),
        outcome=Measured(),
        sessions=[_session(order, numbers) for order in range(sampling.sessions)],
    )


def _session(order: int, numbers: random.Random) -> Session:
    return Session(
        started="2026-01-01T00:00:00+00:00",
        order=order,
        round=order,
        pid=1000 + order,
        wall_ns=3_000_000_000,
        load_ns=500_000_000,
        first_inference_ns=40_000_000,
        relative_l2=1e-6,
        steady=True,
        warmup_ns=[numbers.randint(4_000_000, 6_000_000) for _ in range(120)],
        samples_ns=[numbers.randint(4_000_000, 5_000_000) for _ in range(30)],
        facts={"engine": "made-up 1.0", "threads": "1", "precision": "fp32"},
        covariates={"involuntary_switches": 3, "cpu_s": 0.2, "peak_rss_mib": 300.5},
        before={"load_1m": 0.5, "steal_ms": 10},
        after={"load_1m": 0.6, "steal_ms": 12},
    )


def _manifest(run_id: str, system: System, cells: list[Cell], sampling: Sampling) -> RunManifest:
    costs = Costs(
        macs=10, flops_paddle=20_000_000, params=5_000_000, params_trainable=9, uncounted=[]
    )
    storage = Storage(format="Paddle Lite .nb, arm", bytes=9 << 20, sha256_body="0", converter="-")
    facts = {
        v: ModelFacts(
            title=v, published="ShuffleNetV2_" + v if v != "x1_0" else "ShuffleNetV2",
            model_hash=v, weights="seeded", costs=costs, storage=storage,
        )
        for v in VARIANTS
    }  # fmt: skip
    return RunManifest(
        run_id=run_id, system_id=system.system_id, status="complete",
        started="2026-01-01T00:00:00+00:00", suite="cpu", suite_title="made up", target="cpu",
        beside=["sd855_ms_threads1"], seed=0, sampling=SamplingFields(**sampling.to_json()),
        rounds=[[cell.id for cell in cells]] * sampling.sessions,
        cells={cell.id: CellFields(**cell.to_json()) for cell in cells}, models=facts,
        left_out=[], weights="seeded",
        provenance=Provenance(
            commit=None, dirty=None, command=["made", "up"], harness={}, environments={},
            host="0", conditions={},
        ),
    )  # fmt: skip
