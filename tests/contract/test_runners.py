"""One suite over every runner: what `bench.runners.base` says, each in its own interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import ARTIFACT_FORMATS, Artifact, ArtifactFormat, Key, Workshop
from bench.config.catalog import Model, Weights, load_catalogue, resolve
from bench.config.project import default_cache
from bench.core.cell import Cell
from bench.core.errors import ArtifactError, Unavailable
from bench.environments.interpreters import Environments, worker_of
from bench.environments.specs import ENVIRONMENTS
from bench.launcher.process import ChildFailed, run_child
from bench.runners import RUNNERS, RunnerEntry
from tests.fakes.tables import FAKE_FORMATS, fake_runner
from tests.fakes.values import model

MODELS = Path(__file__).resolve().parents[2] / "models"
FAKE = replace(fake_runner("Ok"), settings={})
SAMPLES = 40
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Case:
    """A runner with the settings and threads that it is asked for."""

    name: str
    entry: RunnerEntry
    settings: tuple[tuple[str, str], ...]
    threads: int = 1
    attempt: int = 0
    precision: str = "fp32"

    @property
    def is_real(self) -> bool:
        return self.entry is not FAKE

    def __str__(self) -> str:
        words = [self.name, *(f"{n}={v}" for n, v in self.settings), f"t{self.threads}"]
        words += [self.precision] * (self.precision != "fp32")
        return "-".join([*words, *([f"again{self.attempt}"] if self.attempt else [])])

    @property
    def tolerance(self) -> float:
        return self.entry.tolerance_of(self.precision)


def cases_of(name: str, entry: RunnerEntry) -> Iterator[Case]:
    """Yield each allowed value of each setting once, the lower precisions, then two threads."""
    first = {setting: values[0] for setting, values in entry.settings.items()}
    chosen = [first, *({**first, s: v} for s, values in entry.settings.items() for v in values[1:])]
    for settings in chosen:
        yield Case(name, entry, tuple(sorted(settings.items())))
    for precision in entry.tolerances:
        yield Case(name, entry, tuple(sorted(first.items())), precision=precision)
    if entry is not FAKE and entry.target == "cpu" and len(os.sched_getaffinity(0)) > 1:
        yield Case(name, entry, tuple(sorted(first.items())), threads=2)


CASES = [
    *(pytest.param(case, id=str(case)) for case in cases_of("fake", FAKE)),
    *(
        pytest.param(case, id=str(case), marks=pytest.mark.engine)
        for name, entry in RUNNERS.items()
        if entry.target == "cpu"  # what needs a device is held to its contract in tests/device
        for case in cases_of(name, entry)
    ),
]


Seen = Mapping[str, Any]
Ask = Callable[[Case], Seen]


@dataclass(frozen=True)
class Answer:
    case: Case
    seen: Seen


@pytest.fixture(scope="module")
def ask(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Return what a child saw of a case on the smallest net, asked once."""
    known: dict[str, Seen] = {}

    def seen(case: Case) -> Seen:
        if str(case) not in known:
            if case.is_real:
                net = resolve(load_catalogue(MODELS), "x0_25", MODELS, Weights())
                artifact = made(case, net, default_cache(), environments, ARTIFACT_FORMATS)
            else:
                cache = tmp_path_factory.mktemp("cache")
                artifact = made(case, model("x0_25"), cache, environments, FAKE_FORMATS)
            known[str(case)] = examined(case, artifact, environments)
        return known[str(case)]

    return seen


@pytest.fixture(params=CASES)
def answer(request: pytest.FixtureRequest, ask: Ask) -> Answer:
    return Answer(request.param, ask(request.param))


def made(
    case: Case,
    net: Model,
    cache: Path,
    environments: Environments,
    formats: Mapping[str, ArtifactFormat],
) -> Artifact:
    key = Key(net.variant, case.entry.artifact_of(case.precision), 1)
    try:
        environments.get(case.entry.env)
    except Unavailable as error:
        pytest.skip(f"runner {case.name}: {error}")
    artifact = Workshop(cache, environments, formats).make([net], [key], workers=1)[key]
    if isinstance(artifact, Unavailable):
        pytest.skip(f"artifact of {case.name}: {artifact}")
    if isinstance(artifact, ArtifactError):
        pytest.fail(f"{artifact}\n{artifact.log_tail}")
    assert isinstance(artifact, Artifact)
    return artifact


