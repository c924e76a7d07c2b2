"""Conversions of conversions: what is told, what the key is over, whom a failure takes along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.artifacts.formats import ARTIFACT_FORMATS, ArtifactFormat
from bench.config.net_files import FACTORY
from bench.core.errors import ArtifactError, Unavailable
from tests.fakes.workshop import NB, PIR, SMALL, Bench, Interpreters, export


def shorten(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Stand in for the last converter of a chain."""
    (out / "model.short").write_bytes(Path(source["model"]).read_bytes()[:4])
    return {"told": sorted(source)}


def refuse(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    raise ArtifactError("this can't be converted", hint="take another")


SHORT = ArtifactFormat(
    converter=f"{__name__}:shorten", env="shortening", main="model.short", code=(), sources=("nb",)
)
DIGESTS: dict[str, str | None] = {"shortening": "s1"}


@pytest.fixture
def chain(bench: Bench) -> Bench:
    """Pir, of which nb is made, of which short is made."""
    bench.formats["short"] = SHORT
    bench.environments = Interpreters(**DIGESTS)
    return bench


def test_a_conversion_is_made_of_a_conversion_with_the_first_ones_reference(chain: Bench) -> None:
    short, export = chain.artifact(kind="short"), chain.artifact(kind="pir")
    assert short.main.read_bytes() == b"fake"
    assert short.reference.read_bytes() == export.reference.read_bytes()
    assert [request["converter"].rpartition(":")[2] for request in chain.children.requests] == [
        "export", "concatenate", "shorten",
    ]  # fmt: skip


def test_a_converter_is_told_of_the_files_that_its_sources_kind_names_and_the_reference(
    chain: Bench,
) -> None:
    assert chain.artifact(kind="short").facts["told"] == ["model", "reference"]
    nb = next(it for it in chain.children.requests if it["converter"] == NB.converter)
    assert sorted(nb["source"]) == ["model", "params", "reference"]
    assert Path(nb["source"]["params"]).name == "model.pdiparams"


def test_a_chain_is_made_once_for_each_batch(chain: Bench) -> None:
    made = chain.make(SMALL, formats="short", batches=(1, 4))
    again = chain.make(SMALL, formats="short", batches=(1, 4))
    assert chain.children.batches == [[1, 4], [1], [4], [1], [4]]
    assert again[Key("small", "short", 4)] == made[Key("small", "short", 4)]


@pytest.mark.parametrize("environment", ["exporting", "converting", "shortening"])
def test_other_packages_anywhere_in_the_chain_make_another_artifact(
    environment: str, chain: Bench
) -> None:
    before = chain.artifact(kind="short").folder
    chain.environments = Interpreters(**{**DIGESTS, environment: "others"})
    assert chain.artifact(kind="short").folder != before


@pytest.mark.parametrize("kind", ["pir", "nb", "short"])
def test_a_changed_converter_anywhere_in_the_chain_makes_another_artifact(
    kind: str, chain: Bench, tmp_path: Path
) -> None:
    code = tmp_path / "converter.py"
    code.write_text("one = 1")
    chain.formats[kind] = replace(chain.formats[kind], code=(str(code),))
    before = chain.artifact(kind="short").folder
    code.write_text("one = 1.0")
    assert chain.artifact(kind="short").folder != before


def test_a_failure_takes_along_only_what_is_made_of_it(chain: Bench) -> None:
    chain.formats["nb"] = replace(NB, converter=f"{__name__}:refuse")
    chain.formats["other"] = replace(PIR, options={"format": "other"})
    made = chain.make(SMALL, formats="other short")
    failed = {kind: made[Key("small", kind, 1)] for kind in ("nb", "short")}
    [told] = {str(it) for it in failed.values()}
    assert told.startswith("nb: this can't be converted: take another")
    assert isinstance(made[Key("small", "other", 1)], Artifact)
    assert isinstance(made[Key("small", "pir", 1)], Artifact)


def test_an_environment_that_cannot_be_had_takes_along_only_what_needs_it(chain: Bench) -> None:
    chain.environments = Interpreters(**{**DIGESTS, "converting": None})
    made = chain.make(SMALL, formats="short")
    assert isinstance(made[Key("small", "short", 1)], Unavailable)
    assert isinstance(made[Key("small", "pir", 1)], Artifact)


def test_the_makers_of_a_kind_are_all_the_environments_of_its_chain(chain: Bench) -> None:
    workshop = Workshop(chain.cache, chain.environments, chain.formats, chain.children)
    assert workshop.makers(SMALL, "short") == ["shortening", "converting", "exporting"]
    assert workshop.makers(SMALL, "pir") == ["exporting"]


@pytest.mark.parametrize("name", ARTIFACT_FORMATS)
def test_what_lies_beside_a_kinds_model_is_named_by_file(name: str) -> None:
    kind = ARTIFACT_FORMATS[name]
    assert kind.main not in kind.beside.values()
    assert set(kind.sources) <= {FACTORY, *ARTIFACT_FORMATS}


def counting(source: Any, options: Any, out: Path) -> dict[str, Any]:
    return {**export(source, options, out), "subnormals": {"weights": 3, "activations": 0}}


def test_what_is_counted_of_a_net_is_told_of_all_that_is_made_of_it(chain: Bench) -> None:
    chain.formats["pir"] = replace(PIR, converter=f"{__name__}:counting")
    made = chain.artifact(kind="short")
    assert made.session_facts == {"subnormal_weights": "3", "subnormal_activations": "0"}
    assert "costs" not in made.facts
