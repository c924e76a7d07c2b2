from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import Artifact
from bench.cell import Target
from bench.environments import Environments
from bench.launch import ChildFailed, ChildResult, Replied
from bench.plan import Step
from bench.protocol import MeasureRequest
from bench.record import JournalEntry, Scalar, Session
from bench.runners import RunnerEntry
from bench.session import SessionLauncher
from tests.fakes.places import FakePlace
from tests.fakes.values import SAMPLING, SESSION, cell

ASKED = cell(threads=3)
STEP = Step(order=5, round=2, cell=ASKED)
ENTRY = RunnerEntry(
    path="some.module:Runner",
    title="Some",
    env="harness",
    artifact="kind",
    tolerance=0.25,
    child_env=(("ENGINE_FLAG", "1"),),
    settings={},
)
ARTIFACT = Artifact(
    folder=Path("/cache/a"), main=Path("/cache/a/model"), reference=Path("/cache/a/ref.npz"),
    files={}, facts={},
)  # fmt: skip
FIGURES: dict[str, Any] = {
    name: getattr(SESSION, name)
    for name in (
        "load_ns", "first_inference_ns", "relative_l2", "facts", "warmup_ns", "steady",
        "samples_ns", "covariates",
    )
}  # fmt: skip


class Launch:
    """Answers with `result` and keeps what it was asked."""

    def __init__(self, result: ChildResult, log: list[str] | None = None) -> None:
        self.result = result
        self.module = ""
        self.request: Mapping[str, Any] = {}
        self.options: Mapping[str, Any] = {}
        self.log = [] if log is None else log

    def __call__(self, module: str, request: Mapping[str, Any], **options: Any) -> ChildResult:
        self.module, self.request, self.options = module, request, options
        self.log.append("launch")
        return self.result


def replied(**changes: Any) -> Replied:
    return Replied(value={**FIGURES, **changes}, pid=42, wall_ns=1234, teardown=None)


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    return Environments(tmp_path)


def launch_once(
    launch: Launch, environments: Environments, conditions: Iterator[Mapping[str, Scalar]]
) -> JournalEntry:
    launcher = SessionLauncher(
        runners={"fake": ENTRY},
        environments=environments,
        artifacts={ASKED: ARTIFACT},
        sampling=SAMPLING,
        launch=launch,
        place=FakePlace(lambda: next(conditions)),
        scrub=lambda text: text.replace("/home/me", "~"),
    )
    return launcher(STEP)


def answered(result: ChildResult, environments: Environments) -> JournalEntry:
    return launch_once(Launch(result), environments, ({} for _ in count()))


