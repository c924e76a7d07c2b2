"""An engine is kept by all that shapes it, several builds in turn, and a hit is proved."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import BenchError
from bench.runners.tensorrt import engine_cache
from bench.runners.tensorrt.engine_cache import EngineKey, Kept, Slot

KEY = EngineKey(
    runner="tensorrt", tensorrt="8.5.3.1", gpu="Tesla V100-SXM2-16GB", model_sha256="ab", batch=1,
    flags={"tf32": "off", "tactics": "all"},
)  # fmt: skip


def built(root: Path, key: EngineKey = KEY, content: bytes = b"plan") -> Slot:
    """Take the next slot and put an engine into it."""
    slot = engine_cache.choose(root, key)
    (slot.folder / "model.plan").write_bytes(content)
    engine_cache.keep(slot, build_ns=7, facts={"tf32": "off"})
    engine_cache.mark_used(slot)
    return slot


def kept(slot: Slot) -> Kept:
    found = engine_cache.read(slot)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"runner": "paddle-tensorrt"}, {"tensorrt": "10.3.0"}, {"gpu": "NVIDIA A10"},
        {"model_sha256": "ac"}, {"batch": 4}, {"flags": {"tf32": "off", "tactics": "own"}},
        {"flags": {"tf32": "off"}},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_whatever_shapes_an_engine_gives_it_another_key(changes: dict[str, Any]) -> None:
    assert replace(KEY, **changes).digest != KEY.digest


def test_the_order_of_flags_gives_no_other_key() -> None:
    turned = dict(reversed(list(KEY.flags.items())))
    assert list(turned) != list(KEY.flags)
    assert replace(KEY, flags=turned).digest == KEY.digest


def test_several_builds_are_made_and_then_taken_in_turn(tmp_path: Path) -> None:
    assert [built(tmp_path).build for _ in range(3)] == [0, 1, 2]
    turns = []
    for _ in range(4):
        slot = engine_cache.choose(tmp_path, KEY)
        kept(slot)
        engine_cache.mark_used(slot)
        turns.append(slot.build)
    assert turns == [0, 1, 2, 0]


def test_another_keys_engines_are_not_taken(tmp_path: Path) -> None:
    built(tmp_path)
    slot = engine_cache.choose(tmp_path, replace(KEY, batch=8))
    assert slot.build == 0
    assert engine_cache.read(slot) is None


def test_what_was_kept_is_told_again(tmp_path: Path) -> None:
    found = kept(built(tmp_path))
    assert (found.build_ns, found.facts, list(found.files)) == (7, {"tf32": "off"}, ["model.plan"])


@pytest.mark.parametrize(
    "fault", ["changed", "gone", "one more", "no manifest", "half a manifest", "another manifest"]
)
def test_an_engine_that_is_not_as_it_was_kept_is_built_again(fault: str, tmp_path: Path) -> None:
    slot = built(tmp_path)
    manifest = slot.folder / "engine.json"
    if fault == "changed":
        (slot.folder / "model.plan").write_bytes(b"another")
    elif fault == "gone":
        (slot.folder / "model.plan").unlink()
    elif fault == "one more":
        (slot.folder / "other.plan").write_bytes(b"x")
    elif fault == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text('{"files": ' if fault == "half a manifest" else "[]")

    assert engine_cache.read(slot) is None
    again = engine_cache.choose(tmp_path, KEY)
    assert again == slot
    assert list(again.folder.iterdir()) == []


def test_a_hit_is_proved_by_files_that_nobody_touched(tmp_path: Path) -> None:
    slot = built(tmp_path)
    before = kept(slot)
    engine_cache.prove_hit(slot, before)
    assert kept(slot) == before


@pytest.mark.parametrize("what", ["content", "time", "one more"])
def test_a_file_that_was_written_meanwhile_is_no_hit(what: str, tmp_path: Path) -> None:
    slot = built(tmp_path)
    before, plan = kept(slot), slot.folder / "model.plan"
    if what == "content":
        plan.write_bytes(b"plam")
        os.utime(plan, ns=(before.files["model.plan"].mtime_ns,) * 2)
    elif what == "time":
        os.utime(plan, ns=(1, 1))
    else:
        (slot.folder / "other.plan").write_bytes(b"x")
    with pytest.raises(BenchError, match="it was built again"):
        engine_cache.prove_hit(slot, before)


def test_a_build_that_left_no_file_is_refused(tmp_path: Path) -> None:
    slot = engine_cache.choose(tmp_path, KEY)
    with pytest.raises(BenchError, match="no file of it was kept"):
        engine_cache.keep(slot, build_ns=1, facts={})


def test_a_models_hash_is_over_the_contents_of_its_files_in_their_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    first = engine_cache.files_sha256([one, two])
    assert engine_cache.files_sha256([two, one]) != first
    two.write_bytes(b"3")
    assert engine_cache.files_sha256([one, two]) != first


def test_timings_are_shared_by_nets_and_batches_and_by_no_other_build_gpu_or_flag(
    tmp_path: Path,
) -> None:
    slot = Slot(folder=tmp_path, build=0)
    path = engine_cache.timings_path(tmp_path, KEY, slot)
    same = replace(KEY, model_sha256="other", batch=8)
    assert engine_cache.timings_path(tmp_path, same, slot) == path
    others = [replace(KEY, gpu="NVIDIA A10"), replace(KEY, tensorrt="10"), replace(KEY, flags={})]
    assert path not in [engine_cache.timings_path(tmp_path, key, slot) for key in others]
    assert engine_cache.timings_path(tmp_path, KEY, replace(slot, build=1)) != path


def test_a_file_that_can_not_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match=r"file/model\.plan can't be written: File exists"):
        engine_cache.write(tmp_path / "file" / "model.plan", b"plan")
