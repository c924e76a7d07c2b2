from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import Artifact, ArtifactFormat, Key, Made, Workshop
from bench.config.catalog import Model
from bench.core.cell import Cell
from bench.core.errors import ArtifactError, BenchError, Unavailable
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import Environments
from bench.experiments.preparation import (
    COSTS_FORMAT,
    STORAGE_FORMAT,
    Prepared,
    model_facts,
    prepare,
    settle,
    wanted_keys,
)
from bench.launcher.process import ChildFailed, ChildResult, Replied
from bench.runners import RunnerEntry
from bench.storage.schema.common import Failed, Skipped
from tests.fakes import converter
from tests.fakes.tables import FAKE_FORMATS
from tests.fakes.values import cell, model

ENTRY = RunnerEntry(path="m:C", title="A", env="first", artifact=COSTS_FORMAT, settings={})
RUNNERS = {
    "fake": ENTRY,
    "other": replace(ENTRY, env="second", artifact="other-kind"),
    "lone": replace(ENTRY, env="second"),
}
SMALL = model("small")
CELLS = [cell(variant="small"), cell(variant="small", batch=4)]
COSTS = {
    "params": 3, "params_trainable": 2, "macs": 5, "flops_paddle": 10, "uncounted": ["swish"],
}  # fmt: skip
STORED = {"target": "arm", "bytes": 1000, "sha256_body": "e" * 64, "paddlelite": "2.13"}


class Interpreters(Environments):
    """Environments that are all there but `missing`."""

    def __init__(self, *missing: str) -> None:
        super().__init__(Path("/nowhere"))
        self.missing = missing
        self.asked: list[str] = []

    def get(self, name: str) -> Interpreter:
        self.asked.append(name)
        if name in self.missing:
            raise Unavailable(f"there is no {name}", hint=f"install {name}")
        return Interpreter(name=name, python=Path("/python"), packages={}, digest=name)


def convert(request: dict[str, Any], **_: Any) -> ChildResult:
    """Make fakes in this process."""
    if request["converter"].endswith(":refuse"):
        return ChildFailed(kind="abort", message="opt died", hint="look", log_tail="its log")
    name = request["converter"].partition(":")[2]
    value = {"export": converter.export, "convert": converter.convert}[name](
        request["source"], request["options"], Path(request["out"])
    )
    return Replied(value=value, pid=1, wall_ns=1)


def prepared(
    cache: Path,
    cells: list[Cell],
    *missing: str,
    more_formats: Mapping[str, ArtifactFormat] | None = None,
    net: Model = SMALL,
    environments: Interpreters | None = None,
    refused: Mapping[str, Unavailable] | None = None,
) -> Prepared:
    formats = {name: replace(kind, env="first") for name, kind in FAKE_FORMATS.items()}
    formats["other-kind"] = replace(formats[COSTS_FORMAT], env="second")
    formats |= more_formats or {}
    workshop = Workshop(cache, environments or Interpreters(*missing), formats, convert)
    return prepare(
        cells, [net], runners=RUNNERS, workshop=workshop, workers=1, on_done=lambda _: None,
        refused=refused or {},
    )  # fmt: skip


def artifact(**facts: Any) -> Artifact:
    folder = Path("/cache")
    return Artifact(
        folder=folder, main=folder / "m", reference=folder / "r", files={"m": "0" * 64}, facts=facts
    )


def facts_of(costs: Artifact | BenchError, storage: Artifact | BenchError) -> Any:
    keys = (Key("small", COSTS_FORMAT, 1), Key("small", STORAGE_FORMAT, 1))
    elsewhere = {Key("another", COSTS_FORMAT, 1): artifact(weights_sha256="of another")}
    return model_facts(SMALL, {keys[0]: costs, keys[1]: storage, **elsewhere})


def test_wanted_are_the_cells_artifacts_and_those_that_tell_costs_and_storage() -> None:
    cells = [*CELLS, cell(variant="big", runner="other", batch=16)]
    assert wanted_keys(cells, RUNNERS) == {
        Key("small", COSTS_FORMAT, 1), Key("small", COSTS_FORMAT, 4),
        Key("small", STORAGE_FORMAT, 1),
        Key("big", "other-kind", 16), Key("big", COSTS_FORMAT, 1), Key("big", STORAGE_FORMAT, 1),
    }  # fmt: skip