def examined(case: Case, artifact: Artifact, environments: Environments) -> Seen:
    cell = Cell(
        variant="x0_25", model_hash="m", runner=case.name, batch=1, threads=case.threads,
        settings=case.settings, precision=case.precision,
    )  # fmt: skip
    python, told = worker_of(case.entry, environments, threads=case.threads)
    result = run_child(
        {
            "runner": case.entry.path,
            "cell": cell.to_json(),
            "artifact": str(artifact.main),
            "reference": str(artifact.reference),
            "count": SAMPLES,
        },
        python=python,
        env=told,
        timeout_s=TIMEOUT_S,
        module="tests.contract.contract_child",
    )
    if isinstance(result, ChildFailed):
        if result.kind == "unavailable":
            pytest.skip(f"runner {case.name}: {result.message}: {result.hint}")
        pytest.fail(f"{result.kind}: {result.message}\n{result.log_tail}")
    assert result.teardown is None
    return result.value


def test_the_facts_tell_engine_threads_and_precision_as_texts(answer: Answer) -> None:
    facts = answer.seen["facts"]
    assert {"engine", "threads", "precision"} <= set(facts)
    assert all(isinstance(value, str) and value for value in facts.values())
    name, _, version = facts["engine"].partition(" ")
    assert name
    assert version[:1].isdigit()
    assert facts["precision"] == answer.case.precision


def test_the_settings_and_threads_in_force_are_those_asked_for(answer: Answer) -> None:
    facts = answer.seen["facts"]
    asked = {"threads": str(answer.case.threads), **dict(answer.case.settings)}
    assert {name: facts.get(name) for name in asked} == asked


@pytest.mark.serial
@pytest.mark.engine
@pytest.mark.parametrize("name", RUNNERS)
def test_with_two_threads_one_thread_more_does_work_than_with_one(name: str, ask: Ask) -> None:
    entry = RUNNERS[name]
    if entry.target != "cpu" or not Path("/proc/self/schedstat").exists():
        pytest.skip("which threads work can't be seen here")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two threads take two cores")
    one, *_, two = cases_of(name, entry)
    # With the first value of every setting, no helper works beside those that were asked for.
    assert ask(one)["busy_threads"] == 1
    # On a busy machine the second one may be starved for as long as a few samples take; a pool's
    # third, which only waits, has been seen to wait busily.
    assert any(ask(replace(two, attempt=n))["busy_threads"] >= 2 for n in range(5))


def test_the_output_is_the_references_within_the_runners_tolerance(answer: Answer) -> None:
    assert answer.seen["error"] <= answer.case.tolerance
    assert answer.seen["dtype"] == "float32"
    assert answer.seen["shape"][0] == 1


def test_the_same_input_gives_the_same_output_after_sampling(answer: Answer) -> None:
    assert answer.seen["again_equal"]


def test_output_below_fp32_is_farther_from_the_reference_than_fp32_may_be(answer: Answer) -> None:
    if answer.case.precision != "fp32":
        assert answer.seen["error"] > answer.case.entry.tolerance, "it was lowered in name only"


def test_another_input_gives_another_output(answer: Answer) -> None:
    assert answer.seen["other_away"] > 10 * answer.case.entry.tolerance
    assert answer.seen["other_away"] > answer.case.tolerance


def test_as_many_durations_come_back_as_were_asked_for_in_whole_nanoseconds(
    answer: Answer,
) -> None:
    samples = answer.seen["samples"]
    assert len(samples) == SAMPLES
    assert all(type(sample) is int and sample > 0 for sample in samples)
    assert len(set(samples)) > 1  # no average handed out again and again


def test_a_precision_that_the_runner_has_not_is_refused_with_a_remedy(answer: Answer) -> None:
    assert answer.seen["refuses_precision"]


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runners_entry_names_an_environment_and_an_artifact_that_there_are(name: str) -> None:
    entry = RUNNERS[name]
    assert {entry.env, entry.worker_env or entry.env} <= {*ENVIRONMENTS, "harness"}
    assert entry.artifact in ARTIFACT_FORMATS
    assert set(entry.artifacts.values()) <= set(ARTIFACT_FORMATS)
    assert set(entry.artifacts) <= set(entry.tolerances)
    assert 0 < entry.tolerance < 0.1
    assert all(entry.tolerance < it < 1 for it in entry.tolerances.values())
    assert all(len(set(values)) == len(values) > 0 for values in entry.settings.values())
