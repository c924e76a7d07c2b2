"""What a run has to do: from the command line, or from a run that was cut off."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bench.config.axes import Axes
from bench.config.suite import load_suite
from bench.config.sustained import sustained
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.experiments.context import Options, Tables
from bench.experiments.latency.job import LAPS, Job, SuiteOptions, new_job, resumed_job
from bench.experiments.nets import OwnOptions
from bench.storage.schema.common import CellFields, SamplingFields
from bench.storage.schema.latency import RunManifest
from tests.conftest import FAKE_SUITE
from tests.fakes import tables as fakes
from tests.fakes.values import manifest

OPTIONS = Options(own={"suite": str(FAKE_SUITE)}, models=fakes.MODELS, seed=5)
TABLES = fakes.tables()
OWN_FLAGS = {it.name for kind in (SuiteOptions, OwnOptions) for it in fields(kind)}


def ask(*, cores: Any = 4, **changes: Any) -> Job:
    own = {name: changes.pop(name) for name in OWN_FLAGS & changes.keys()}
    options: Options = replace(OPTIONS, own={**OPTIONS.own, **own}, **changes)
    return new_job(options, TABLES, load_suite(options.own["suite"]), cores=cores)


def begun(one: Job) -> RunManifest:
    """Return the manifest that a run of `one` begins with."""
    return manifest(
        suite=one.suite,
        suite_title=one.suite_title,
        target=one.target,
        beside=list(one.beside),
        seed=one.seed,
        sampling=SamplingFields(**one.sampling.to_json()),
        cells={cell.id: CellFields(**cell.to_json()) for cell in one.cells},
        left_out=list(one.left_out),
    )


def test_a_job_is_the_suite_over_the_models() -> None:
    one = ask()
    assert [(cell.variant, cell.batch) for cell in one.cells] == [
        ("x0_25", 1), ("x0_25", 4), ("x0_5", 1), ("x0_5", 4)
    ]  # fmt: skip
    assert [cell.model_hash for cell in one.cells[::2]] == [model.hash for model in one.models]
    assert (one.suite, one.suite_title, one.target) == ("suite", "Fakes", "cpu")
    assert (one.beside, one.seed, one.left_out) == (("sd855_ms_threads1",), 5, ())
    assert one.sampling == load_suite(str(FAKE_SUITE)).sampling("standard")


def test_a_job_is_planned_with_its_own_seed_and_sampling() -> None:
    one = ask(preset="quick")
    plan = one.plan()
    assert (plan.seed, plan.sampling.preset) == (5, "quick")
    assert set(plan.cells) == set(one.cells)
    assert len(plan.steps) == len(one.cells) * one.sampling.sessions


def test_a_sustained_job_has_one_long_session_for_each_cell() -> None:
    one, plain = ask(sustained_s=60.0), ask()
    assert one.cells == plain.cells
    assert one.sampling == sustained(plain.sampling, 60.0)
    assert len(one.plan().steps) == len(one.cells)


def test_turns_are_the_presets_unless_the_command_line_says_otherwise() -> None:
    assert ask().sampling.laps is None
    assert ask(turns=True).sampling.laps == LAPS
    by_turns = {"suite": "cpu", "models": fakes.MODELS}
    preset = load_suite("cpu").sampling("standard").laps
    assert preset is not None
    assert ask(**by_turns).sampling.laps == preset
    assert ask(**by_turns, turns=True).sampling.laps == preset
    assert ask(**by_turns, no_turns=True).sampling.laps is None
    assert ask(**by_turns, sustained_s=60.0).sampling.laps is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"turns": True, "no_turns": True}, "--turns and --no-turns exclude each other"),
        ({"turns": True, "sustained_s": 60.0}, "--sustained is of one cell at a time"),
    ],
)
def test_turns_that_cannot_be_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ask(**changes)


@pytest.mark.parametrize("suite", ["gpu", "arm"])
def test_cells_take_turns_on_this_machines_cpu_alone(suite: str) -> None:
    tables = Tables()
    options = replace(OPTIONS, own={"suite": suite, "turns": True})
    with pytest.raises(InputError, match="cells take turns on this machine's CPU") as refused:
        new_job(options, tables, load_suite(suite), cores=None)
    assert "ab" in refused.value.hint


def test_a_resumed_job_takes_turns_as_the_run_began() -> None:
    one = ask(turns=True)
    assert resumed_job(begun(one), OPTIONS, TABLES).sampling.laps == LAPS


def test_a_job_may_be_of_some_variants_and_axes() -> None:
    one = ask(variants=["x0_5"], axes=Axes(batches=[4], threads=[2]))
    assert [(cell.variant, cell.batch, cell.threads) for cell in one.cells] == [("x0_5", 4, 2)]
    assert [model.variant for model in one.models] == ["x0_5"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"variants": ["x0_2"]}, "no variant 'x0_2'"), ({"preset": "slow"}, "'slow'"),
        ({"suite": "cpo"}, "no suite 'cpo'"), ({"axes": Axes(runners=["lite"])}, "no runner"),
    ],
)  # fmt: skip
def test_a_name_that_no_table_has_is_refused(changes: dict[str, object], name: str) -> None:
    with pytest.raises(UnknownName, match=name):
        ask(**changes)


def test_more_threads_than_this_machine_has_are_refused() -> None:
    with pytest.raises(InputError, match="--threads 8: there are 4 usable cores"):
        ask(axes=Axes(threads=[8]))


def test_thread_counts_that_are_left_out_stand_in_the_job() -> None:
    one = ask(cores=2, suite="cpu")
    assert one.left_out == ("threads=4: there are 2 usable cores",)
    assert {cell.threads for cell in one.cells} == {1, 2}


def test_a_suite_of_which_no_cell_is_left_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "wide.toml"
    path.write_text(FAKE_SUITE.read_text().replace("threads = [1]", "threads = [8]"))
    with pytest.raises(InputError, match="no cell of suite wide is left: threads=8: there are"):
        ask(suite=str(path))


def test_one_weights_file_goes_with_one_variant(tmp_path: Path) -> None:
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"1")
    with pytest.raises(InputError, match="is one file and 2 variants are asked for"):
        ask(weights=str(path))
    [model] = ask(weights=str(path), variants=["x0_5"]).models
    assert model.weights.path == path


@pytest.mark.parametrize("weights", ["pretrained", "w.pdparams"])
def test_weights_beside_a_net_that_has_its_own_are_refused(weights: str, tmp_path: Path) -> None:
    (tmp_path / "w.pdparams").write_bytes(b"1")
    net = tmp_path / "net.onnx"
    net.write_bytes(b"1")
    given = weights if weights == "pretrained" else str(tmp_path / weights)
    with pytest.raises(InputError, match="and net has its weights in its own file: leave out"):
        ask(model_files=[str(net)], weights=given)
    assert ask(model_files=[str(net)], axes=Axes(runners=["paddle"])).cells


def on_a_card_without_paddle(**axes: Any) -> Job:
    options = replace(OPTIONS, own={"suite": "gpu"}, axes=Axes(**axes))
    refused = {"paddle-tensorrt": Unavailable("it has no kernels", hint="look")}
    return new_job(options, Tables(), load_suite("gpu"), cores=4, refused=refused)


@pytest.mark.parametrize("axes", [{}, {"runners": ["all"]}])
def test_a_runner_that_the_target_refuses_and_nobody_named_is_left_out_with_the_reason(
    axes: dict[str, Any],
) -> None:
    one = on_a_card_without_paddle(**axes)
    assert "paddle-tensorrt: it has no kernels" in one.left_out
    runners = {cell.runner for cell in one.cells}
    assert "tensorrt" in runners
    assert "paddle-tensorrt" not in runners


def test_one_that_was_named_keeps_its_cells_to_be_skipped() -> None:
    one = on_a_card_without_paddle(runners=["paddle-tensorrt"])
    assert {cell.runner for cell in one.cells} == {"paddle-tensorrt"}
    assert one.left_out == ()


def test_other_weights_are_other_cells() -> None:
    seeded, pretrained = ask(), ask(weights="pretrained")
    assert not {cell.id for cell in seeded.cells} & {cell.id for cell in pretrained.cells}


def test_where_the_cores_are_not_known_no_thread_count_is_left_out() -> None:
    one = ask(cores=None, suite="cpu")
    assert one.left_out == ()
    assert {cell.threads for cell in one.cells} == {1, 2, 4}


def test_a_resumed_job_is_the_one_that_began() -> None:
    one = ask(variants=["x0_5"], axes=Axes(batches=[4]), preset="quick")
    assert resumed_job(begun(one), OPTIONS, TABLES) == one


def test_a_resumed_job_keeps_to_its_run_and_not_to_the_command_line() -> None:
    one = ask()
    options = replace(
        OPTIONS,
        own={"suite": "nowhere", "preset": "quick"},
        seed=9,
        variants=["x1"],
        axes=Axes(batches=[8]),
    )  # fmt: skip
    back = resumed_job(begun(one), options, TABLES)
    assert back == one
    assert back.plan() == one.plan()
