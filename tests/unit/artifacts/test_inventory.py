"""What lies in a cache, what of it is needed, and what a removal leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.artifacts.inventory import Item, items, remove, unneeded
from bench.core.errors import Busy
from bench.core.locks import held
from tests.fakes.workshop import BIG, SMALL, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


ENV, LOG = "envs/onnx-0123456789ab/bin/python", "logs/a-nb.log"
WEIGHTS = "weights/a-0123456789abcdef-e1/w"
WORKTREE = "worktrees/01234567-0123456789abcdef/x"


def listed(bench: Bench) -> dict[str, Item]:
    return {item.path.name: item for item in items(bench.cache, list(bench.formats))}


def put(bench: Bench, name: str, content: bytes = b"1234") -> Path:
    path = bench.cache / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_an_artifact_is_listed_with_its_model_format_batch_and_size(bench: Bench) -> None:
    artifact = bench.artifact(SMALL, "nb", 4)
    item = listed(bench)[artifact.folder.name]
    assert (item.kind, item.model, item.format, item.batch) == ("artifacts", "small", "nb", 4)
    assert item.bytes == sum(path.stat().st_size for path in artifact.folder.iterdir())


def test_each_folder_of_the_cache_is_a_kind_and_locks_and_links_are_none(
    bench: Bench, tmp_path: Path
) -> None:
    for name in (ENV, WEIGHTS, LOG, WORKTREE):
        put(bench, name)
    put(bench, "envs/onnx-0123456789ab.lock")
    (bench.cache / "logs" / "link-nb.log").symlink_to(put(bench, "elsewhere"))
    (bench.cache / "artifacts").symlink_to(tmp_path)
    kinds = [item.kind for item in listed(bench).values()]
    assert kinds == ["environments", "weights", "logs", "worktrees"]


def test_what_is_not_named_as_the_cache_names_things_is_no_item_of_it(bench: Bench) -> None:
    for name in ("logs/server.log", "weights/best.pdparams", "envs/mine/x", "artifacts/a/x"):
        put(bench, name)
    assert listed(bench) == {}


def test_an_artifact_that_is_taken_from_the_cache_was_used_then(bench: Bench) -> None:
    folder = bench.artifact().folder
    for path in (*folder.iterdir(), folder):
        os.utime(path, (10**9, 10**9))
    assert listed(bench)[folder.name].last_used == 10**9
    bench.artifact()
    assert listed(bench)[folder.name].last_used > 10**9


def test_todays_artifacts_are_needed_and_those_of_other_packages_and_models_are_not(
    bench: Bench,
) -> None:
    bench.make(SMALL, BIG, formats="nb")
    todays = set(listed(bench))
    bench.environments.digests["converting"] = "c0"
    before = bench.artifact(SMALL, "nb").folder.name
    bench.environments.digests["converting"] = "c1"
    stale = unneeded(list(listed(bench).values()), bench.workshop(), [SMALL])
    big = {name for name in todays if name.startswith("big-")}
    assert {item.path.name for item in stale} == {before} | big


def test_todays_programs_are_needed_and_those_of_other_sources_and_runners_are_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["openvino-000000000001", "openvino-000000000002", "gone-000000000003"]
    for name in names:
        put(bench, f"programs/{name}/program")
    found = list(listed(bench).values())
    assert {item.kind for item in found} == {"programs"}

    def stale(todays: Path | None) -> set[str]:
        environments = bench.environments
        monkeypatch.setattr(environments, "program_folder", lambda *_: todays, raising=False)
        return {item.path.name for item in unneeded(found, bench.workshop(), [SMALL])}

    assert stale(bench.cache / "programs" / names[0]) == {names[1], names[2]}
    assert stale(None) == {names[2]}, "which programs an environment takes that isn't built?"


def test_what_a_process_makes_stays_until_it_is_done(bench: Bench) -> None:
    artifact = bench.artifact()
    item = listed(bench)[artifact.folder.name]
    lock = next((bench.cache / "locks").glob("small-pir-b0-*.lock"))
    with held(lock, "it"), pytest.raises(Busy):
        remove(item, bench.cache)
    assert artifact.main.is_file()
    remove(item, bench.cache)
    assert not artifact.folder.exists()


def test_a_link_below_an_item_goes_and_what_it_leads_to_stays(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("1")
    folder = put(bench, WEIGHTS).parent
    (folder / "link").symlink_to(outside)
    remove(listed(bench)[folder.name], bench.cache)
    assert not folder.exists()
    assert (outside / "kept").is_file()