def test_the_worker_is_asked_for_this_cell_this_artifact_and_this_sampling(
    environments: Environments,
) -> None:
    launch = Launch(replied())

    launch_once(launch, environments, ({} for _ in count()))

    assert launch.module == "bench.worker"
    assert MeasureRequest.from_json(launch.request) == MeasureRequest(
        runner="some.module:Runner",
        target=Target(kind="cpu"),
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
    launcher = SessionLauncher(
        runners={"fake": dataclasses.replace(ENTRY, tolerances={"bf16": 0.5, "fp16": 0.3})},
        environments=environments, artifacts={low: ARTIFACT}, sampling=SAMPLING, launch=launch,
        place=FakePlace(dict), scrub=str,
    )  # fmt: skip

    launcher(dataclasses.replace(STEP, cell=low))

    assert MeasureRequest.from_json(launch.request).tolerance == 0.5


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

    entry = launch_once(Launch(replied(), log), environments, conditions())

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
    entry = answered(result, environments)
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
    entry = answered(result, environments)
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


GONE = ChildFailed(kind="device-lost", message="it went away", hint="plug it in")


class Launches(Launch):
    """Answers with each of `results` in turn."""

    def __init__(self, *results: ChildResult) -> None:
        super().__init__(results[0])
        self.results = iter(results)

    def __call__(self, module: str, request: Mapping[str, Any], **options: Any) -> ChildResult:
        self.result = next(self.results)
        return super().__call__(module, request, **options)


def launched(place: FakePlace, *results: ChildResult, environments: Environments) -> JournalEntry:
    return SessionLauncher(
        runners={"fake": ENTRY},
        environments=environments,
        artifacts={ASKED: ARTIFACT},
        sampling=SAMPLING,
        launch=Launches(*results),
        place=place,
        scrub=str,
    )(STEP)


def test_a_session_whose_place_came_back_is_repeated(environments: Environments) -> None:
    place = FakePlace(returns=[True, True])
    entry = launched(place, GONE, GONE, replied(), environments=environments)
    assert entry.session is not None
    assert place.failures == [GONE, GONE]


def test_a_session_whose_place_stays_away_has_failed_of_that(environments: Environments) -> None:
    entry = launched(FakePlace(returns=[False]), GONE, replied(), environments=environments)
    assert entry.failed is not None
    assert entry.failed.failure == "device-lost"


def test_a_place_that_goes_away_every_time_is_not_tried_for_ever(
    environments: Environments,
) -> None:
    place = FakePlace(returns=[True] * 9)
    entry = launched(place, *[GONE] * 3, environments=environments)
    assert entry.failed is not None
    assert len(place.failures) == 3


def test_a_tools_own_figures_stand_for_samples_that_it_does_not_print(
    environments: Environments,
) -> None:
    reported = {"min": 3, "max": 9, "avg": 5}
    result = replied(samples_ns=[], relative_l2=None, reported_ns=reported)
    entry = answered(result, environments)
    assert entry.session is not None
    assert entry.session.durations_ns == [5]


class HeldBack(FakePlace):
    """A GPU's place: the first `times` sessions were held back."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def child_env(self, python: Path) -> Mapping[str, str]:
        assert python.is_absolute()
        return {"CUDA_VISIBLE_DEVICES": "GPU-1", "ENGINE_FLAG": "the place's"}

    def wants_repeat(self, session: Session) -> bool:
        assert session.samples_ns
        self.left -= 1
        return self.left >= 0


def test_a_session_that_was_held_back_is_repeated_and_the_next_one_stands(
    environments: Environments,
) -> None:
    results = [dataclasses.replace(replied(), pid=number) for number in (1, 2, 3)]
    entry = launched(HeldBack(1), *results, environments=environments)
    assert entry.session is not None
    assert entry.session.pid == 2


def test_of_sessions_that_are_held_back_every_time_the_last_one_stands(
    environments: Environments,
) -> None:
    results = [dataclasses.replace(replied(), pid=number) for number in (1, 2, 3, 4)]
    entry = launched(HeldBack(9), *results, environments=environments)
    assert entry.session is not None
    assert entry.session.pid == 3


def test_a_failed_session_is_none_that_was_held_back(environments: Environments) -> None:
    crash = ChildFailed(kind="crash", message="it fell", hint="look up")
    entry = launched(HeldBack(9), crash, replied(), environments=environments)
    assert entry.failed is not None
    assert entry.failed.failure == "crash"


def test_a_place_adds_to_its_childrens_environment(environments: Environments) -> None:
    launch = Launch(replied())
    launcher = SessionLauncher(
        runners={"fake": ENTRY},
        environments=environments,
        artifacts={ASKED: ARTIFACT},
        sampling=SAMPLING,
        launch=launch,
        place=HeldBack(0),
        scrub=str,
    )
    launcher(STEP)
    assert launch.options["env"] == {
        "OMP_NUM_THREADS": "3", "ENGINE_FLAG": "the place's", "CUDA_VISIBLE_DEVICES": "GPU-1",
    }  # fmt: skip


def test_what_a_gpus_session_tells_beside_its_samples_is_kept(environments: Environments) -> None:
    figures = {"on_device": [3, 4], "enqueue": [1, 2]}
    entry = answered(replied(figures_ns=figures, build_ns=70), environments)
    assert entry.session is not None
    assert (entry.session.figures_ns, entry.session.build_ns) == (figures, 70)
    plain = answered(replied(), environments).session
    assert plain is not None
    assert (plain.figures_ns, plain.build_ns) == ({}, None)
