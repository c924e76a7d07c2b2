"""`python -m bench run --suite arm` against a stand-in, with the device program emulated.

The stand-in's light API answers with the logits that lie beside a model: the reference's own, put
into the device program's folder, from where they are pushed along with it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.config.project import default_cache
from bench.core.tensors import only, read_reference
from bench.environments.interpreters import Environments
from bench.storage.schema.common import System
from bench.storage.schema.latency import Record, RunManifest
from bench.storage.store import Store
from tests.cli.process import ROOT, Done, call

KIND = "paddle-lite-nb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A folder with the device program and the logits, and each model's name on the device."""

    agent: Path
    names: Mapping[str, str]


def prepared(
    agent: Path, folder: Path, variants: Sequence[str], models: Path = ROOT / "models"
) -> Prepared:
    """Copy the device program in `agent` to `folder` and put the logits of `variants` beside it."""
    artifacts = _artifacts(variants, models)
    if len(artifacts) < len(variants):
        pytest.skip(f"no {KIND} of {', '.join(variants)} here: {_why_not()}")
    shutil.copytree(agent, folder)
    names = {}
    for variant, artifact in artifacts.items():
        name = f"{hashlib.sha256(artifact.main.read_bytes()).hexdigest()[:16]}.nb"
        logits = only(read_reference(artifact.reference).outputs)
        (folder / f"{name}.logits").write_bytes(logits.astype("<f4").tobytes())
        names[variant] = name
    return Prepared(agent=folder, names=names)


def _why_not() -> object:
    return Environments(default_cache()).problem("lite")


def _artifacts(variants: Sequence[str], models: Path) -> dict[str, Artifact]:
    catalogue, seeded = load_catalogue(models), Weights(kind="seeded")
    nets = [resolve(catalogue, name, models, seeded) for name in variants]
    workshop = Workshop(default_cache(), Environments(default_cache()))
    made = workshop.make(nets, [Key(name, KIND, 1) for name in variants], workers=2)
    found = {key.variant: it for key, it in made.items() if key.kind == KIND}
    return {name: it for name, it in found.items() if isinstance(it, Artifact)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run left: how it ended, and its files."""

    done: Done
    results: Path

    @property
    def manifest(self) -> RunManifest:
        (run,) = Store(self.results).runs()
        return run.manifest()

    @property
    def records(self) -> list[Record]:
        (run,) = Store(self.results).runs()
        return list(run.records())

    @property
    def system(self) -> System:
        return Store(self.results).system(self.manifest.system_id)

    @property
    def page(self) -> str:
        return (self.results / "report" / "report.md").read_text(encoding="utf-8")


def hasty_suite(folder: Path, *, sessions: int) -> Path:
    """Write suite arm with a quick preset that takes few samples; return its path."""
    head, presets = (ROOT / "bench/suites/arm.toml").read_text().split("[presets.standard]")
    hasty = {
        "sessions": sessions,
        "samples": 10,
        "budget_s": 0.1,
        "warmup_s": 0.0,
        "warmup_cap_s": 0.1,
    }
    quick = presets.partition("[presets.quick]")[2].partition("\n[presets.")[0]
    for name, value in hasty.items():
        quick = re.sub(rf"^{name} = .*$", f"{name} = {value}", quick, flags=re.MULTILINE)
    path = folder / "arm.toml"
    path.write_text(f"{head}[presets.quick]{quick}\n")
    return path


def unpublished(folder: Path) -> Path:
    """Write the catalogue without what is published of its nets; return its folder.

    A report on these nets draws no plot: drawn, they take most of a short run's time.
    """
    folder.mkdir(exist_ok=True)
    lines = (ROOT / "models" / "catalog.toml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("published =")]
    (folder / "catalog.toml").write_text("".join(kept))
    return folder


def run_arm(
    serial: str,
    agent: Path,
    results: Path,
    *flags: str | Path,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run suite arm on `serial`; `flags` come last."""
    argv = ("run", "--suite", "arm", "--device", serial, "--agent", agent, "--results", results)
    return Ran(done=call(*argv, *flags, env=env, timeout_s=560.0), results=results)
