"""An artifact's part in its session: tolerance, facts, and a new one where it can't be loaded."""

from __future__ import annotations

import dataclasses

import pytest

from bench.environments.interpreters import Environments
from bench.experiments.session import start_of
from bench.launcher.process import ChildFailed, ChildResult
from bench.storage.schema.latency import JournalEntry
from tests.fakes.sessions import ARTIFACT, ASKED, ENTRY, STEP, Launch, answered, launcher, replied


def test_a_session_bears_how_many_subnormal_numbers_its_net_has(
    environments: Environments,
) -> None:
    counted = dataclasses.replace(ARTIFACT, facts={"subnormals": {"weights": 3}})
    reply = replied(facts={"engine": "fake 1"})
    session = answered(reply, environments, artifacts={ASKED: counted}).session
    assert session is not None
    assert session.facts == {"engine": "fake 1", "subnormal_weights": "3"}


class Remaking:
    """A worker that fails until its artifact was made anew, and what makes it anew, once."""

    def __init__(self, kind: str, *, mends: bool = True) -> None:
        self.kind, self.mends, self.remade, self.launched = kind, mends, 0, 0

    def remake(self) -> bool:
        self.remade += 1
        return self.remade == 1

    def launch(self, _: object, **options: object) -> ChildResult:
        self.launched += 1
        if self.remade and self.mends:
            return replied()
        return ChildFailed(kind=self.kind, message="it can't be loaded", hint="none")

    def session(self, environments: Environments) -> JournalEntry:
        artifacts = {ASKED: dataclasses.replace(ARTIFACT, remake=self.remake)}
        return launcher(self.launch, environments, artifacts=artifacts)(STEP)


@pytest.mark.parametrize("kind", ["conversion", "error", "crash", "abort"])
def test_a_session_whose_artifact_may_not_load_is_measured_with_a_new_one(
    kind: str, environments: Environments
) -> None:
    it = Remaking(kind)
    assert it.session(environments).session is not None
    assert (it.remade, it.launched) == (1, 2)


@pytest.mark.parametrize("kind", ["unavailable", "wrong-output", "timeout", "killed"])
def test_no_artifact_is_made_anew_for_another_failure(
    kind: str, environments: Environments
) -> None:
    it = Remaking(kind)
    it.session(environments)
    assert (it.remade, it.launched) == (0, 1)


def test_a_failure_with_the_new_artifact_stands(environments: Environments) -> None:
    it = Remaking("error", mends=False)
    assert it.session(environments).failed is not None
    assert (it.remade, it.launched) == (1, 2)


def test_a_models_own_tolerance_holds_for_fp32_and_is_told(
    environments: Environments,
) -> None:
    launch, held = Launch(replied()), dataclasses.replace(ARTIFACT, tolerance=0.001)
    session = launcher(launch, environments, artifacts={ASKED: held})(STEP).session
    assert launch.request["tolerance"] == 0.001
    assert session is not None
    assert session.facts["tolerance"] == "0.001"
    low = dataclasses.replace(ASKED, precision="bf16")
    assert start_of(low, held, ENTRY, environments).request.tolerance == ENTRY.tolerance