def test_a_precision_may_load_an_artifact_of_its_own() -> None:
    entry = replace(ENTRY, artifact="plain", artifacts={"int8": "quantised"})
    cells = [cell(variant="small", precision=name) for name in ("fp32", "bf16", "int8")]
    formats = {key.kind for key in wanted_keys(cells, {"fake": entry})}
    assert formats - {COSTS_FORMAT, STORAGE_FORMAT} == {"plain", "quantised"}


def test_every_cell_gets_the_artifact_of_its_runner_and_batch(tmp_path: Path) -> None:
    result = prepared(tmp_path, CELLS)
    assert result.settled == {}
    assert {c.batch: it.main.read_text() for c, it in result.artifacts.items()} == {
        1: "fake net, batch 1", 4: "fake net, batch 4",
    }  # fmt: skip


def test_a_cell_whose_artifact_failed_is_settled_and_the_others_are_not(tmp_path: Path) -> None:
    refused = replace(FAKE_FORMATS[COSTS_FORMAT], converter="m:refuse", env="second")
    other = cell(variant="small", runner="other")
    result = prepared(tmp_path, [*CELLS, other], more_formats={"other-kind": refused})
    assert set(result.artifacts) == set(CELLS)
    told = result.settled[other]
    assert isinstance(told, Failed)
    assert (told.failure, told.message) == ("conversion", "other-kind: opt died")
    assert told.hint.startswith("mend the net")
    assert told.hint.endswith("its log is logs/small-other-kind.log in the cache")
    assert told.log_tail == "its log"


def test_a_cell_whose_interpreter_cannot_be_had_is_skipped_with_the_remedy(tmp_path: Path) -> None:
    other = cell(variant="small", runner="other")
    result = prepared(tmp_path, [*CELLS, other], "second")
    assert set(result.artifacts) == set(CELLS)
    assert result.settled == {other: Skipped(reason="there is no second", hint="install second")}


def test_a_runner_without_its_interpreter_is_settled_where_its_artifact_can_be_made(
    tmp_path: Path,
) -> None:
    lone = cell(variant="small", runner="lone")
    result = prepared(tmp_path, [*CELLS, lone], "second")
    assert set(result.artifacts) == set(CELLS)
    assert result.settled == {lone: Skipped(reason="there is no second", hint="install second")}


def test_a_cell_whose_runner_the_target_refuses_is_skipped_and_nothing_is_made_for_it(
    tmp_path: Path,
) -> None:
    other = cell(variant="small", runner="other")
    environments = Interpreters()
    refused = {"other": Unavailable("it has no kernels", hint="look")}
    result = prepared(tmp_path, [*CELLS, other], environments=environments, refused=refused)
    assert result.settled == {other: Skipped(reason="it has no kernels", hint="look")}
    assert set(result.artifacts) == set(CELLS)
    assert "second" not in environments.asked


def test_where_the_target_refuses_all_that_was_named_the_nets_facts_are_still_there(
    tmp_path: Path,
) -> None:
    other = cell(variant="small", runner="other")
    refused = {"other": Unavailable("it has no kernels", hint="look")}
    result = prepared(tmp_path, [other], refused=refused)
    assert set(result.settled) == {other}
    assert result.models["small"].costs is not None


def test_where_no_runner_has_an_interpreter_the_run_does_not_begin(tmp_path: Path) -> None:
    cells = [*CELLS, cell(variant="small", runner="other")]
    with pytest.raises(Unavailable, match="there is no first"):
        prepared(tmp_path, cells, "first", "second")
    assert list(tmp_path.iterdir()) == []


def test_what_can_not_take_a_nets_file_is_skipped_and_its_interpreter_is_not_built(
    tmp_path: Path,
) -> None:
    own = replace(SMALL, origin="onnx", source={"exported": "/here/net.onnx"})
    cells = [*CELLS, cell(variant="small", runner="other")]
    environments = Interpreters("first", "second")
    result = prepared(tmp_path, cells, net=own, environments=environments)
    assert set(result.settled) == set(cells)
    assert {"no converter makes" in str(it) for it in result.settled.values()} == {True}
    assert environments.asked == []


