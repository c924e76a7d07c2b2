"""A fleet with a stand-in phone: a job whose phone has gone waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.project import default_cache
from bench.storage.store import Store
from scripts import fleet_trial
from tests.cli.fleet_checks import merged_differently, overlapping
from tests.cli.fleets import eventually, fleet
from tests.cli.process import REAL
from tests.device.agent_build import missing_tools
from tests.device.arm_run import Prepared, unpublished
from tests.device.daemon import Policy, running_device
from tests.device.two_nets import NETS

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]


def test_a_worker_that_is_killed_and_one_that_is_cut_off_lose_no_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The trial in small: 15 jobs on three hosts and two phones."""
    status, said = fleet_trial.main(["--jobs", "15", "--cut-s", "5"]), capsys.readouterr().out
    assert status == 0, said
    assert "15 of 15 jobs merged" in said
    assert "killed by SIGKILL" in said
    assert "cut off for 5 s" in said


def test_a_job_whose_phone_has_gone_waits_and_is_measured_when_it_is_back(
    tmp_path: Path, nets: Prepared, suite: Path
) -> None:
    models, cache = unpublished(tmp_path / "models"), default_cache()
    with (
        running_device(tmp_path / "device", auth=Policy.OPEN) as device,
        fleet(tmp_path / "fleet", models, module=REAL, cache=cache) as lab,
    ):
        worker = lab.join("lab1", "--device", device.serial, "--agent", nets.agent)
        assert "2 targets: host:" in worker.said
        assert ", phone:" in worker.said
        flags = ("--variant", NETS[0], "--device", device.serial)
        device.drop_connections(refuse_s=15.0)
        with lab.running(*flags, suite=suite) as client:
            lab.await_join("lab1", 2)
            assert worker.said.count("phone:") == 1
            assert client.process.poll() is None
            assert client.process.wait(120) == 0, client.said
    (run,) = Store(lab.mine).runs()
    assert "emulated" in Store(lab.mine).system(run.manifest().system_id).heading
    assert merged_differently(lab) == overlapping(lab, "lab1") == []
    eventually(lambda: not device.processes())
