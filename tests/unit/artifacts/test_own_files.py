"""Artifacts of a person's own files: which way leads to a kind, and what isn't to be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import Artifact, Key
from bench.artifacts.failures import no_way
from bench.artifacts.formats import ARTIFACT_FORMATS, ArtifactFormat, Importer, ways
from bench.config.net_files import FACTORY, FILE_FORMATS, digests
from bench.core.errors import ArtifactError, Unavailable
from bench.core.tensors import parse
from tests.fakes.values import model
from tests.fakes.workshop import NB, PIR, Bench, Interpreters, export

OWN = model(
    "own",
    source={"exported": "/here/own.onnx", "factory": "fake:net"},
    inputs={"x": parse("Nx3x8x8")},
    values=Path("/here/values.npz"),
    origin="pir",
)


def import_(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Stand in for an importer whose file is fixed to batches up to 4."""
    (batch,) = options["batches"]
    if batch > 4:
        raise ArtifactError("own.onnx is fixed to batch 4", hint="ask for that")
    return {**export(source, options, out), "reference": "engine 1.0"}


IMPORTER = Importer(
    converter=f"{__name__}:import_", env="importing", code=(), engine="runners:Engine"
)


@pytest.fixture
def own(bench: Bench) -> Bench:
    """Kinds pir, which own files are of, nb of it, and far, which can't be reached."""
    bench.formats["pir"] = replace(PIR, importer=IMPORTER)
    bench.formats["far"] = replace(NB, sources=("other",), title="the far format")
    bench.formats["other"] = PIR
    bench.environments = Interpreters(importing="i1")
    return bench


@pytest.mark.parametrize("kind", ARTIFACT_FORMATS)
def test_a_factorys_net_leads_to_every_kind(kind: str) -> None:
    every = ways(ARTIFACT_FORMATS, kind, FACTORY)
    assert every[0][-1].kind == kind
    for steps in every:
        assert steps[0].batches_at_once
        assert [it.source for it in steps] == [None, *(it.kind for it in steps[:-1])]


@pytest.mark.parametrize("file", FILE_FORMATS.values(), ids=list(FILE_FORMATS))
def test_each_kind_of_file_has_an_importer_and_its_kind_no_other_way(file: Any) -> None:
    ((step,),) = ways(ARTIFACT_FORMATS, file.origin, file.origin)
    assert step.source is None
    assert not step.batches_at_once
    assert (step.engine is None) is file.origin.startswith("paddle")


OF_ONNX = {"onnx", "onnx-int8", "openvino-ir", "ncnn", "mnn", "torch-graph"}


@pytest.mark.parametrize(
    ("origin", "reached"),
    [
        ("onnx", OF_ONNX),
        ("paddle-pir", {"paddle-pir", *OF_ONNX}),
        ("paddle-program", {*ARTIFACT_FORMATS}),
        ("openvino-ir", {"openvino-ir"}),
        ("ncnn", {"ncnn"}),
        ("mnn", {"mnn"}),
    ],
)
def test_a_file_leads_where_converters_do(origin: str, reached: set[str]) -> None:
    assert {it for it in ARTIFACT_FORMATS if ways(ARTIFACT_FORMATS, it, origin)} == reached


def test_the_first_source_that_can_be_had_is_taken_and_no_circle_is_gone() -> None:
    formats = {
        "a": replace(PIR, sources=("b", "c")),
        "b": replace(PIR, sources=("a", FACTORY)),
        "c": replace(PIR, sources=(), importer=IMPORTER),
    }
    assert kinds(formats, "a", FACTORY) == [["b", "a"]]
    assert kinds(formats, "a", "c") == [["c", "a"]]
    assert kinds(formats, "b", "c") == [["c", "a", "b"]]
    assert kinds(formats, "a", "elsewhere") == []


def kinds(formats: Mapping[str, ArtifactFormat], kind: str, origin: str) -> list[list[str]]:
    return [[step.kind for step in steps] for steps in ways(formats, kind, origin)]


def test_an_own_file_is_imported_a_child_for_each_batch_and_told_of_its_inputs(own: Bench) -> None:
    made = own.make(OWN, formats="pir nb", batches=(1, 4))
    assert all(isinstance(it, Artifact) for it in made.values())
    assert own.children.batches == [[1], [4], [1], [4]]
    request, options = own.children.requests[0], own.children.options[0]
    assert options["python"] == Path("/importing/python")
    assert (request["engine"], request["main"]) == ("runners:Engine", "model.json")
    assert request["source"] == {
        **OWN.source, "input": [3, 8, 8], "inputs": {"x": "Nx3x8x8:float32"},
        "values": "/here/values.npz", "weights": {"kind": "seeded", "seed": 0},
    }  # fmt: skip
    assert "engine" not in own.children.requests[-1]


def test_whose_outputs_are_the_reference_is_told_of_all_that_is_made_of_the_file(
    own: Bench,
) -> None:
    assert own.artifact(OWN, "nb").session_facts["reference"] == "engine 1.0"


def test_a_batch_that_the_file_does_not_take_leaves_the_others(own: Bench) -> None:
    made = own.make(OWN, formats="nb", batches=(1, 8))
    assert isinstance(made[Key("own", "nb", 1)], Artifact)
    assert "fixed to batch 4" in str(made[Key("own", "nb", 8)])


def test_what_no_converter_makes_is_unavailable_and_its_environment_is_not_built(
    own: Bench,
) -> None:
    own.environments = Interpreters(importing="i1", exporting=None, converting=None)
    made = own.make(OWN, formats="pir far")
    far = made[Key("own", "far", 1)]
    assert isinstance(far, Unavailable)
    assert far.problem == "own.onnx is an ONNX file, and no converter makes the far format of it"
    assert isinstance(made[Key("own", "pir", 1)], Artifact)


@pytest.mark.parametrize(
    ("kind", "able"),
    [
        ("onnx", "a Paddle file (.json), a Paddle file (.pdmodel), an ONNX file or a factory"),
        ("paddle-lite-nb", "a Paddle file (.pdmodel) or a factory"),
    ],
)
def test_the_hint_names_what_a_kind_can_be_made_of(kind: str, able: str) -> None:
    error = no_way(replace(OWN, origin="mnn"), kind, ARTIFACT_FORMATS)
    assert error.hint == f"give the net as {able}, or leave out what needs that"


def test_a_converter_that_says_that_it_can_not_skips_what_needs_it(own: Bench) -> None:
    from bench.launcher.process import ChildFailed

    failed = ChildFailed(kind="unavailable", message="own.onnx is of batch 4", hint="ask for it")
    own.children.answer = failed
    (error,) = own.make(OWN).values()
    assert isinstance(error, Unavailable)
    assert str(error) == "own.onnx is of batch 4: ask for it"


@pytest.mark.parametrize("written", ["before", "meanwhile"])
def test_a_file_that_changes_while_it_is_read_leaves_nothing_under_its_old_hash(
    written: str, own: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"one")
    changing = replace(OWN, source={**OWN.source, "exported": str(path)}, digests=digests(path))
    if written == "meanwhile":
        path.write_bytes(b"two")
    made = own.make(changing)[Key("own", "pir", 1)]
    if written == "meanwhile":
        assert isinstance(made, ArtifactError)
        assert "own.onnx changed while it was read: run again" in str(made)
    else:
        assert isinstance(made, Artifact)
