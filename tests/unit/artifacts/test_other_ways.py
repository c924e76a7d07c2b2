"""An artifact that can't be made one way is made another, and engines load what is as good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.artifacts.formats import Importer
from bench.core.errors import ArtifactError, Unavailable
from tests.fakes.converter import export as made_of
from tests.fakes.values import model
from tests.fakes.workshop import NB, PIR, SMALL, Bench, Interpreters


def refuse(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    raise ArtifactError("the old format has no such operator", hint="take another")


def refuse_too(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    raise ArtifactError(f"can't convert {Path(source['model']).name}", hint="take another")


def of_batch_2(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    raise Unavailable("it is of batch 2", hint="ask for that")


def import_old(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    facts = made_of({**source, "input": [3, 8, 8]}, options, out)
    for path in out.rglob("model.json"):
        path.rename(path.with_suffix(".old"))
    return facts


def converter(name: str) -> str:
    return f"{__name__}:{name}"


@pytest.fixture
def two(tmp_path: Path) -> Bench:
    """A kind `nb` of an old and a new format, of which the old one can't be made."""
    importer = Importer(converter=converter("import_old"), env="exporting", code=())
    formats = {
        "old": replace(PIR, main="model.old", converter=converter("refuse"), importer=importer),
        "new": replace(PIR, or_else=("old",)),
        "nb": replace(NB, sources=("old", "new")),
    }
    return Bench(tmp_path / "cache", formats=formats)


def test_where_one_source_cannot_be_made_the_next_one_is_taken(two: Bench) -> None:
    made = two.make(SMALL, formats="nb", batches=(1, 4))
    for batch in (1, 4):
        artifact = made[Key("small", "nb", batch)]
        assert isinstance(artifact, Artifact)
        assert artifact.main.read_text().startswith(f"fake net, batch {batch}")
    assert "no such operator" in str(made[Key("small", "old", 1)])


def test_what_was_made_the_other_way_is_found_again(two: Bench) -> None:
    first = two.artifact(kind="nb")
    workshop = Workshop(two.cache, two.environments, two.formats, two.children)
    assert workshop.folder(SMALL, "nb", 1) == first.folder
    asked = len(two.children.requests)
    assert not two.artifact(kind="nb").is_new
    assert len(two.children.requests) == asked + 1, "the old format was tried again, and no more"


def test_the_error_of_the_way_that_came_furthest_stands(two: Bench) -> None:
    two.formats["nb"] = replace(two.formats["nb"], converter=converter("refuse_too"))
    made = two.make(SMALL, formats="nb new")
    assert "can't convert model.json" in str(made[Key("small", "nb", 1)])
    assert isinstance(made[Key("small", "new", 1)], Artifact)


def test_a_converter_that_fails_does_so_once(two: Bench) -> None:
    two.formats["old"] = PIR
    two.formats["nb"] = replace(NB, sources=("old",), converter=converter("refuse_too"))
    two.make(SMALL, formats="nb")
    assert len(two.children.requests) == 2


@pytest.mark.parametrize("cause", ["batch", "environment"])
def test_what_another_way_cannot_help_ends_there(cause: str, two: Bench) -> None:
    if cause == "batch":
        two.formats["old"] = replace(two.formats["old"], converter=converter("of_batch_2"))
    else:
        two.formats["old"] = replace(two.formats["old"], env="missing")
        two.environments = Interpreters(missing=None)
    made = two.make(SMALL, formats="nb")
    assert isinstance(made[Key("small", "nb", 1)], Unavailable)
    assert Key("small", "new", 1) not in made


def test_an_engine_loads_a_file_of_its_other_format(two: Bench) -> None:
    net = model("net", source={"exported": "net.old"}, origin="old")
    made = two.make(net, formats="new")
    artifact = made[Key("net", "new", 1)]
    assert isinstance(artifact, Artifact)
    assert artifact.main.name == "model.old"
