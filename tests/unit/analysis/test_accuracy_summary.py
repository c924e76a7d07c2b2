"""A journal and its folder: what it holds comes back, and comes to shares and agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.analysis.accuracy import Accuracy, NoAccuracy, chunks_by_start, outcomes, summarize
from bench.analysis.coverage import clopper_pearson
from bench.config.published import Published
from bench.core.errors import BrokenResult, UnknownName
from bench.reports.accuracy import remarks_on, table, to_values
from bench.storage.directory import JOURNAL
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import (
    AccuracyManifest,
    ApartFields,
    ChunkFields,
    DataFields,
    JournalLine,
    ModelFields,
    OpenedFields,
    RecipeFields,
)
from bench.storage.schema.common import CellFields, Skipped
from bench.storage.store import Store
from tests.fakes.values import CELL, FAILED, SYSTEM
from tests.fakes.values import manifest as run_manifest

NAMES = ["cat.png", "dog.png", "cow.png", "bad.png"]


def a_manifest(run_id: str = "20260102T030405Z-0badc0de-00000001", **changes: Any) -> Any:
    recipe = RecipeFields(short=256, height=224, width=224, decoder="Pillow 1")
    model = ModelFields(
        title="Net", model_hash="abc", weights="seeded", classes=10, published="Net", recipe=recipe
    )
    whole = AccuracyManifest(
        run_id=run_id, system_id="box-1", status="running", started="2026-01-02T03:04:05+00:00",
        target="cpu", data=DataFields(images=4, layout="folders", digest="d"), chunk=2,
        variants=["x0_25"], runners=["b", "a"], cells={CELL.id: CellFields(**CELL.to_json())},
        models={"x0_25": model}, provenance=run_manifest().provenance,
    )  # fmt: skip
    return whole.model_copy(update=changes)


def line(start: int, labels: list[int], **best: list[list[int]]) -> JournalLine:
    images = [start + at for at in range(len(labels))]
    unreadable = {"bad.png": "it is empty"} if len(labels) == 1 else {}
    apart = [ApartFields(one="b", other="a", image=images[-1], relative_l2=0.1 / (start + 1))]
    chunk = ChunkFields(
        start=start, images=images, labels=labels, unreadable=unreadable, best=best, apart=apart
    )
    return JournalLine(variant="x0_25", chunk=chunk)


FIRST = line(0, [3, 4], b=[[3, 1, 2], [1, 4, 2]], a=[[3, 1, 2], [4, 1, 2]])
SECOND = line(2, [9], b=[[5, 6, 7]], a=[[5, 7, 8]])
OPENED = JournalLine(
    variant="x0_25",
    runner="b",
    opened=OpenedFields(load_ns=5, relative_l2=1e-7, facts={"engine": "fake 1.0"}),
)
LOST = JournalLine(variant="x0_25", runner="a", failed=FAILED)


def test_shares_are_over_the_images_that_could_be_read_with_their_interval() -> None:
    summary = summarize(a_manifest(), [OPENED, SECOND, FIRST])
    first, second = summary.results
    assert isinstance(first, Accuracy)
    assert isinstance(second, Accuracy)
    assert (first.runner, second.runner) == ("b", "a")
    assert (first.top1.hits, first.top5.hits, first.top1.of) == (1, 2, 3)
    assert (second.top1.hits, second.top5.hits) == (2, 2)
    assert first.top1.interval == clopper_pearson(1, 3)
    assert first.facts == {"engine": "fake 1.0"}
    assert (summary.images, summary.read) == (4, 3)
    assert summary.unreadable == {"bad.png": "it is empty"}


def test_agreement_is_over_the_first_class_and_the_worst_image_is_named() -> None:
    (agreement,) = summarize(a_manifest(), [FIRST, SECOND]).agreements
    assert (agreement.one, agreement.other) == ("b", "a")
    assert (agreement.same.hits, agreement.same.of) == (2, 3)
    assert (agreement.image, agreement.relative_l2) == (1, 0.1)


def test_a_runner_that_failed_has_no_share_and_agrees_with_none() -> None:
    summary = summarize(a_manifest(), [FIRST, LOST, SECOND])
    assert summary.results[1] == NoAccuracy(variant="x0_25", runner="a", why=FAILED)
    assert summary.agreements == ()
    assert outcomes([FIRST, OPENED, LOST]) == {"a": FAILED}


def test_where_nothing_could_be_read_there_is_no_agreement() -> None:
    empty = ChunkFields(start=0, images=[], labels=[], unreadable={}, best={}, apart=[])
    summary = summarize(a_manifest(), [JournalLine(variant="x0_25", chunk=empty)])
    assert summary.agreements == ()


def test_the_table_says_shares_agreement_and_what_could_not_be_read() -> None:
    text = table(a_manifest(), summarize(a_manifest(), [FIRST, SECOND]), NAMES, {})
    assert "accuracy over 3 of 4 images, short side 256, crop 224 x 224" in text
    assert "x0_25    seeded   b       33.33% [0.84, 90.57]  66.67% [9.43, 99.16]  –" in text
    assert (
        "b and a differ most (x0_25): other classes first for 1 of 3 images; b alone is right on "
        "0, a alone on 1, neither on 0\nimages  label  b  a  such as\n1       4      1  4  dog.png"
    ) in text
    assert "x0_25    b, a     2 of 3, 66.67% [9.43, 99.16]  0.100, dog.png" in text
    assert "1 of 4 images can't be read, and count for nothing:\n  bad.png: it is empty" in text


def test_a_net_that_never_opened_leaves_no_gap_in_the_heading() -> None:
    model = a_manifest().models["x0_25"].model_copy(update={"recipe": None})
    manifest = a_manifest(models={"x0_25": model})
    text = table(manifest, summarize(manifest, [FIRST, SECOND]), NAMES, {})
    assert text.startswith("accuracy over 3 of 4 images, batch 1, threads 1\n")


def test_weights_a_limit_and_another_preprocessing_are_named() -> None:
    manifest = a_manifest(data=DataFields(images=4, layout="list", digest="d", of=9))
    own = {"weights": "pretrained", "weights_sha256": "0123456789abcdef", "shares": True}
    recipe = {"short": None, "size": (250, 260), "channels": "bgr", "resizing": "INTER_CUBIC"}
    changed = manifest.models["x0_25"].recipe.model_copy(update={**recipe, "scale": 1.0})
    model = manifest.models["x0_25"].model_copy(update={**own, "recipe": changed})
    manifest = manifest.model_copy(update={"models": {"x0_25": model}})
    text = table(manifest, summarize(manifest, [FIRST, SECOND]), NAMES, {}, ["zero", "one"])
    assert text.startswith(
        "accuracy over 3 of 4 images (the first of 9 of the list), resized to 250 x 260, crop "
        "224 x 224, INTER_CUBIC, BGR, its own mean and scale, batch 1, threads 1\n"
    )
    assert "x0_25    pretrained 01234567  b  " in text
    assert "1       4      1 one  4  dog.png" in text
    assert "x0_25 ends in a softmax" in remarks_on(manifest)[0]


def test_published_shares_stand_beside_pretrained_weights_only() -> None:
    row = Published("Net", "Net", {"top1": 0.499, "top5": 0.7379}, {})
    seeded = a_manifest()
    model = seeded.models["x0_25"].model_copy(update={"weights": "pretrained"})
    pretrained = a_manifest(models={"x0_25": model})
    summary = summarize(seeded, [FIRST, SECOND])
    assert "49.90% 73.79%" in table(pretrained, summary, NAMES, {"Net": row})
    assert "49.90%" not in table(seeded, summary, NAMES, {"Net": row})
    assert remarks_on(pretrained) == []
    assert "seeded weights know nothing" in remarks_on(seeded)[0]
    assert "1 in 10 for top-1" in remarks_on(seeded)[0]


def test_of_many_unreadable_images_ten_are_shown_and_all_are_in_the_values() -> None:
    bad = {f"{at}.png": "it is empty" for at in range(13)}
    chunk = FIRST.model_copy(
        update={"chunk": FIRST.chunk.model_copy(update={"unreadable": bad})}  # type: ignore[union-attr]
    )
    summary = summarize(a_manifest(), [chunk])
    text = table(a_manifest(), summary, NAMES, {})
    assert "9.png" in text
    assert "10.png" not in text
    assert "and 3 more (--json has them)" in text
    assert to_values(a_manifest(), summary, NAMES, [])["unreadable"] == bad


def test_a_chunk_whose_lists_differ_in_length_is_none() -> None:
    with pytest.raises(ValueError, match="aren't as many"):
        ChunkFields(start=0, images=[0], labels=[1, 2], unreadable={}, best={}, apart=[])


@pytest.fixture
def folder(tmp_path: Path) -> AccuracyFolder:
    return AccuracyFolder.create(Store(tmp_path), a_manifest(), SYSTEM)


def test_what_is_appended_comes_back_and_the_system_is_kept(
    folder: AccuracyFolder, tmp_path: Path
) -> None:
    lines = [OPENED, FIRST, LOST, JournalLine(variant="v", runner="a", skipped=SKIPPED)]
    for one in lines:
        folder.append(one)
    assert folder.journal() == lines
    assert folder.manifest() == a_manifest()
    assert Store(tmp_path).system("box-1") == SYSTEM
    assert folder.path == tmp_path / "accuracy/box-1" / a_manifest().run_id


SKIPPED = Skipped(reason="no such chip", hint="another")


def test_a_line_that_was_never_finished_is_cut_off(folder: AccuracyFolder) -> None:
    folder.append(FIRST)
    with (folder.path / JOURNAL).open("ab") as file:
        file.write(b'{"variant": "x0')
    assert folder.journal() == [FIRST]
    folder.append(SECOND)
    assert list(chunks_by_start(folder.journal())) == [0, 2]


def test_a_whole_line_that_is_none_of_ours_is_told_by_its_number(folder: AccuracyFolder) -> None:
    folder.append(FIRST)
    with (folder.path / JOURNAL).open("ab") as file:
        file.write(b'{"variant": 3}\n')
    with pytest.raises(BrokenResult, match="line 2"):
        folder.journal()


def test_runs_are_found_by_id_and_the_newest_as_latest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ids = ["20260102T030405Z-0badc0de-00000001", "20270102T030405Z-0badc0de-00000001"]
    for run_id, system_id in zip(reversed(ids), ("a-1", "z-9"), strict=True):
        AccuracyFolder.create(store, a_manifest(run_id, system_id=system_id), SYSTEM)
    assert AccuracyFolder.find(store, "latest").path.name == ids[1]
    assert AccuracyFolder.find(store, ids[0]).path.name == ids[0]
    with pytest.raises(UnknownName, match="there is no accuracy run 'x'"):
        AccuracyFolder.find(store, "x")


def test_without_any_run_latest_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no accuracy run yet"):
        AccuracyFolder.find(Store(tmp_path), "latest")
