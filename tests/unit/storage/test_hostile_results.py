"""A results folder from someone else: nothing of it leads out of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import BrokenResult, ResultsNotWritable
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import System
from bench.storage.schema.latency import RunManifest
from bench.storage.store import Store
from tests.fakes.values import SYSTEM, entry, manifest, record

HOSTILE = ["../x", "/etc/x", "a/b", "..", ".hidden", "a\\b", "a\nb", "a\x1b[31m", "", "x" * 300]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def begun(store: Store) -> RunFolder:
    return RunFolder.create(store, manifest(system_id=SYSTEM.system_id), SYSTEM)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    values = json.loads(path.read_text())
    values.pop("digest", None)
    change(values)
    path.write_text(json.dumps(values))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["system_id", "run_id", "suite"])
def test_a_manifest_whose_name_leads_elsewhere_is_refused(
    field: str, name: str, store: Store
) -> None:
    run = begun(store)
    edit(run.manifest_path, lambda values: values.update({field: name}))
    with pytest.raises(BrokenResult, match=f"run.json: field '{field}'"):
        run.manifest()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["variant", "runner", "precision"])
def test_a_cell_whose_name_leads_elsewhere_is_refused(field: str, name: str, store: Store) -> None:
    run, made = begun(store), record()
    run.write_record(made)
    path = run.path / "cells" / f"{made.cell_id}.json"
    edit(path, lambda values: values["cell"].update({field: name}))
    with pytest.raises(BrokenResult, match=f"field 'cell.{field}'"):
        list(run.records())


@pytest.mark.parametrize("settings", [{"../x": "on"}, {"onednn": "../x"}, {"onednn": "a\nb"}])
def test_a_setting_that_leads_elsewhere_is_refused(settings: dict[str, str], store: Store) -> None:
    run, made = begun(store), record()
    run.write_record(made)
    path = run.path / "cells" / f"{made.cell_id}.json"
    edit(path, lambda values: values["cell"].update(settings=settings))
    with pytest.raises(BrokenResult, match=r"field 'cell\.settings"):
        list(run.records())


def test_a_system_under_another_name_is_refused(store: Store) -> None:
    begun(store)
    path = store.root / "systems" / f"{SYSTEM.system_id}.json"
    path.rename(path.with_stem("another"))
    with pytest.raises(BrokenResult, match=r"another.json: it is of .*, and its name says another"):
        store.system("another")
    with pytest.raises(ValueError, match="system_id"):
        System(system_id="../x", heading="", facts={})


def test_a_run_under_another_name_is_refused(store: Store) -> None:
    run = begun(store)
    moved = RunFolder(run.path.rename(run.path.with_name("another")))
    with pytest.raises(BrokenResult, match="and lies elsewhere"):
        moved.manifest()


def test_a_run_that_was_copied_out_of_a_store_is_read(store: Store, tmp_path: Path) -> None:
    run = begun(store)
    assert RunFolder(run.path.rename(tmp_path / "download")).manifest().run_id == run.path.name


def test_nothing_is_written_through_a_link(store: Store, tmp_path: Path) -> None:
    run, victim = begun(store), tmp_path / "victim"
    victim.write_text("mine")
    run.journal_path.symlink_to(victim)
    with pytest.raises(ResultsNotWritable):
        run.append(entry())
    (run.path / ".run.json.tmp").symlink_to(victim)
    run.write_manifest(run.manifest())
    assert victim.read_text() == "mine"


def test_json_that_nests_a_hundred_thousand_times_is_refused(store: Store) -> None:
    run = begun(store)
    run.manifest_path.write_text("[" * 100_000)
    with pytest.raises(BrokenResult, match="not whole JSON"):
        run.manifest()
    assert run.manifest_path.stat().st_size == 100_000


def test_a_manifest_of_today_is_read(store: Store) -> None:
    assert isinstance(begun(store).manifest(), RunManifest)
