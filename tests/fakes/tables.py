"""Tables of fakes: `paddle` and the storage of every net stand-ins, run in this interpreter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.artifacts.formats import ARTIFACT_FORMATS, Importer
from bench.experiments.context import Tables
from bench.runners import RunnerEntry

MODELS = Path(__file__).parent / "models"

_FAKE_CODE: tuple[str, ...] = ()

FAKE_FORMATS = {
    "paddle-pir": replace(
        ARTIFACT_FORMATS["paddle-pir"],
        converter="tests.fakes.converter:export",
        env="harness",
        code=_FAKE_CODE,
        importer=Importer(
            converter="tests.fakes.converter:import_", env="harness", code=_FAKE_CODE
        ),
    ),
    "paddle-lite-nb": replace(
        ARTIFACT_FORMATS["paddle-lite-nb"],
        converter="tests.fakes.converter:convert",
        env="harness",
        sources=("paddle-pir",),
        code=_FAKE_CODE,
    ),
}


def of_large_nets(tables: Tables) -> Tables:
    """Return `tables` whose nets count more MACs than a core does while a fake infers."""
    large = replace(FAKE_FORMATS["paddle-pir"], converter="tests.fakes.converter:export_large")
    return replace(tables, formats={**FAKE_FORMATS, "paddle-pir": large})


def fake_runner(name: str) -> RunnerEntry:
    """Return the entry of a class in tests/fakes/runner.py."""
    return RunnerEntry(
        path=f"tests.fakes.runner:{name}",
        title=f"Fake {name}",
        env="harness",
        artifact="paddle-pir",
        settings={"onednn": ("on", "off"), "tensor_gc": ("off", "eager")},
    )


def tables(**runners: str) -> Tables:
    """Return tables in which each name is a runner of the given class; default `paddle="Ok"`."""
    chosen = runners or {"paddle": "Ok"}
    return Tables(
        runners={name: fake_runner(kind) for name, kind in chosen.items()},
        formats=FAKE_FORMATS,
        busy=lambda: None,
    )
