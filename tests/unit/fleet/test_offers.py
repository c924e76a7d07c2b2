"""What a machine offers: its CPU, each phone by what it is, each GPU or the instances of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.errors import DeviceNotFound, Unavailable
from bench.devices.android.adb.known import Known
from bench.experiments.context import Options
from bench.fleet import offers
from bench.fleet.offers import Finder, flags_of
from bench.targets.base import Missing
from tests.fakes.device import FakeDevice
from tests.fakes.nvml import FakeCard, nvml
from tests.fakes.phones import SD855, answer


class Lab:
    """Phones by their serials, those that are ready, and each that was connected to."""

    def __init__(self) -> None:
        self.ready: list[str] = []
        self.lacks: list[Missing] = []
        self.opened: list[str] = []

    def server_devices(self) -> list[Known]:
        ready = [Known(serial=it, state="device") for it in self.ready]
        return [*ready, Known(serial="dark", state="unauthorized")]

    def open_device(self, serial: str, **_: object) -> FakeDevice:
        self.opened.append(serial)
        if serial not in self.ready:
            raise DeviceNotFound(serial, hint="plug it in")
        return FakeDevice(answer(), properties={**SD855, "ro.serialno": serial}, serial=serial)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab()
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setattr(offers, "server_devices", made.server_devices)
    monkeypatch.setattr(offers, "usb_devices", list)
    monkeypatch.setattr(offers, "open_device", made.open_device)
    monkeypatch.setattr(offers, "missing_for", lambda _: made.lacks)
    monkeypatch.setattr(offers, "open_nvml", _no_driver)
    return made


def _no_driver() -> None:
    raise Unavailable("no driver", hint="install one")


def kinds(finder: Finder) -> list[str]:
    return [it.kind for it in finder.offers()]


def test_each_phone_that_is_ready_is_offered_by_itself_and_connected_to_once(lab: Lab) -> None:
    finder = Finder(Options())
    assert kinds(finder) == ["cpu"]
    lab.ready = ["one", "two"]
    found = finder.offers()
    assert [it.kind for it in found] == ["cpu", "android", "android"]
    assert [it.flags for it in found] == [(), ("--device", "one"), ("--device", "two")]
    assert len({it.name for it in found}) == 3
    assert finder.offers() == found
    assert lab.opened == ["one", "two"]
    lab.ready = ["two"]
    assert finder.offers() == (found[0], found[2])


def test_the_phone_that_a_worker_is_told_is_the_only_one(lab: Lab) -> None:
    lab.ready = ["one", "two"]
    finder = Finder(Options(own={"device": "two"}))
    assert [it.flags for it in finder.offers()] == [(), ("--device", "two")]
    lab.ready = ["one"]
    assert kinds(finder) == ["cpu"]


def test_a_phone_that_cannot_be_measured_on_is_not_offered(lab: Lab) -> None:
    lab.ready, lab.lacks = ["one"], [Missing("the device program is missing", "make agent")]
    assert kinds(Finder(Options())) == ["cpu"]


@pytest.mark.parametrize(
    ("cards", "uuids"),
    [
        ((FakeCard("GPU-1"), FakeCard("GPU-2")), ["GPU-1", "GPU-2"]),
        ((FakeCard("GPU-1", mig=(FakeCard("MIG-1"), FakeCard("MIG-2"))),), ["MIG-1", "MIG-2"]),
    ],
)
def test_every_gpu_is_offered_by_its_uuid(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, cards: tuple[FakeCard, ...], uuids: list[str]
) -> None:
    del lab
    monkeypatch.setattr(offers, "open_nvml", lambda: nvml(*cards))
    _, *found = Finder(Options()).offers()
    assert [(it.name, it.flags) for it in found] == [
        (f"gpu:{uuid}", ("--gpu", uuid)) for uuid in uuids
    ]


def test_a_jobs_flags_are_those_of_its_workers_target_alone() -> None:
    own = {"device": "one", "agent": Path("/a b"), "shared_gpu": True, "gpu": "0", "name": "lab1"}
    options = replace(Options(own=own), cache=Path("/c"), models=Path("/m"))
    shared = ("--models", "/m", "--cache", "/c")
    assert flags_of("cpu", options) == shared
    assert flags_of("android", options) == (*shared, "--agent", "/a b")
    assert flags_of("nvidia-gpu", options) == (*shared, "--shared-gpu")
