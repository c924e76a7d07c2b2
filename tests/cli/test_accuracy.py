"""`bench accuracy` over painted pictures, with children that see well or badly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import top_k_accuracy_score

from bench.analysis.coverage import clopper_pearson
from bench.experiments.accuracy.preprocess import load_image, recipe_for
from bench.experiments.context import Tables
from tests.cli.accuracies import NAMES, Bench
from tests.cli.process import ROOT
from tests.fakes.seeing import CLASSES, SIZE, paint, paint_folders, see, seeing_tables
from tests.fakes.workshop import spoil

RECIPE = recipe_for((3, SIZE, SIZE))


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pictures of each of ten classes."""
    return paint_folders(tmp_path / "data", NAMES, each=3)


def truth(data: Path) -> tuple[NDArray[np.float32], list[int]]:
    """The fake net's logits and the labels, got without the verb."""
    paths = sorted(data.glob("*/*.png"))
    x = np.stack([load_image(path, RECIPE) for path in paths])
    return see(x), [NAMES.index(path.parent.name) for path in paths]


@pytest.mark.parametrize("batch", ["1", "4"])
def test_shares_are_what_scikit_learn_says_of_the_same_logits(
    batch: str, bench: Bench, data: Path
) -> None:
    (result,) = bench.values("--data", str(data), "--batch", batch)["results"]
    logits, labels = truth(data)
    for name, k in (("top1", 1), ("top5", 5)):
        hits = top_k_accuracy_score(labels, logits, k=k, labels=range(CLASSES), normalize=False)
        assert 0 < hits < 30
        assert (result[name]["hits"], result[name]["of"]) == (hits, 30)
        assert result[name]["share"] == pytest.approx(
            top_k_accuracy_score(labels, logits, k=k, labels=range(CLASSES))
        )
        assert result[name]["interval"] == list(clopper_pearson(int(hits), 30))


@pytest.mark.parametrize("runners", ["paddle,other", "all"])
def test_runners_side_by_side_get_the_same_images_and_their_agreement(
    runners: str, bench: Bench, data: Path
) -> None:
    tables = seeing_tables(paddle="Sees", other="Partial")
    values = bench.values("--data", str(data), "--runner", runners, tables=tables)
    logits, labels = truth(data)
    leaning = logits + np.eye(CLASSES, dtype=np.float32)[4]
    for result, seen in zip(values["results"], (logits, leaning), strict=True):
        assert result["top1"]["hits"] == (seen.argmax(axis=1) == labels).sum()
    (agreement,) = values["agreement"]
    assert agreement["runners"] == ["paddle", "other"]
    assert agreement["same_top1"]["hits"] == (logits.argmax(1) == leaning.argmax(1)).sum() < 30
    apart = 1 / np.linalg.norm(logits, axis=1)
    assert agreement["worst_relative_l2"] == pytest.approx(apart.max(), rel=1e-5)
    assert agreement["worst_image"] == sorted(
        str(path.relative_to(data)) for path in data.glob("*/*.png")
    )[int(apart.argmax())]  # fmt: skip


def test_a_list_labels_images_as_the_folders_do(bench: Bench, data: Path, tmp_path: Path) -> None:
    _, labels = truth(data)
    paths = [path.relative_to(data) for path in sorted(data.glob("*/*.png"))]
    listing = tmp_path / "val_list.txt"
    listing.write_text("".join(f"{p} {n}\n" for p, n in zip(paths, labels, strict=True)))
    by_folder = bench.values("--data", str(data))
    by_list = bench.values("--data", str(data), "--list", str(listing))
    assert by_list["results"] == by_folder["results"]


def test_broken_images_are_named_and_count_for_nothing(bench: Bench, data: Path) -> None:
    good = bench.values("--data", str(data))["results"][0]["top1"]
    (data / NAMES[0] / "empty.png").touch()
    (data / NAMES[2] / "half.png").write_bytes((data / NAMES[2] / "000.png").read_bytes()[:500])
    status, out, _ = bench.call("--data", str(data), "--json")
    values = json.loads(out)
    assert (status, values["images"], values["read"]) == (3, 32, 30)
    assert values["unreadable"] == {
        f"{NAMES[0]}/empty.png": "it is empty",
        f"{NAMES[2]}/half.png": "image file is truncated",
    }
    assert values["results"][0]["top1"] == good
    status, out, _ = bench.call("--data", str(data))
    assert status == 3
    assert "2 of 32 images can't be read, and count for nothing:" in out
    assert f"{NAMES[0]}/empty.png: it is empty" in out


def test_where_no_image_can_be_read_it_is_one_sentence(bench: Bench, tmp_path: Path) -> None:
    listing = tmp_path / "list"
    listing.write_text("gone.png 1\nlost.png 2\n")
    line = bench.call("--data", str(tmp_path), "--list", str(listing))
    assert (line[0], line[1]) == (2, "")
    assert "none of the 2 images can be read (the first, gone.png: No such file" in line[2]


def test_what_has_no_label_or_a_wrong_one_is_one_sentence(bench: Bench, tmp_path: Path) -> None:
    paint(tmp_path / "data/10/a.png", seed=1)
    assert "label 10, and the classes of x0_25 are 0 to 9" in bench.refusal(
        "--data", str(tmp_path / "data")
    )
    assert "has no sub-folder" in bench.refusal("--data", str(tmp_path / "data/10"))
    assert "accuracy has no images" in bench.refusal()
    assert bench.folders() == []


