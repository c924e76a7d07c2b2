"""`bench fleet` and `bench run --fleet` with real processes: one job at each target, merged."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.core.locks import held
from bench.storage.store import Store
from tests.cli.fleet_checks import overlapping, spans_of
from tests.cli.fleets import TestFleet, eventually, fleet
from tests.cli.process import FAKE, call, complaint, contents


@pytest.fixture
def two(tmp_path: Path, plain_models: Path) -> Iterator[TestFleet]:
    """A fleet of two hosts."""
    with fleet(tmp_path / "fleet", plain_models) as made:
        made.join("lab1")
        made.join("lab2")
        yield made


def test_every_host_measures_the_suite_and_its_run_arrives_byte_for_byte(two: TestFleet) -> None:
    done = two.run("--preset", "quick")
    assert done.returncode == 0, done.stderr
    runs = {run.path.name: run.path for run in Store(two.mine).runs()}
    sent = two.runs_of("lab1") | two.runs_of("lab2")
    assert len(runs) == 2
    assert {name: contents(path) for name, path in runs.items()} == {
        name: contents(path) for name, path in sent.items()
    }
    assert all(run.manifest().status == "complete" for run in Store(two.mine).runs())
    assert (two.mine / "report" / "report.md").exists()
    assert not list(two.workers["lab1"].folder.rglob("report.md"))


def test_the_same_campaign_fetches_what_is_there_and_measures_nothing_again(two: TestFleet) -> None:
    first = two.run("--preset", "quick", "--campaign", "one", "--at", "lab1")
    before = contents(two.mine / "runs")
    second = two.run("--preset", "quick", "--campaign", "one", "--at", "lab1")
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert "(there already)" in second.stderr
    assert contents(two.mine / "runs") == before
    assert list(two.runs_of("lab2")) == []


def test_programs_that_stay_end_with_status_0_and_a_worker_joins_once(two: TestFleet) -> None:
    one = two.workers["lab1"]
    again = call(
        "fleet", "join", two.address, module=FAKE, env={"XDG_RUNTIME_DIR": str(one.folder)}
    )
    assert "this machine's worker is in use by another process" in complaint(again)
    assert one.end(signal.SIGINT) == 0
    status = call("fleet", "status", two.address, module=FAKE)
    assert "lab2" in status.stdout
    assert "lab1" not in status.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fleet",), "lacks a word"),
        (("fleet", "strat"), "has no word 'strat': did you mean 'start'?"),
        (("fleet", "join"), "takes 1 address"),
        (("fleet", "join", "tcp://example.org:1"), "isn't this machine's loopback"),
        (("fleet", "start", "--host", "192.0.2.1"), "beyond the loopback needs certificates"),
        (("fleet", "start", "--host", "192.0.2.1"), " fleet certificates`, and copy"),
        (("fleet", "join", "tls://example.org:1"), "beyond the loopback needs certificates"),
        (("fleet", "certificates", "one", "two"), "leave out two"),
        (("fleet", "status", "there"), "is no scheduler's address"),
        (("run", "--at", "lab1"), "--at is for a run over a fleet"),
        (("run", "--fleet", "tcp://127.0.0.1:1", "--resume", "latest"), "--campaign ID"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: tuple[str, ...], said: str) -> None:
    assert said in complaint(call(*words, module=FAKE))


def test_jobs_of_several_campaigns_never_share_a_host(two: TestFleet) -> None:
    flags = ("--preset", "quick", "--campaign")
    with two.running(*flags, "one") as first, two.running(*flags, "two") as second:
        assert [it.process.wait(90) for it in (first, second)] == [0, 0], first.said + second.said
    assert len(Store(two.mine).runs()) == 4
    spans = [*spans_of(two, "lab1"), *spans_of(two, "lab2")]
    assert len(spans) == 4
    assert overlapping(two, "lab1") == overlapping(two, "lab2") == []


def test_a_job_waits_while_a_person_measures_at_its_target(two: TestFleet) -> None:
    worker = two.workers["lab1"]
    lock = worker.folder / "shufflenet-bench" / "locks" / "cpu.lock"
    with two.running("--preset", "quick", "--at", "lab1") as client:
        with held(lock, "target cpu"):
            eventually(lambda: "waits: target cpu is in use" in worker.said)
            assert client.process.poll() is None
        assert client.process.wait(90) == 0, client.said
    assert len(two.runs_of("lab1")) == 1
