"""Paddle Lite on x86 through the verbs, on a stand-in for its interpreter; and where that isn't."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.formats import ARTIFACT_FORMATS
from bench.cli.main import main
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.context import Tables
from bench.runners import RUNNERS
from bench.storage.schema.ab import AbMeasured
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Measured, Record
from tests.cli.outcomes import only_run
from tests.cli.turns import Ab
from tests.fakes import tables as fakes
from tests.fakes.lite_x86 import interpreter
from tests.fakes.seeing import paint

NAME = "paddle-lite-x86"
SUITE = Path(fakes.__file__).with_name("suite.toml")
MonkeyPatch = pytest.MonkeyPatch


def tables() -> Tables:
    """The real runner beside a fake one; its files are fakes, made in the stand-in's name."""
    kind = replace(
        ARTIFACT_FORMATS[RUNNERS[NAME].artifact],
        converter="tests.fakes.converter:convert",
        sources=("paddle-pir",),
        code=(),
    )
    return replace(
        fakes.tables(),
        runners={"paddle": fakes.fake_runner("Ok"), NAME: RUNNERS[NAME]},
        formats={**fakes.FAKE_FORMATS, RUNNERS[NAME].artifact: kind},
    )


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return interpreter(tmp_path / "engine")


def where(root: Path) -> list[str]:
    return [
        "--models", str(fakes.MODELS), "--results", str(root / "results"),
        "--cache", str(root / "cache"),
    ]  # fmt: skip


def run(root: Path, *flags: str, suite: Path = SUITE) -> tuple[int, dict[str, Record]]:
    """Return the status and the records by runner, of one net and one image."""
    suite_flags = ["--suite", str(suite), "--preset", "quick"]
    cells = ["--variant", "x0_25", "--batch", "1"]
    status = main(["run", *suite_flags, *cells, *where(root), *flags], tables())
    return status, {one.cell.runner: one for one in only_run(root).records()}


@pytest.mark.slow
def test_a_run_measures_it_in_its_own_process(tmp_path: Path, python: Path) -> None:
    status, records = run(tmp_path, "--runner", NAME, "--env", f"lite-x86={python}")
    assert (status, list(records)) == (0, [NAME])
    assert records[NAME].outcome == Measured()
    (session,) = records[NAME].sessions
    facts = session.facts
    assert (facts["engine"], facts["threads"], facts["precision"]) == (
        "paddlelite 9.9", "1", "fp32",
    )  # fmt: skip
    assert facts["threads_worked"] == "1"
    assert session.relative_l2 == 0
    assert session.teardown is None
    assert float(session.covariates["peak_rss_mib"]) > 1
    manifest = only_run(tmp_path).manifest()
    assert manifest.provenance.environments["lite-x86"]["paddlelite"] == "9.9"
    assert "paddle-lite-nb-x86 b1" in manifest.models["x0_25"].artifacts


@pytest.mark.slow
def test_an_engine_that_falls_is_a_crash_with_its_last_words(
    tmp_path: Path,
) -> None:
    python = interpreter(tmp_path / "falling", STAND_IN_FALLS="run")
    status, records = run(tmp_path, "--runner", NAME, "--env", f"lite-x86={python}")
    assert status == 1
    outcome = records[NAME].outcome
    assert isinstance(outcome, Failed)
    assert outcome.failure == "crash"
    assert outcome.message == (
        "the engine's own process: the stand-in said this before it fell: the child died of SIGSEGV"
    )
    assert "the stand-in said this before it fell" in outcome.log_tail


@pytest.mark.slow
def test_an_engine_that_hangs_is_ended_with_its_worker_at_its_time(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    diary = str(tmp_path / "diary")
    python = interpreter(tmp_path / "hanging", STAND_IN_DIARY=diary, STAND_IN_HANGS="run")
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    (suite := tmp_path / "short.toml").write_text(
        SUITE.read_text().replace("timeout_s = 5.0", "timeout_s = 2.0")
    )
    status, records = run(tmp_path, "--runner", NAME, "--env", f"lite-x86={python}", suite=suite)
    assert status == 1
    outcome = records[NAME].outcome
    assert isinstance(outcome, Failed)
    assert outcome.failure == "timeout"
    process = int((tmp_path / "diary").read_text().splitlines()[-1])
    assert ended(process)
    assert list(folder.iterdir()) == []


def ended(process: int) -> bool:
    """Tell whether it is gone, or only waits for somebody to ask how it ended."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.slow
def test_without_its_python_it_is_skipped_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    spec = replace(ENVIRONMENTS["lite-x86"], python="3.99")
    monkeypatch.setitem(ENVIRONMENTS, "lite-x86", spec)
    status, records = run(tmp_path, "--runner", f"paddle,{NAME}")
    assert status == 1
    assert records["paddle"].outcome == Measured()
    outcome = records[NAME].outcome
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "there is no Python 3.99 on this machine"
    assert "python install 3.99" in outcome.hint


@pytest.mark.slow
def test_it_can_be_an_arm_on_the_cores_that_the_session_has(
    tmp_path: Path, python: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ab = Ab(tmp_path, capsys)
    flags = ["--runner", NAME, "--env", f"lite-x86={python}", "--half-width", "0.9"]
    assert ab(*flags, tables=tables()) in (0, 1, 2, 3)
    (record,) = ab.only.records()
    assert isinstance(record.outcome, AbMeasured)
    arms = [(one, arm) for one in record.sessions for arm in one.arms.values()]
    assert len(arms) >= 6
    for one, arm in arms:
        assert arm.facts["engine"] == "paddlelite 9.9"
        if sys.platform == "linux":
            assert arm.facts["cores_worked"] == str(one.cores[0])


def test_it_names_the_classes_of_an_image(
    tmp_path: Path, python: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paint(image := tmp_path / "cat.png", seed=5)
    told: dict[str, Any] = {}
    for runner in ("paddle", NAME):
        flags = ["--variant", "x0_25", "--runner", runner, "--env", f"lite-x86={python}", "--json"]
        assert main(["predict", str(image), *where(tmp_path), *flags], tables()) == 0
        told[runner] = json.loads(capsys.readouterr().out)["classes"]
    assert told[NAME] == told["paddle"]
