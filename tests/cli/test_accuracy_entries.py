"""What a model's entry says of images, classes and outputs, in `bench accuracy` and `predict`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.main import main
from bench.config.images import Preprocess
from bench.experiments.accuracy.preprocess import load_image, recipe_for
from bench.experiments.context import Tables
from tests.cli.accuracies import NAMES, Bench
from tests.fakes.seeing import SIZE, paint, paint_folders, see, seeing_tables

ENTRY = "[models.net]\nfactory = 'fake:net'\ninput = [3, 8, 8]\n"
EXPORTED = "[models.net]\nexported = 'net/inference.json'\ninput = [3, 8, 8]\n"
INFERENCE = """
PreProcess:
  transform_ops:
  - ResizeImage: {size: 9, interpolation: bicubic, backend: pil}
  - CropImage: {size: 8}
  - NormalizeImage: {scale: 0.01, mean: [0, 0, 0], std: [1, 1, 1]}
  - ToCHWImage: null
PostProcess:
  Topk: {topk: 5, label_list: [%s]}
"""


class Own(Bench):
    """Calls both verbs with a catalogue of its own."""

    def plant(self, catalogue: str) -> Path:
        folder = self.root / "models"
        (folder / "net").mkdir(parents=True, exist_ok=True)
        (folder / "catalog.toml").write_text(catalogue)
        for name in ("inference.json", "inference.pdiparams"):
            (folder / "net" / name).write_text(name)
        return folder

    def argv(self, *flags: str) -> list[str]:
        return [
            "accuracy", "--models", str(self.root / "models"), "--cache", str(self.root / "cache"),
            "--results", str(self.root / "results"), *flags,
        ]  # fmt: skip

    def predicted(self, *flags: str, tables: Tables | None = None) -> tuple[int, str, str]:
        argv = ["predict", *self.argv()[1:], *flags]
        status = main(argv, tables or seeing_tables())
        said = self.capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Own:
    return Own(tmp_path, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return paint_folders(tmp_path / "data", NAMES, each=2)


def hits(data: Path, how: Preprocess | None) -> int:
    """How many of the pictures the fake net names rightly, prepared as `how` says."""
    paths = sorted(data.glob("*/*.png"))
    x = np.stack([load_image(path, recipe_for((3, SIZE, SIZE), how)) for path in paths])
    labels = np.array([NAMES.index(path.parent.name) for path in paths])
    return int((see(x).argmax(axis=1) == labels).sum())


OWN = Preprocess(
    size=(9, 9), interpolation="bicubic", backend="pillow", scale=0.01, mean=(0, 0, 0),
    std=(1, 1, 1),
)  # fmt: skip


def test_an_entrys_own_preprocessing_is_used_and_recorded(own: Own, data: Path) -> None:
    own.plant(ENTRY + "preprocess = { channels = 'bgr', short = 10, backend = 'pillow' }\n")
    how = Preprocess(channels="bgr", short=10, backend="pillow")
    values = own.values("--data", str(data))
    assert values["results"][0]["top1"]["hits"] == hits(data, how) != hits(data, None)
    recipe = own.folders()[0].manifest().models["net"].recipe
    assert recipe is not None
    assert (recipe.short, recipe.channels, recipe.resizing) == (10, "bgr", "Pillow bilinear")
    _, out, _ = own.call("--data", str(data))
    assert "short side 10, crop 8 x 8, Pillow bilinear, BGR" in out


def test_an_inference_file_beside_an_exported_model_says_how(own: Own, data: Path) -> None:
    folder = own.plant(EXPORTED)
    (folder / "net/inference.yml").write_text(INFERENCE % ", ".join(reversed(NAMES)))
    values = own.values("--data", str(data))
    assert values["results"][0]["top1"]["of"] == 20
    journal = own.folders()[0].journal()
    assert next(it.chunk.labels[0] for it in journal if it.chunk) == 9
    assert own.folders()[0].manifest().models["net"].weights == "exported"
    paint(own.root / "cat.png", seed=5)
    status, out, _ = own.predicted(str(own.root / "cat.png"), "--json")
    predicted = json.loads(out)["classes"][0]
    x = load_image(own.root / "cat.png", recipe_for((3, SIZE, SIZE), OWN))[None]
    assert status == 0
    assert predicted["class"] == see(x)[0].argmax()
    assert predicted["name"] == NAMES[9 - predicted["class"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "inference.yml: not YAML"),
        (INFERENCE.replace("size: 8", "size: 7") % "a", "images are cropped to 7 x 7"),
        (INFERENCE % "a, b", "it names 2 classes, and the net has 10"),
    ],
)
def test_an_inference_file_that_can_not_be_followed_is_one_sentence(
    own: Own, data: Path, text: str, said: str
) -> None:
    folder = own.plant(EXPORTED)
    (folder / "net/inference.yml").write_text(text)
    assert said in own.refusal("--data", str(data))


def test_one_net_that_no_image_fits_leaves_the_others(own: Own, data: Path) -> None:
    own.plant(
        ENTRY + "[models.flat]\nfactory = 'fake:net'\ninput = [3, 8, 8]\npreprocess.short = 5\n"
    )
    status, out, err = own.call("--data", str(data), "--json")
    flat, net = sorted(json.loads(out)["results"], key=lambda it: str(it["variant"]))
    assert status == 1
    assert flat["reason"].startswith("failed (input): images are resized to 5 x 5")
    assert net["top1"]["of"] == 20
    assert "bench: flat paddle failed (input)" in err


def test_a_model_without_classes_is_refused_by_name_and_left_out_of_all(
    own: Own, data: Path
) -> None:
    own.plant("[models.embeds]\nfactory = 'fake:net'\ninput = [3, 8, 8]\ntask = 'none'\n" + ENTRY)
    values = own.values("--data", str(data))
    assert [it["variant"] for it in values["results"]] == ["net"]
    line = own.refusal("--data", str(data), "--variant", "embeds,net")
    assert 'the task of embeds is "none": it has no classes' in line
    paint(own.root / "cat.png", seed=5)
    status, out, _ = own.predicted(str(own.root / "cat.png"))
    assert (status, out.startswith("net, ")) == (0, True)
    status, _, err = own.predicted(str(own.root / "cat.png"), "--variant", "embeds")
    assert (status, 'the task of embeds is "none"' in err) == (2, True)


@pytest.mark.parametrize("named", ["", "output = 'logits'\n"])
def test_the_first_output_or_the_one_of_the_entry_has_the_classes(
    own: Own, data: Path, named: str
) -> None:
    own.plant(ENTRY + named)
    tables = seeing_tables("export_both", paddle="SeesBoth")
    assert own.call("--data", str(data), tables=tables)[0] == (0 if named else 2)
    if named:
        (found,) = own.values("--data", str(data), tables=tables)["results"]
        assert found["top1"]["hits"] == hits(data, None)


def test_a_net_of_other_classes_than_the_labels_fails_alone(own: Own, data: Path) -> None:
    own.plant(
        ENTRY + "[models.right]\nfactory = 'fake:net'\ninput = [3, 8, 8]\noutput = 'logits'\n"
    )
    tables = seeing_tables("export_both", paddle="SeesBoth", more="SeesBoth")
    flags = ("--data", str(data), "--runner", "paddle,more", "--json")
    status, out, err = own.call(*flags, tables=tables)
    outcomes = {(it["variant"], it["runner"]): it["outcome"] for it in json.loads(out)["results"]}
    assert status == 1
    assert outcomes == {
        ("net", "paddle"): "failed", ("net", "more"): "failed",
        ("right", "paddle"): "measured", ("right", "more"): "measured",
    }  # fmt: skip
    (line,) = [it for it in err.splitlines() if it.startswith("bench: net paddle, more failed")]
    assert "the classes of net, output features (others: logits) are 0 to 2" in line
    assert "name that as `output` of its entry" in line


def test_an_entrys_settings_of_an_engine_hold_for_its_accuracy(own: Own, data: Path) -> None:
    own.plant(ENTRY + "settings.paddle.onednn = 'off'\n")
    own.values("--data", str(data))
    (cell,) = own.folders()[0].manifest().cells.values()
    assert cell.settings == {"onednn": "off"}
    own.plant(ENTRY + "settings.padle.onednn = 'off'\n")
    assert "model net has no runner 'padle'" in own.refusal("--data", str(data))


def test_an_output_that_the_net_has_not_is_refused(own: Own, data: Path) -> None:
    own.plant(ENTRY + "output = 'boxes'\n")
    tables = seeing_tables("export_both", paddle="SeesBoth")
    line = own.refusal("--data", str(data), tables=tables)
    assert "net has no output 'boxes': name one of features, logits" in line


def test_a_softmax_of_the_nets_own_is_not_applied_again(own: Own, data: Path) -> None:
    own.plant(ENTRY)
    paint(own.root / "cat.png", seed=5)
    plain = own.predicted(str(own.root / "cat.png"), "--json")[1]
    tables = seeing_tables("export_shares", paddle="SeesShares")
    (own.root / "models/catalog.toml").write_text(ENTRY.replace("fake:net", "fake:shares"))
    status, text, _ = own.predicted(str(own.root / "cat.png"), tables=tables)
    own_shares = json.loads(own.predicted(str(own.root / "cat.png"), "--json", tables=tables)[1])
    assert status == 0
    assert "the shares are the net's own softmax" in text
    assert (own_shares["softmax"], json.loads(plain)["softmax"]) == ("own", "applied")
    shares: list[Any] = [
        [it["probability"] for it in values["classes"]]
        for values in (own_shares, json.loads(plain))
    ]
    assert shares[0] == pytest.approx(shares[1], rel=1e-4)
    _, _, err = own.call("--data", str(data), tables=tables)
    assert "net ends in a softmax: its shares are compared as they are" in err


def test_class_names_of_an_entry_name_what_is_seen_and_label_folders(own: Own, data: Path) -> None:
    folder = own.plant(ENTRY + "class_names = 'names.txt'\n")
    (folder / "names.txt").write_text("\n".join(reversed(NAMES)))
    paint(own.root / "cat.png", seed=5)
    found = json.loads(own.predicted(str(own.root / "cat.png"), "--json")[1])["classes"][0]
    assert found["name"] == NAMES[9 - found["class"]]
    own.values("--data", str(data))
    assert next(it.chunk.labels[0] for it in own.folders()[0].journal() if it.chunk) == 9


def test_a_limit_takes_the_first_of_each_class_in_turn_and_of_a_list_its_order(
    own: Own, data: Path
) -> None:
    own.plant(ENTRY)
    status, out, _ = own.call("--data", str(data), "--limit", "13")
    assert status == 0
    assert "13 of 13 images (the first of 20, by turns over the classes)" in out
    labels = [it.chunk.labels for it in own.folders()[-1].journal() if it.chunk]
    assert labels == [[*range(10), 0, 1, 2]]
    listing = own.root / "list.txt"
    paths = sorted(data.glob("*/*.png"))
    listing.write_text("".join(f"{it.relative_to(data)} 0\n" for it in paths))
    values = own.values("--data", str(data), "--list", str(listing), "--limit", "3")
    assert (values["images"], values["limited_from"]) == (3, 20)
    assert own.values("--data", str(data), "--limit", "99")["limited_from"] is None


def test_nets_that_differ_are_held_against_each_other(own: Own, data: Path) -> None:
    own.plant(ENTRY)
    tables = seeing_tables(paddle="Sees", other="Partial")
    values = own.values("--data", str(data), "--runner", "paddle,other", tables=tables)
    found = values["disagreement"]
    assert (found["one"], found["other"]) == (["net", "paddle"], ["net", "other"])
    assert found["apart"]["hits"] == sum(it["count"] for it in found["mixups"]) > 0
    assert found["mixups"][0]["image"].endswith(".png")
    assert {it["other"] for it in found["mixups"]} == {4}


def test_a_net_may_be_named_by_its_file(
    own: Own, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own.plant(ENTRY) / "net" / "inference.json"
    argv = ["--data", str(data), "--input", "3x8x8"]
    values = own.values(str(file), *argv)
    assert values["results"][0]["variant"] == "inference"
    assert values["results"][0]["top1"]["hits"] == hits(data, None)
    paint(own.root / "cat.png", seed=5)
    status, out, err = own.predicted(str(own.root / "cat.png"), str(file))
    assert (status, out.splitlines()[0][:26]) == (0, "inference, exported weight"), err
    monkeypatch.setattr("bench.experiments.accuracy.chunks.see", _interrupted)
    status, _, err = own.call(str(file), *argv)
    assert status == 130
    again = err.splitlines()[-1]
    monkeypatch.undo()
    words = shlex.split(again.partition(" accuracy ")[2])
    assert main(["accuracy", *words], seeing_tables()) == 0


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_report_shows_stored_accuracies_and_is_what_verify_builds(own: Own, data: Path) -> None:
    own.plant(ENTRY)
    own.values("--data", str(data), "--runner", "paddle")
    page = own.root / "results/report/report.md"
    written = page.read_text()
    page.unlink()
    assert main(["report", *own.argv()[1:3], "--results", str(own.root / "results")]) == 0
    assert page.read_text() == written
    assert "## Accuracy, measured" in written
    assert "Nothing has been measured" not in written
    run = own.folders()[0]
    row = f"| net | Seeded | paddle | 20 of 20, folders {run.manifest().data.digest[:8]} | 0."
    assert row in written
    csv = (own.root / "results/report/accuracy.csv").read_text().splitlines()
    assert len(csv) == 2
    run.journal_path.write_text("{}\n")
    assert main(["report", *own.argv()[1:3], "--results", str(own.root / "results")]) == 1
    assert "left out" in own.capsys.readouterr().err
