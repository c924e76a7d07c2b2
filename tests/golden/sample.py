"""Builds the results folder behind the golden pages: every kind of box that a table can have."""

from __future__ import annotations

from pathlib import Path

from bench.analysis.series import StoredRun
from bench.reports import csv_tables as tables_csv
from bench.reports.build import load_runs, view_of
from bench.reports.markdown import page as markdown
from tests.fakes import tables as fakes
from tests.fakes.records import (
    costs,
    facts,
    failed,
    provenance,
    put,
    record,
    skipped,
    storage,
    stored,
    system,
)

CATALOGUE = """
[models.x0_25]
factory = "fake:net"
published = "ShuffleNetV2_x0_25"

[models.x1_0]
factory = "fake:net"
published = "ShuffleNetV2"

[models.swish]
factory = "fake:net"
published = "ShuffleNetV2_swish"

[models.mine]
factory = "fake:net"
title = "My own net"
"""

_DESKTOP = system("AMD EPYC, 2 cores, KVM virtual machine", system_id="amd-epyc-2c-kvm-0123abcd")
_EMULATED = system(
    "Cortex-A76, 2 cores", system_id="cortex-a76-2c-89abcdef", emulated=True, facts={}
)
_NO_LITE = "there is no Python 3.10 on this machine: install one with `uv python install 3.10`"
_MODELS = {
    "x0_25": facts("ShuffleNetV2_x0_25"),
    "x1_0": facts(
        "ShuffleNetV2",
        costs=costs(macs=145_800_000, flops_paddle=148_858_560, params=2_289_000),
        storage=storage(9_437_184),
    ),
    "swish": facts(
        "ShuffleNetV2_swish",
        costs=costs(macs=145_800_000, flops_paddle=148_858_560, params=2_289_000),
        storage=None,
        missing={"storage": _NO_LITE},
    ),
    "mine": facts(
        None, title="My own net", costs=costs(uncounted=["det", "lu"]), storage=storage(524_288)
    ),
}


def _standard() -> StoredRun:
    """Intervals narrow and wide, one restless; a cell failed, one skipped, one not asked for."""
    three = {"sessions": 3}
    return stored(
        record("x0_25", samples_ms=[[2.11], [2.13], [2.12]], sampling=three),
        record("x0_25", batch=4, samples_ms=[[8.0], [8.6], [7.7]], sampling=three),
        record("x1_0", samples_ms=[[10.1], [10.4], [9.9]], steady=False, sampling=three),
        record("x1_0", batch=4, outcome=failed("the child died of SIGKILL\n(out of memory?)")),
        record("swish", samples_ms=[[14.02], [14.05], [14.11]], sampling=three),
        record("swish", batch=4, outcome=skipped("this build has no swish for batch 4")),
        record("mine", samples_ms=[[0.0421], [0.0419], [0.0424]], sampling=three),
        on=_DESKTOP,
        run_id="20240501T120000Z-0badc0de-00000001",
        models=_MODELS,
        beside=["sd855_ms_threads1", "sd855_ms_threads2"],
    )


def _as_paddleclas() -> StoredRun:
    """One session a cell and its mean, as PaddleClas measured: figures without an interval."""
    once = {"preset": "paddleclas", "sessions": 1, "statistic": "mean", "steady_tolerance": None}
    return stored(
        record("x0_25", samples_ms=[[2.0, 2.2, 2.7]], sampling=once),
        on=_DESKTOP,
        run_id="20240502T120000Z-0badc0de-00000002",
        started="2024-05-02T12:00:00+00:00",
        models={"x0_25": facts("ShuffleNetV2_x0_25", storage=None, missing={"storage": _NO_LITE})},
        beside=["sd855_ms_threads1"],
        provenance=provenance(command=["python", "-m", "bench", "run", "--preset", "paddleclas"]),
    )


def _emulated() -> StoredRun:
    """An emulated phone, from a tree whose commit isn't known and a machine that tells nothing."""
    return stored(
        record("x0_25", samples_ms=[[41.0], [44.5], [43.0]], engine="paddle 3.2.0 aarch64"),
        on=_EMULATED,
        run_id="20240503T120000Z-no-commit-00000003",
        started="2024-05-03T12:00:00+00:00",
        target="android",
        models={"x0_25": facts("ShuffleNetV2_x0_25")},
        beside=["sd855_ms_threads1"],
        provenance=provenance(commit=None, dirty=None, conditions={}),
    )


def _gpu() -> StoredRun:
    """Another GPU than the published one, whose name may stand over its own column alone."""
    cells = [
        record(name, settings={}, samples_ms=samples, engine="TensorRT 10.3")
        for name, samples in (("x0_25", [[0.51], [0.52]]), ("x1_0", [[0.61], [0.6]]))
    ]
    return stored(
        *cells,
        on=system("NVIDIA H100 80GB HBM3", system_id="nvidia-h100-0a1b2c3d", facts={}),
        run_id="20240504T120000Z-0badc0de-00000004",
        started="2024-05-04T12:00:00+00:00",
        target="nvidia-gpu",
        models={name: _MODELS[name] for name in ("x0_25", "x1_0")},
        beside=["v100_trt_fp32_ms_bs1"],
    )


def _sustained() -> StoredRun:
    """Long sessions: one slows down after a third of its time, one ends at the cap, one fails."""
    long = {
        "preset": "sustained", "sessions": 1, "samples": 3000, "min_samples": 1, "budget_s": 6.0,
        "warmup_s": 0.0, "steady_tolerance": None, "timeout_s": 126.0,
    }  # fmt: skip
    return stored(
        record("x0_25", samples_ms=[[2.0] * 1000 + [2.5] * 1600], sampling=long),
        record("x0_25", threads=2, samples_ms=[[1.5] * 3000], sampling=long),
        record("x1_0", outcome=failed(), sampling=long),
        on=_DESKTOP,
        run_id="20240505T120000Z-0badc0de-00000005",
        started="2024-05-05T12:00:00+00:00",
        models={name: _MODELS[name] for name in ("x0_25", "x1_0")},
        provenance=provenance(command=["python", "-m", "bench", "run", "--sustained", "6s"]),
    )


def build(folder: Path) -> None:
    """Write `folder`/results and `folder`/models."""
    models = folder / "models"
    models.mkdir(parents=True)
    (models / "catalog.toml").write_text(CATALOGUE)
    for name in ("published.csv", "known_faults.toml"):
        (models / name).write_bytes((fakes.MODELS / name).read_bytes())
    for run in (_standard(), _as_paddleclas(), _emulated(), _gpu(), _sustained()):
        put(run, folder / "results")


def pages(folder: Path) -> dict[str, bytes]:
    """Return the tables that `folder` gives, by file name; plots have tests of their own."""
    view = view_of(load_runs(folder / "results", broken=[]), folder / "models")
    files = markdown.write(view, folder) | tables_csv.write(view, folder)
    return {path.name: data for path, data in files.items()}
