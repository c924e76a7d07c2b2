"""A precision below FP32 in `bench ab`: its own artifact, its own tolerance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.experiments.context import Tables
from bench.storage.schema.ab import AbRecord
from tests.cli.turns import Ab
from tests.fakes.arm_tables import arm_tables, with_int8

TABLES = with_int8(arm_tables(paddle="Coarse"))


def only(ab: Ab) -> AbRecord:
    (record,) = ab.only.records()
    return record


def test_an_arm_may_be_another_precision_which_has_its_own_artifact_and_tolerance(ab: Ab) -> None:
    status, told = ab.json("--head", "precision:int8", tables=TABLES)
    assert (status, [it["verdict"] for it in told["cells"]]) == (0, ["SAME"]), told
    record = only(ab)
    assert [it.precision for it in record.cells.values()] == ["fp32", "int8"]
    facts = {name: arm.facts for name, arm in record.sessions[0].arms.items()}
    assert {name: it["artifact"] for name, it in facts.items()} == {
        "base": "model.json", "head": "model.nb",
    }  # fmt: skip
    files = {name: list(arm.artifacts.values()) for name, arm in ab.only.manifest().arms.items()}
    assert ["model.nb" in it for (it,) in files.values()] == [False, True]


@pytest.mark.slow
def test_a_comparison_of_precisions_goes_on(ab: Ab) -> None:
    ab.cut_off("--base", "precision:int8", "--head", "precision:int8", tables=TABLES)
    assert ab("--resume", "latest", tables=TABLES) == 0
    assert (only(ab).cells["head"].precision, len(only(ab).sessions)) == ("int8", 3)


@pytest.mark.parametrize("tables", [arm_tables(paddle="Coarse"), TABLES])
def test_a_precision_that_the_runner_has_not_is_refused(tables: Tables, ab: Ab) -> None:
    said = ab.refused("--head", "precision:bf16", tables=tables)
    assert "runner paddle has no precision 'bf16'" in said


def test_without_a_tolerance_of_its_own_the_output_would_be_wrong(ab: Ab) -> None:
    entry = replace(TABLES.runners["paddle"], tolerances={"int8": 1e-4})
    tables = replace(TABLES, runners={"paddle": entry})
    assert ab("--head", "precision:int8", tables=tables) == 3
    assert "wrong-output" in ab.capsys.readouterr().out
