"""A job: what it takes of its worker, what it is known by, and which words it runs."""

from __future__ import annotations

from typing import Any

import pytest

from bench.cli.fleet import again_command, job_words
from bench.core.errors import BenchError
from bench.fleet.jobs import (
    HOST,
    WHOLE,
    FleetOptions,
    Job,
    Place,
    fitting,
    jobs_for,
    resources_of,
)
from bench.fleet.offers import kind_of

CPU, PHONE, OTHER, GPU = "host:amd-1", "phone:aa", "phone:bb", "gpu:GPU-1"
PLACES = [
    Place(worker=worker, target=target, title="")
    for worker, target in (("lab1", CPU), ("lab1", PHONE), ("lab1", OTHER), ("lab2", GPU))
]


def job(target: str, **more: Any) -> Job:
    return Job(campaign="one", target=target, worker="lab1", words=("--seed", "1"), **more)


def at_once(*jobs: Job) -> bool:
    """Whether one worker has enough for all of them at the same time."""
    left = resources_of("lab1", [CPU, PHONE, OTHER, GPU])
    for one in jobs:
        for name, amount in one.resources().items():
            left[name] = left.get(name, 0) - amount
    return min(left.values()) >= 0


@pytest.mark.parametrize("target", [CPU, PHONE, GPU])
def test_a_job_takes_its_host_alone_whatever_its_target(target: str) -> None:
    assert at_once(job(target))
    assert not any(at_once(job(target), job(other)) for other in (CPU, PHONE, OTHER, GPU))


def test_jobs_that_share_their_host_leave_it_to_other_devices_and_never_to_its_cpu() -> None:
    phone, other, gpu = (job(it, share_host=True) for it in (PHONE, OTHER, GPU))
    assert at_once(phone, other, gpu)
    assert not at_once(phone, phone)
    assert not at_once(phone, job(CPU, share_host=True))
    assert not at_once(phone, job(OTHER))


def test_a_job_waits_for_its_own_worker_unless_it_may_go_elsewhere() -> None:
    here, anywhere = job(CPU).resources(), job(CPU, elsewhere=True).resources()
    lab2 = resources_of("lab2", [CPU])
    assert not all(lab2.get(name, 0) >= amount for name, amount in here.items())
    assert all(lab2.get(name, 0) >= amount for name, amount in anywhere.items())
    assert anywhere[HOST] == WHOLE


def test_the_same_campaign_target_and_words_are_the_same_job() -> None:
    options = FleetOptions(campaign="one")
    first, again = (jobs_for(PLACES, options, ["--seed", "1"], []) for _ in range(2))
    assert [it.id for it in first] == [it.id for it in again]
    others = [
        *jobs_for(PLACES, options, ["--seed", "2"], []),
        *jobs_for(PLACES, FleetOptions(campaign="two"), ["--seed", "1"], []),
        *first,
    ]
    assert len({it.id for it in others}) == len(others)


@pytest.mark.parametrize(
    ("kind", "chosen", "fit"),
    [
        ("cpu", (), [CPU]),
        ("android", (), [PHONE, OTHER]),
        ("android", (OTHER,), [OTHER]),
        ("android", ("lab1",), [PHONE, OTHER]),
        ("nvidia-gpu", ("lab2",), [GPU]),
    ],
)
def test_the_targets_that_fit_a_suite(kind: str, chosen: tuple[str, ...], fit: list[str]) -> None:
    assert [it.target for it in fitting(PLACES, kind, chosen)] == fit


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        ("nvidia-gpu", ("lab1",), "no gpu is called 'lab1': there is gpu:GPU-1 on lab2"),
        ("cpu", (PHONE,), "no host is called 'phone:aa': there is host:amd-1 on lab1"),
    ],
)
def test_a_name_that_fits_none_is_refused(kind: str, chosen: tuple[str, ...], said: str) -> None:
    with pytest.raises(BenchError) as refused:
        fitting(PLACES, kind, chosen)
    assert str(refused.value) == said


def test_without_such_a_target_one_learns_what_there_is() -> None:
    with pytest.raises(BenchError, match=r"no worker offers a gpu \(there is host:amd-1"):
        fitting(PLACES[:3], "nvidia-gpu", ())
    with pytest.raises(BenchError, match=r"no worker offers a gpu \(no machine has joined\)"):
        fitting((), "nvidia-gpu", ())


@pytest.mark.parametrize(
    ("name", "kind"),
    [(CPU, "cpu"), (PHONE, "android"), (GPU, "nvidia-gpu"), (HOST, None), ("worker:lab1", None)],
)
def test_what_is_a_target_among_a_workers_resources(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_a_job_has_the_words_of_the_run_without_those_of_this_machine() -> None:
    typed = (
        "run net.onnx --fleet tcp://127.0.0.1:1 --results=mine --preset quick --at lab1 --at=lab2 "
        "--elsewhere --share-host --cache c --env paddle=/p --json --explain --verbose --lang zh "
        "--variant x0_25 --campaign one --wait-quiet 5m --gpu 0 --device usb:1-2 --threads=1,2"
    )
    words, again = job_words(typed.split())
    assert " ".join(words) == (
        "net.onnx --preset quick --variant x0_25 --wait-quiet 5m --threads=1,2"
    )
    assert " ".join(again) == "net.onnx --wait-quiet 5m"


def test_an_interrupted_run_goes_on_by_its_own_words_and_its_campaign() -> None:
    typed = ["run", "--fleet", "tcp://127.0.0.1:1", "--campaign", "old", "--variant", "a b"]
    again = again_command(typed, "new")
    assert again.endswith("run --fleet tcp://127.0.0.1:1 --variant 'a b' --campaign new")
