"""`bench ab` on a stand-in: the device program alternates both models, emulated, by itself.

No ratio in it means anything but which of the stand-in's models was told to be slower.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbMeasured, AbRecord, ArmFailed
from bench.storage.schema.common import Failed
from bench.storage.store import Store
from tests.cli.process import Done, call
from tests.device.agent_build import built_agent, missing_tools
from tests.device.arm_run import Prepared, prepared
from tests.device.daemon import CommandFault, Device, Policy, running_device

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]

PROGRAM = "/bench_agent --"
OTHER = """
[models.x0_25]
factory = "paddle.vision.models:shufflenet_v2_x0_33"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison left: how it ended, what it said, its folder."""

    done: Done
    results: Path

    @property
    def told(self) -> Any:
        return json.loads(self.done.stdout)

    @property
    def folder(self) -> AbFolder:
        return AbFolder.find(Store(self.results), "latest")

    @property
    def record(self) -> AbRecord:
        (record,) = self.folder.records()
        return record


def compare(device: Device, agent: Path, results: Path, *flags: str | Path) -> Compared:
    done = call(
        "ab", "--device", device.serial, "--agent", agent, "--results", results,
        "--variant", "x0_25", "--sessions", "2", "--json", *flags, timeout_s=300.0,
    )  # fmt: skip
    return Compared(done=done, results=results)


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("pair")
    return prepared(built_agent(folder / "build"), folder / "agent", ("x0_25",))


@pytest.fixture(scope="module")
def threads(
    nets: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Compared, Device]]:
    """Two thread counts compared, and the device as it was left."""
    folder = tmp_path_factory.mktemp("threads")
    with running_device(folder / "device", auth=Policy.OPEN) as device:
        yield compare(device, nets.agent, folder / "results", "--head", "set:threads=2"), device


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with running_device(tmp_path / "device", auth=Policy.OPEN) as running:
        yield running


def test_two_settings_are_compared_by_turns_and_on_an_emulated_device_it_is_advice(
    threads: tuple[Compared, Device],
) -> None:
    ran, _ = threads
    assert ran.done.returncode in (0, 3), ran.done.stderr
    emulated, *unmet = ran.told["doubts"]
    assert emulated == "the system is emulated"
    # This machine may lack the cores that the stand-in's board has: then it says so, cell by cell.
    assert all("power_mode low was in force where high was asked for" in text for text in unmet)
    assert isinstance(ran.record.outcome, AbMeasured)
    first, second = ran.record.sessions
    assert (first.order, second.order) == (0, 1)
    for session in (first, second):
        assert len(session.bursts) == 60
        assert session.arms["base"].pid == session.arms["head"].pid
        assert session.arms["base"].facts["engine"] == "paddle-lite stand-in"
        assert max(arm.relative_l2 for arm in session.nets.values()) <= 1e-3
    assert [it.arm for it in first.bursts] != [it.arm for it in second.bursts]
    manifest = ran.folder.manifest()
    assert (manifest.target, manifest.status) == ("android", "complete")
    assert set(manifest.arms["head"].environments) == {"lite", "paddle"}


def test_a_session_is_one_run_of_the_device_program_and_nothing_stays(
    threads: tuple[Compared, Device],
) -> None:
    ran, device = threads
    runs = [command for command in device.commands if PROGRAM in command]
    assert len(runs) == len(ran.record.sessions) == 2
    assert all("--against" in run and "--order" in run for run in runs)
    assert device.files() == []
    assert device.processes() == []
    for file in ran.folder.path.rglob("*.json"):
        assert device.serial not in file.read_text(encoding="utf-8")


def test_a_slower_model_is_found_and_is_no_regression_of_any_phone(
    nets: Prepared, device: Device, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "catalog.toml").write_text(OTHER)
    both = prepared(nets.agent, tmp_path / "agent", ("x0_25",), models)
    (both.agent / f"{both.names['x0_25']}.ms").write_text(" ".join(["8"] * 2_000))
    ran = compare(device, both.agent, tmp_path / "results", "--head", f"model:{models}")
    assert (ran.done.returncode, ran.told["cells"][0]["verdict"]) == (3, "SLOWER")
    assert ran.told["cells"][0]["ratio"] > 1.5


def test_a_program_that_is_killed_ends_the_cell_and_says_why(
    nets: Prepared, device: Device, tmp_path: Path
) -> None:
    device.faults.commands.append(CommandFault(matching=PROGRAM, does="kill", after_lines=9))
    ran = compare(device, nets.agent, tmp_path / "results")
    assert ran.done.returncode == 3
    outcome = ran.record.outcome
    assert isinstance(outcome, ArmFailed)
    assert isinstance(outcome.why, Failed)
    assert (outcome.arm, outcome.why.failure) == ("both", "command-failed")
    assert "neither arm has a figure" in ran.told["cells"][0]["reason"]
    assert device.processes() == []


def test_without_its_program_or_its_phone_nothing_begins(nets: Prepared, tmp_path: Path) -> None:
    done = call("ab", "--device", "R58M", "--agent", tmp_path, "--results", tmp_path / "results")
    assert done.returncode == 2
    assert "the device program isn't built" in done.stderr
    assert not (tmp_path / "results" / "runs").exists()
