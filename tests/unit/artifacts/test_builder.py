from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.core.digest import file_sha256
from bench.core.errors import ArtifactError
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildResult, run_child
from tests.fakes.racing import race
from tests.fakes.tables import FAKE_FORMATS
from tests.fakes.workshop import BIG, NB, PIR, SMALL, Bench, export


def test_an_artifact_has_its_files_with_their_hashes_and_the_facts_of_its_converter(
    bench: Bench,
) -> None:
    artifact = bench.artifact()
    assert artifact.main == artifact.folder / "model.json"
    assert artifact.main.read_text() == "fake net, batch 1"
    assert artifact.files == {
        name: file_sha256(artifact.folder / name)
        for name in ("model.json", "model.pdiparams", "reference.npz")
    }
    assert artifact.facts["costs"]["macs"] == 10
    with np.load(artifact.reference) as arrays:
        assert arrays["input/x"].shape == (1, 3, 8, 8)


def test_the_converter_is_told_of_its_model_and_runs_in_its_own_interpreter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")  # pretrained weights are downloaded
    bench.make(SMALL, batches=(4, 1))
    [request], [options] = bench.children.requests, bench.children.options
    assert request["source"] == {
        "factory": "fake:net", "input": [3, 8, 8], "inputs": {"x": "Nx3x8x8:float32"},
        "values": None, "weights": {"kind": "seeded", "seed": 0},
    }  # fmt: skip
    told = dict(request["options"])
    weights = Path(told.pop("weights_cache"))
    assert told == {"format": "pir", "batches": [1, 4], "input_seed": 0}
    assert weights == bench.cache / "weights" / f"small-{SMALL.hash}-e1"
    assert options["python"] == Path("/exporting/python")
    assert options["env"] == {
        "OMP_NUM_THREADS": "1", "FLAG": "1", "https_proxy": "http://proxy:3128",
    }  # fmt: skip


def test_a_second_time_everything_comes_from_the_cache(bench: Bench) -> None:
    first = bench.make(SMALL, BIG, formats="pir nb", batches=(1, 4))
    asked = len(bench.children.requests)
    assert bench.make(SMALL, BIG, formats="pir nb", batches=(1, 4)) == first
    assert len(bench.children.requests) == asked


def test_one_child_makes_all_missing_batches_of_an_export(bench: Bench) -> None:
    bench.make(SMALL, batches=(4,))
    made = bench.make(SMALL, batches=(1, 4, 16))
    assert bench.children.batches == [[4], [1, 16]]
    assert sorted(key.batch for key in made) == [1, 4, 16]
    texts = {k.batch: it.main.read_text() for k, it in made.items() if isinstance(it, Artifact)}
    assert texts == {batch: f"fake net, batch {batch}" for batch in (1, 4, 16)}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.pdiparams").write_bytes(b"fake weightz"),
        lambda folder: (folder / "reference.npz").unlink(),
        lambda folder: (folder / "artifact.json").unlink(),
        lambda folder: (folder / "artifact.json").write_text('{"facts": {}'),
        lambda folder: (folder / "artifact.json").write_text("[]"),
        lambda folder: (folder / "artifact.json").write_text('{"facts": {}}'),
    ],
)
def test_an_artifact_that_was_damaged_in_the_cache_is_made_anew_alone(
    damage: Any, bench: Bench
) -> None:
    before = bench.make(SMALL, BIG, batches=(1, 4))
    artifact = bench.artifact(SMALL, batch=4)
    damage(artifact.folder)

    after = bench.make(SMALL, BIG, batches=(1, 4))

    assert bench.children.batches[2:] == [[4]]
    assert after == before
    assert artifact.reference.is_file()
    assert {n: file_sha256(artifact.folder / n) for n in artifact.files} == artifact.files


def test_a_conversion_is_made_of_its_source_and_takes_the_reference_over(bench: Bench) -> None:
    made = bench.make(SMALL, formats="pir nb", batches=(1, 4))
    for batch in (1, 4):
        pir, nb = made[Key("small", "pir", batch)], made[Key("small", "nb", batch)]
        assert isinstance(pir, Artifact)
        assert isinstance(nb, Artifact)
        assert nb.main.read_bytes() == pir.main.read_bytes() + b"fake weights"
        assert nb.reference != pir.reference
        assert nb.reference.read_bytes() == pir.reference.read_bytes()
    assert bench.children.batches == [[1, 4], [1], [4]]
    assert bench.children.options[1]["python"] == Path("/converting/python")


def test_what_a_conversion_is_made_of_is_made_though_nobody_asked_for_it(bench: Bench) -> None:
    nb = bench.artifact(kind="nb", batch=4)
    assert nb.main.name == "model.nb"
    assert [Path(r["converter"]).name.split(":")[1] for r in bench.children.requests] == [
        "export", "concatenate",
    ]  # fmt: skip


def test_a_chain_of_conversions_is_made_from_its_first_source_on(bench: Bench) -> None:
    again = replace(NB, converter="tests.fakes.converter:convert", sources=("nb",))
    bench.formats["further"] = again
    assert bench.artifact(kind="further", batch=4).main.read_bytes() == b"x" * 1000
    assert bench.children.batches == [[4], [4], [4]]


