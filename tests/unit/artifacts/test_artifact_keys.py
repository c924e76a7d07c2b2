from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from bench.artifacts.builder import ARTIFACT_FORMATS, CONVERTERS
from bench.config.catalog import Model
from bench.core.tensors import parse
from tests.fakes.workshop import PIR, SMALL, Bench, Interpreters


@pytest.mark.parametrize("kind", ["pir", "nb"])
@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, hash="another hash"),
        replace(SMALL, inputs={"x": parse("Nx3x16x16")}),
    ],
    ids=["model", "input"],
)
def test_another_model_or_input_is_another_artifact(
    changed: Model, kind: str, bench: Bench
) -> None:
    assert bench.artifact(changed, kind).folder != bench.artifact(SMALL, kind).folder


def test_another_batch_is_another_artifact(bench: Bench) -> None:
    assert bench.artifact(batch=1).folder != bench.artifact(batch=4).folder


@pytest.mark.parametrize(
    ("kind", "environment", "changes"),
    [
        ("pir", "exporting", True),
        ("nb", "converting", True),
        ("nb", "exporting", True),
        ("pir", "converting", False),
    ],
)
def test_other_packages_make_another_artifact_of_what_they_shape_only(
    kind: str, environment: str, changes: bool, bench: Bench
) -> None:
    before = bench.artifact(kind=kind).folder
    bench.environments = Interpreters(**{environment: "others"})
    assert (bench.artifact(kind=kind).folder != before) is changes


def test_a_changed_converter_makes_another_artifact(bench: Bench, tmp_path: Path) -> None:
    code = tmp_path / "converter.py"
    code.write_text("one = 1")
    bench.formats["pir"] = replace(PIR, code=(str(code),))
    before = bench.artifact().folder
    code.write_text("one = 1.0")
    assert bench.artifact().folder != before


def test_another_name_for_the_same_net_is_no_other_net_but_another_folder(bench: Bench) -> None:
    twin = replace(SMALL, variant="twin")
    first, second = bench.artifact(SMALL).folder.name, bench.artifact(twin).folder.name
    assert first.rpartition("-")[2] == second.rpartition("-")[2]
    assert first != second


@pytest.mark.parametrize("name", ARTIFACT_FORMATS)
def test_the_code_of_a_kind_is_every_module_that_its_converter_takes_in(name: str) -> None:
    kind = ARTIFACT_FORMATS[name]
    for made in (kind, kind.importer):
        if made is not None:
            first = made.converter.partition(":")[0].rpartition(".")[2]
            assert set(made.code) == modules_below(first, set())


def modules_below(module: str, seen: set[str]) -> set[str]:
    """Return the files of bench/converters that `module` imports, itself among them."""
    name = f"{module}.py"
    if name in seen or not (CONVERTERS / name).is_file():
        return seen
    seen.add(name)
    for node in ast.walk(ast.parse((CONVERTERS / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("bench.converters"):
            tail = str(node.module).removeprefix("bench.converters").lstrip(".")
            for it in [tail] if tail else [alias.name for alias in node.names]:
                modules_below(it, seen)
    return seen