def test_a_runner_that_dies_has_no_share_and_the_others_go_on(bench: Bench, data: Path) -> None:
    tables = seeing_tables(paddle="Sees", dies="Dies", nans="Infinite", absent="NotHere")
    status, out, err = bench.call(
        "--data", str(data), "--runner", "dies,paddle,nans,absent", "--json", tables=tables
    )
    assert status == 1
    found = {it["runner"]: it for it in json.loads(out)["results"]}
    assert found["dies"]["reason"].startswith("failed (crash): ")
    assert "the child died of SIGSEGV" in found["dies"]["reason"]
    assert "failed (wrong-output): the logits of class a/000.png hold" in found["nans"]["reason"]
    assert found["absent"]["outcome"] == "skipped"
    assert found["paddle"]["top1"]["of"] == 30
    assert json.loads(out)["agreement"] == []
    assert "bench: x0_25 dies failed (crash)" in err


def lines_after_a_loss(bench: Bench, data: Path, runners: str) -> tuple[int, list[str | None]]:
    """How many chunks there are, and the runners with a failure, each time it was told."""
    tables = seeing_tables(paddle="Sees", nans="Infinite")
    status, out, _ = bench.call("--data", str(data), "--runner", runners, tables=tables)
    assert status == 1
    assert "nans    failed" in out
    journal = bench.folders()[-1].journal()
    return len([it for it in journal if it.chunk]), [it.runner for it in journal if it.failed]


def test_a_lost_runner_is_asked_no_more_and_where_all_are_nothing_goes_on(
    bench: Bench, tmp_path: Path
) -> None:
    data = paint_folders(tmp_path / "many", NAMES, each=7)
    assert lines_after_a_loss(bench, data, "nans,paddle") == (2, ["nans"])
    assert lines_after_a_loss(bench, data, "nans") == (1, ["nans"])


def test_an_artifact_that_no_longer_loads_is_made_anew(bench: Bench, data: Path) -> None:
    tables = seeing_tables(paddle="ReadsItsFile")
    bench.values("--data", str(data), tables=tables)
    spoil(bench.root / "cache")
    status, out, err = bench.call("--data", str(data), tables=tables)
    assert (status, "failed" in out) == (0, False)
    assert "anew: the one in the cache didn't load" in err


def test_seeded_weights_are_said_to_know_nothing(bench: Bench, data: Path) -> None:
    _, out, err = bench.call("--data", str(data))
    assert "x0_25    seeded   paddle" in out
    assert "bench: seeded weights know nothing: what they say of an image is chance (1 in 10" in err
    assert "seeded weights know nothing" in bench.values("--data", str(data))["remarks"][0]


def test_fewer_folders_than_classes_are_remarked_on(bench: Bench, tmp_path: Path) -> None:
    data = paint_folders(tmp_path / "few", NAMES[:2], each=1)
    _, _, err = bench.call("--data", str(data))
    assert "bench: the 2 sub-folders are taken for the first 2 of the net's 10 classes" in err
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(reversed(NAMES)))
    _, _, err = bench.call("--data", str(data), "--labels", str(labels))
    assert "sub-folders" not in err
    journal = bench.folders()[-1].journal()
    assert [it.chunk.labels for it in journal if it.chunk] == [[9, 8]]


def test_no_file_holds_a_path_of_this_machine(bench: Bench, data: Path, tmp_path: Path) -> None:
    tables = seeing_tables(paddle="Sees", dies="Raises")
    bench.call("--data", str(data), "--runner", "paddle,dies", tables=tables)
    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    kinds = {"journal.jsonl", "accuracy.json", "report.md", "latency.csv", "costs.csv"}
    assert {it.name for it in files} >= {*kinds, "accuracy.csv"}
    roots = [str(root).encode() for root in (tmp_path, ROOT, Path(sys.prefix))]
    texts = [path.read_bytes() for path in files]
    assert b"the engine's own words" in b"".join(texts)
    assert [root for root in roots for text in texts if root in text] == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--batch", "1,2"), "--batch 1,2: one is enough"),
        (("--threads", "4096"), "--threads 4096: there are"),
        (("--runner", "nobody"), "there is no runner 'nobody'"),
        (("--variant", "x9"), "there is no variant 'x9'"),
        (("--weights", "/no/file"), "there is no such file"),
    ],
)
def test_a_flag_that_can_not_be_is_one_sentence(
    flags: tuple[str, str], said: str, bench: Bench, data: Path
) -> None:
    assert said in bench.refusal("--data", str(data), *flags)


def test_a_phone_takes_no_images(bench: Bench, data: Path) -> None:
    line = bench.refusal("--data", str(data), "--runner", "paddle-lite", tables=Tables())
    assert "take no images" in line


def test_runners_of_two_targets_are_not_side_by_side(bench: Bench, data: Path) -> None:
    line = bench.refusal("--data", str(data), "--runner", "paddle,tensorrt", tables=Tables())
    assert "the runners paddle, tensorrt run on cpu and nvidia-gpu" in line
