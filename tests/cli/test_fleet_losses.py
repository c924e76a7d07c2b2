"""What a fleet loses comes back: killed workers, cut networks, an interrupted run, a scheduler."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.storage.store import Store
from tests.cli.fleet_checks import measured_once
from tests.cli.fleets import TestFleet, eventually, fleet
from tests.cli.relay import relay

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path, plain_models: Path) -> Iterator[TestFleet]:
    """A scheduler that nobody has joined."""
    with fleet(tmp_path / "fleet", plain_models) as made:
        yield made


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_job_of_a_killed_worker_is_resumed_when_it_is_back(
    lab: TestFleet, number: signal.Signals
) -> None:
    worker = lab.join("lab1")
    with lab.running() as client:
        eventually(lambda: len(lab.journals("lab1")) >= 2)
        worker.end(number)
        kept = lab.journals("lab1")
        worker.start()
        assert client.process.wait(90) == 0, client.said
    (run,) = Store(lab.mine).runs()
    assert measured_once(run) == []
    assert set(lab.runs_of("lab1")) == {run.path.name}
    assert 2 <= len(kept) < 3 * len(run.manifest().cells)


def test_the_job_of_a_worker_that_is_cut_off_goes_on_and_is_delivered(lab: TestFleet) -> None:
    with relay(lab.address) as (address, network):
        lab.join("lab1", address=address)
        with lab.running() as client:
            eventually(lambda: len(lab.journals("lab1")) >= 2)
            network.cut()
            eventually(lambda: "left" in lab.workers["lab1"].said)
            eventually(lambda: len(lab.runs_of("lab1")) == 1 and not lab.journals("lab1"))
            assert client.process.poll() is None
            network.mend()
            lab.await_join("lab1", 2)
            assert client.process.wait(90) == 0, client.said
    (run,) = Store(lab.mine).runs()
    assert measured_once(run) == []
    assert set(lab.runs_of("lab1")) == {run.path.name}


def test_the_job_of_a_lost_worker_is_measured_anew_elsewhere_where_that_is_wanted(
    lab: TestFleet,
) -> None:
    worker = lab.join("lab1")
    with lab.running("--at", "lab1", "--elsewhere") as client:
        eventually(lambda: lab.journals("lab1"))
        lab.join("lab2")
        worker.end(signal.SIGKILL)
        assert client.process.wait(90) == 0, client.said
    (run,) = Store(lab.mine).runs()
    assert measured_once(run) == []
    assert set(lab.runs_of("lab2")) == {run.path.name}


def test_an_interrupted_run_ends_its_job_and_its_campaign_goes_on_with_it(lab: TestFleet) -> None:
    worker = lab.join("lab1")
    with lab.running() as client:
        eventually(lambda: lab.journals("lab1"))
        assert client.end(signal.SIGINT) == 130
    eventually(lambda: not children_of(worker.process.pid))
    command = re.search(r"run --fleet .* --campaign (\S+)", client.said)
    assert command is not None, client.said
    assert "0 of 1 job merged" in client.said
    done = lab.run("--campaign", command[1])
    assert done.returncode == 0, done.stderr
    (run,) = Store(lab.mine).runs()
    assert measured_once(run) == []


def test_jobs_outlive_their_scheduler_and_a_campaign_fetches_them_from_the_next(
    lab: TestFleet,
) -> None:
    lab.join("lab1")
    with lab.running("--campaign", "mine") as client:
        eventually(lambda: lab.journals("lab1"))
        lab.scheduler.end(signal.SIGKILL)
        assert client.process.wait(90) == 2
    assert "the connection to the scheduler has ended" in client.said
    assert "--campaign mine" in client.said
    lab.begin(lab.port)
    lab.await_join("lab1", 2)
    done = lab.run("--campaign", "mine")
    assert done.returncode == 0, done.stderr
    (run,) = Store(lab.mine).runs()
    assert measured_once(run) == []


def children_of(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text() + "".join(
        path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")
    )