def test_each_kind_of_each_model_is_told_when_it_is_done(bench: Bench) -> None:
    bench.make(SMALL, BIG, formats="nb")
    assert sorted(bench.done) == ["big nb", "big pir", "small nb", "small pir"]
    assert bench.done.index("small pir") < bench.done.index("small nb")


def test_real_children_make_what_is_missing_and_only_that(tmp_path: Path) -> None:
    launched: list[dict[str, Any]] = []

    def launch(request: dict[str, Any], **options: Any) -> ChildResult:
        launched.append(request)
        return run_child(request, **options)

    formats = {
        **FAKE_FORMATS,
        "refused": replace(
            FAKE_FORMATS["paddle-lite-nb"], converter="tests.fakes.converter:refuse"
        ),
    }
    workshop = Workshop(tmp_path, Environments(tmp_path), formats, launch)
    wanted = [Key("small", kind, 1) for kind in formats]

    first = workshop.make([SMALL], wanted, workers=2)
    again = workshop.make([SMALL], wanted[:2], workers=2)

    nb, refused = first[Key("small", "paddle-lite-nb", 1)], first[Key("small", "refused", 1)]
    assert isinstance(nb, Artifact)
    assert nb.main.read_bytes() == b"x" * 1000
    assert isinstance(refused, ArtifactError)
    assert refused.problem == "refused: this net can't be converted"
    assert refused.log_tail == "the converter's own words"
    assert again == {key: it for key, it in first.items() if key.kind != "refused"}
    assert len(launched) == 3


def remaking(source: Any, options: Any, out: Path) -> dict[str, Any]:
    return {**export(source, options, out), "weights_remade": "w can't be read"}


@pytest.mark.parametrize(
    "arrays",
    [
        None, {}, {"input/x": np.zeros((1, 3))}, {"output/y": np.zeros((1, 3))},
        {"input/x": np.zeros((1, 3)), "output/y": np.array([[0.0, np.nan]])},
    ],
)  # fmt: skip
def test_an_export_without_a_whole_reference_is_an_artifact_that_failed(
    bench: Bench, arrays: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(source: Any, options: Any, out: Path) -> dict[str, Any]:
        facts = export(source, options, out)
        path = out / "b1" / "reference.npz"
        path.write_bytes(b"cut off") if arrays is None else np.savez(path, **arrays)
        return facts

    monkeypatch.setattr(f"{__name__}.remaking", lacking)
    bench.formats["pir"] = replace(PIR, converter=f"{__name__}:remaking")
    (failed,) = bench.make(SMALL).values()
    assert isinstance(failed, ArtifactError)
    assert failed.problem.startswith("pir: the converter wrote no reference.npz with inputs")


def test_weights_that_were_made_anew_are_told_once(bench: Bench) -> None:
    bench.formats["pir"] = replace(PIR, converter=f"{__name__}:remaking")
    for _ in range(2):
        bench.make(SMALL, batches=(1, 4))
    told = [it for it in bench.done if "anew" in it]
    assert told == ["small: weights made anew: w can't be read"]


def test_an_artifact_is_remade_in_its_place(bench: Bench) -> None:
    first = bench.artifact()
    again = bench.artifact()
    assert (first.is_new, again.is_new) == (True, False)
    assert bench.artifact(replace(SMALL, tolerance=0.01)).tolerance == 0.01
    assert [it.remake() for it in (first, again, again)] == [False, True, False]
    assert len(bench.children.requests) == 2
    assert bench.done[-2:] == ["small pir", "small pir anew: the one in the cache didn't load"]
    assert bench.artifact() == first


def test_runs_that_start_at_once_make_each_artifact_once(tmp_path: Path) -> None:
    said = race("artifacts", tmp_path / "cache", runs=4)
    # An export is one child for all batches, a conversion one for each: 3 a model, in all runs.
    assert sum(int(text.removesuffix(" made")) for text in said) == 6


def test_what_takes_long_to_import_is_imported_once_for_all_conversions(tmp_path: Path) -> None:
    told = "tests.fakes.parentage:export"
    formats = {"pir": replace(FAKE_FORMATS["paddle-pir"], converter=told, imports=("csv",))}
    models = [SMALL, BIG]
    wanted = [Key(model.variant, "pir", batch) for model in models for batch in (1, 2)]
    made = Workshop(tmp_path, Environments(tmp_path), formats).make(models, wanted, workers=2)
    artifacts = [it for it in made.values() if isinstance(it, Artifact)]
    assert len(artifacts) == 4
    assert len({it.facts["parent"] for it in artifacts}) == 1
    assert len({it.facts["pid"] for it in artifacts}) == 2, "a child each, for all its batches"


def test_another_way_to_launch_forks_nothing(bench: Bench) -> None:
    bench.formats["pir"] = replace(PIR, imports=("csv",))
    bench.make(SMALL)
    assert [request["imports"] for request in bench.children.requests] == [["csv"]]