def test_an_artifact_that_was_in_the_cache_is_made_anew_once_and_a_new_one_is_not(
    tmp_path: Path,
) -> None:
    assert not prepared(tmp_path, CELLS).artifacts[CELLS[0]].remake()
    found = prepared(tmp_path, CELLS).artifacts
    one = found[CELLS[0]].main
    one.write_text("what no engine loads")
    assert [found[cell].remake() for cell in (*CELLS, *CELLS)] == [True, True, False, False]
    assert one.read_text() == "fake net, batch 1"


def test_each_model_is_told_with_its_costs_its_storage_and_its_files(tmp_path: Path) -> None:
    told = prepared(tmp_path, CELLS).models["small"]
    assert (told.title, told.model_hash, told.weights) == ("small", SMALL.hash, "seeded")
    assert told.weights_sha256 == "f" * 64
    assert told.costs is not None
    assert told.costs.macs == 10
    assert told.storage is not None
    assert (told.storage.bytes, told.storage.format) == (1000, "Paddle Lite .nb, arm")
    assert told.storage.converter == "paddlelite fake"
    assert told.missing == {}
    assert list(told.artifacts) == ["paddle-lite-nb b1", "paddle-pir b1", "paddle-pir b4"]
    assert set(told.artifacts["paddle-pir b4"]) == {
        "model.json", "model.pdiparams", "reference.npz",
    }  # fmt: skip


def test_what_is_not_known_of_a_model_is_told_with_the_reason() -> None:
    told = facts_of(ArtifactError("no export", hint="mend"), Unavailable("no lite", hint="get it"))
    assert (told.costs, told.storage, told.weights_sha256) == (None, None, None)
    assert told.missing == {"costs": "no export: mend", "storage": "no lite: get it"}
    assert told.artifacts == {}


def test_a_model_without_storage_keeps_its_costs() -> None:
    told = facts_of(artifact(costs=COSTS, weights_sha256="w"), Unavailable("no lite", hint="get"))
    assert told.costs.model_dump() == COSTS
    assert told.weights_sha256 == "w"
    assert list(told.missing) == ["storage"]


def test_an_export_that_counted_nothing_is_told_as_such() -> None:
    told = facts_of(artifact(), artifact(**STORED))
    assert told.missing == {"costs": "the export counted none"}
    assert told.storage.sha256_body == "e" * 64


ODD: tuple[Any, ...] = (None, "", -1, 1e999, [], [None], {}, {"a": "b"}, "1" * 30, True)


@pytest.mark.parametrize("name", sorted(STORED))
def test_storage_that_a_converter_tells_in_part_is_missing_with_the_reason(name: str) -> None:
    rest = {key: it for key, it in STORED.items() if key != name}
    told = facts_of(artifact(costs=COSTS), artifact(**rest))
    reason = f"the converter's reply tells no storage: no '{name}'"
    assert (told.storage, told.missing) == (None, {"storage": reason})


@pytest.mark.parametrize("value", ODD)
def test_no_fact_of_a_converter_is_an_error_however_wrong_it_is(value: Any) -> None:
    for name in STORED:
        told = facts_of(artifact(costs=COSTS), artifact(**{**STORED, name: value}))
        assert (told.storage is None) == ("storage" in told.missing)
    for costs in (value, *({**COSTS, name: value} for name in COSTS)):
        told = facts_of(artifact(costs=costs, weights_sha256=value), artifact(**STORED))
        assert (told.costs is None) == ("costs" in told.missing)
    assert isinstance(artifact(subnormals=value).session_facts, dict)


def test_costs_come_from_another_batch_where_the_first_is_not_there() -> None:
    made: Made = {
        Key("small", COSTS_FORMAT, 1): ArtifactError("no export", hint="mend"),
        Key("small", COSTS_FORMAT, 4): artifact(costs=COSTS),
        Key("small", STORAGE_FORMAT, 1): artifact(**STORED),
    }
    told = model_facts(SMALL, made)
    assert told.costs is not None
    assert told.costs.params == 3
    assert told.missing == {}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unavailable("no lite", hint="get it"), Skipped(reason="no lite", hint="get it")),
        (
            ArtifactError("no", hint="mend", log_tail="log"),
            Failed(failure="conversion", message="no", hint="mend", log_tail="log"),
        ),
        (
            BenchError("no room", hint="tidy up"),
            Failed(failure="conversion", message="no room", hint="tidy up", log_tail=""),
        ),
    ],
)
def test_an_error_settles_a_cell_as_what_it_is(
    error: BenchError, outcome: Failed | Skipped
) -> None:
    assert settle(error) == outcome
