"""A step of the plan -> what the worker is asked, and what becomes of its answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.contention import counted_ns
from bench.core.cell import TargetSpec
from bench.core.protocol import SessionRequest
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed, Replied
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Scalar
from bench.storage.schema.latency import Costs
from bench.storage.schema.layers import Layer
from tests.fakes.records import of_sessions
from tests.fakes.sessions import (
    ARTIFACT,
    ASKED,
    ENTRY,
    FIGURES,
    STEP,
    Launch,
    answered,
    launcher,
    replied,
)
from tests.fakes.targets import FakeTarget
from tests.fakes.values import SAMPLING, SYSTEM

HOME_HIDDEN: dict[str, Any] = {"scrub": lambda text: text.replace("/home/me", "~")}


def test_the_worker_is_asked_for_this_cell_this_artifact_and_this_sampling(
    environments: Environments,
) -> None:
    launch = Launch(replied())

    launcher(launch, environments)(STEP)

    assert launch.request["operation"] == "measure"
    assert SessionRequest.from_json(launch.request) == SessionRequest(
        runner="some.module:Runner",
        target=TargetSpec(kind="cpu"),
        cell=ASKED,
        sampling=SAMPLING,
        artifact=ARTIFACT.main,
        reference=ARTIFACT.reference,
        tolerance=0.25,
    )
    assert launch.options == {
        "python": environments.get("harness").python,
        "env": {"OMP_NUM_THREADS": "3", "ENGINE_FLAG": "1"},
        "timeout_s": SAMPLING.timeout_s,
    }


def test_output_below_fp32_is_held_to_the_tolerance_of_its_precision(
    environments: Environments,
) -> None:
    launch, low = Launch(replied()), dataclasses.replace(ASKED, precision="bf16")
    runner = dataclasses.replace(ENTRY, tolerances={"bf16": 0.5, "fp16": 0.3})

    launching = launcher(launch, environments, runners={"fake": runner}, artifacts={low: ARTIFACT})
    launching(dataclasses.replace(STEP, cell=low))

    assert SessionRequest.from_json(launch.request).tolerance == 0.5


def test_a_reply_becomes_a_session_with_its_place_in_the_plan(environments: Environments) -> None:
    entry = answered(dataclasses.replace(replied(), teardown="fell"), environments)
    assert entry.cell_id == ASKED.id
    assert entry.session is not None
    told = entry.session.model_dump()
    assert {name: told[name] for name in FIGURES} == FIGURES
    assert (told["order"], told["round"], told["pid"], told["wall_ns"]) == (5, 2, 42, 1234)
    assert told["teardown"] == "fell"
    assert told["started"].endswith("+00:00")


def test_the_machine_is_read_before_and_after_the_child_and_never_during(
    environments: Environments,
) -> None:
    log: list[str] = []

    def conditions() -> Iterator[Mapping[str, Scalar]]:
        for number in count(1):
            log.append("read")
            yield {"load": number}

    states = conditions()
    target = FakeTarget(lambda: next(states))
    entry = launcher(Launch(replied(), log), environments, target=target)(STEP)

    assert log == ["read", "launch", "read"]
    assert entry.session is not None
    assert (entry.session.before, entry.session.after) == ({"load": 1}, {"load": 2})


@pytest.mark.parametrize("kind", ["crash", "timeout", "no-reply", "wrong-output", "error"])
def test_a_failed_child_becomes_a_failed_entry_of_its_kind(
    kind: str, environments: Environments
) -> None:
    result = ChildFailed(kind=kind, message="it fell", hint="look up", log_tail="last words")
    entry = answered(result, environments)
    assert entry.failed is not None
    assert (entry.session, entry.skipped) == (None, None)
    told = entry.failed.model_dump(exclude={"kind"})
    assert told == {
        "failure": kind, "message": "it fell", "hint": "look up", "log_tail": "last words",
    }  # fmt: skip


def test_what_a_machine_has_not_got_is_skipped_and_no_failure(environments: Environments) -> None:
    result = ChildFailed(kind="unavailable", message="no AVX in /home/me", hint="take another")
    entry = answered(result, environments, **HOME_HIDDEN)
    assert entry.skipped is not None
    assert (entry.session, entry.failed) == (None, None)
    assert entry.skipped.reason == "no AVX in ~"
    assert entry.skipped.hint == "take another"


def test_the_log_and_the_message_are_stored_without_this_machines_paths(
    environments: Environments,
) -> None:
    result = ChildFailed(
        kind="error", message="no /home/me/x", hint="h", log_tail="File /home/me/y.py"
    )
    entry = answered(result, environments, **HOME_HIDDEN)
    assert entry.failed is not None
    assert entry.failed.message == "no ~/x"
    assert entry.failed.log_tail == "File ~/y.py"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"samples_ns": []}, "no sample"),
        ({"samples_ns": [-1]}, "samples_ns.0"),
        ({"samples_ns": "fast"}, "samples_ns"),
        ({"relative_l2": None}, "its output wasn't checked"),
        ({"relative_l2": -1}, "relative_l2"),
        ({"reported_ns": {"avg": 3}}, "figures and samples"),
        ({"reported_ns": {"min": 3}, "samples_ns": []}, "no average"),
        ({"facts": {"threads": 4}}, "facts.threads"),
        ({"mean_ns": 3}, "unknown field 'mean_ns'"),
        ({"pid": 3}, "pid"),
    ],
)
def test_a_reply_of_another_form_is_a_garbage_reply_that_names_the_field(
    changes: dict[str, Any], field: str, environments: Environments
) -> None:
    entry = answered(replied(**changes), environments)
    assert entry.session is None
    assert entry.failed is not None
    assert entry.failed.failure == "garbage-reply"
    assert field in entry.failed.message


def test_a_reply_that_lacks_a_figure_is_a_garbage_reply_that_names_it(
    environments: Environments,
) -> None:
    value = {name: it for name, it in FIGURES.items() if name != "steady"}
    entry = answered(Replied(value=value, pid=1, wall_ns=1), environments)
    assert entry.failed is not None
    assert "'steady' is missing" in entry.failed.message


def test_a_tools_own_figures_stand_for_samples_that_it_does_not_print(
    environments: Environments,
) -> None:
    reported = {"min": 3, "max": 9, "avg": 5}
    result = replied(samples_ns=[], relative_l2=None, reported_ns=reported)
    entry = answered(result, environments)
    assert entry.session is not None
    assert counted_ns(entry.session) == [5]


def test_what_a_gpus_session_tells_beside_its_samples_is_kept(environments: Environments) -> None:
    figures = {"on_device": [3, 4], "enqueue": [1, 2]}
    entry = answered(replied(figures_ns=figures, build_ns=70), environments)
    assert entry.session is not None
    assert (entry.session.figures_ns, entry.session.build_ns) == (figures, 70)
    plain = answered(replied(), environments).session
    assert plain is not None
    assert (plain.figures_ns, plain.build_ns) == ({}, None)


@pytest.mark.parametrize(
    "claims",
    [
        {"samples_ns": [1 << 50]}, {"samples_ns": [320] * 4}, {"load_ns": 2000},
        {"warmup_ns": [1200, 100]}, {"first_inference_ns": 1300}, {"build_ns": 1400},
        {"figures_ns": {"run": [1300, 1, 1]}}, {"load_ns": 1 << 62},
        {"samples_ns": [], "reported_ns": {"min": 1, "max": 1300, "avg": 5}},
    ],
)  # fmt: skip
def test_a_session_that_claims_more_time_than_passed_is_garbage(
    claims: dict[str, Any], environments: Environments
) -> None:
    found = answered(replied(**claims), environments)
    assert found.failed is not None
    assert found.failed.failure == "garbage-reply"
    assert "s that passed" in found.failed.message or "load_ns" in found.failed.message


def test_a_device_s_clock_may_go_a_little_faster(environments: Environments) -> None:
    assert answered(replied(samples_ns=[300, 300, 300, 310]), environments).session is not None


BIG_NET = Costs(params=1, params_trainable=1, macs=10**9, flops_paddle=10**9, uncounted=[])


@pytest.mark.parametrize(
    ("costs", "simd", "possible"),
    [(BIG_NET, ["avx2"], False), (BIG_NET, [], True), (None, ["avx2"], True)],
)
def test_a_session_faster_than_any_core_fails_and_says_the_bound(
    costs: Costs | None, simd: list[str], possible: bool, environments: Environments
) -> None:
    target = FakeTarget(system=SYSTEM.model_copy(update={"facts": {"simd": simd}}))
    reply, known = replied(samples_ns=[3, 2, 4]), {ASKED.variant: costs}
    entry = answered(reply, environments, target=target, costs=known)
    assert (entry.session is not None) == possible
    if entry.failed is not None:
        assert entry.failed.failure == "impossible"
        assert "x0_25 has 1000 M MACs a call; 3 cores" in entry.failed.message
        assert "0.00000300 ms" in entry.failed.message


LAYER = {"name": "conv1", "type": "", "kernel": "k", "tactic": "0x1", "precision": "fp32"}


def test_the_layers_of_an_engine_are_stored_and_the_session_names_them(
    environments: Environments, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    entry = answered(replied(layers=[LAYER]), environments, keep_layers=folder.keep_layers)
    assert entry.session is not None
    [stored] = (tmp_path / "layers").iterdir()
    assert entry.session.layers == stored.stem
    record = of_sessions(entry.session)
    assert folder.layers([record], [])[stored.stem].layers == [Layer(**LAYER)]


@pytest.mark.parametrize("layers", [None, []])
def test_an_engine_that_tells_no_layers_has_none(
    layers: object, environments: Environments
) -> None:
    session = answered(replied(layers=layers), environments, keep_layers=lambda _: "0" * 32).session
    assert session is not None
    assert session.layers is None


@pytest.mark.parametrize("layers", [7, [7], [{"name": "conv1"}], [{**LAYER, "more": ""}]])
def test_layers_of_another_form_are_no_answer(layers: object, environments: Environments) -> None:
    failed = answered(replied(layers=layers), environments).failed
    assert failed is not None
    assert failed.failure == "garbage-reply"
    assert "layers" in failed.message
