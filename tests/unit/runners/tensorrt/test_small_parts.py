"""The paced loop, the read-back of stderr, and the card on the PCI bus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bench.core.errors import BenchError
from bench.devices.nvidia.presence import has_card
from bench.experiments.context import Options
from bench.runners.base import time_paced
from bench.runners.tensorrt import paddle_log as stderr


class FakeTime:
    """A clock that sleeping and calling move on."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def call(self) -> None:
        self.now_ns += 7

    def clock(self) -> int:
        return self.now_ns


@pytest.mark.parametrize(("pause_s", "slept"), [(0.01, [0.01] * 3), (0.0, [])])
def test_a_pause_comes_before_each_run_and_counts_in_none(
    pause_s: float, slept: list[float]
) -> None:
    time = FakeTime()
    samples = time_paced(time.call, 3, pause_s=pause_s, sleep=time.sleep, clock=time.clock)
    assert samples == [7, 7, 7]
    assert time.slept == slept


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "stderr.log", os.O_WRONLY | os.O_CREAT)
    yield opened
    os.close(opened)


def test_what_was_said_since_a_moment_is_read_back(descriptor: int) -> None:
    os.write(descriptor, b"before\n")
    position = stderr.mark(descriptor)
    os.write(descriptor, "after \xff\n".encode("latin-1"))
    assert stderr.since(position, descriptor) == "after \ufffd\n"


def test_a_stderr_that_is_no_file_is_refused() -> None:
    reading, writing = os.pipe()
    with pytest.raises(BenchError, match="stderr is no file"):
        stderr.mark(writing)
    os.close(reading)
    os.close(writing)


NUMBERS = count()


def pci(root: Path, vendor: str, kind: str) -> None:
    device = root / f"sys/bus/pci/devices/0000:00:{next(NUMBERS):02x}.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")


@pytest.mark.parametrize("kind", ["0x030000", "0x030200"])
def test_a_card_of_nvidias_is_seen_without_a_driver(kind: str, tmp_path: Path) -> None:
    pci(tmp_path, "0x8086", "0x060000")
    assert not has_card(tmp_path)
    pci(tmp_path, "0x10de", kind)
    assert has_card(tmp_path)


def test_neither_another_makers_card_nor_another_device_of_nvidias_is_one(tmp_path: Path) -> None:
    pci(tmp_path, "0x1002", "0x030000")
    pci(tmp_path, "0x10de", "0x040300")
    assert not has_card(tmp_path)


def test_the_command_that_resumes_a_run_has_its_gpu_flags_as_a_person_types_them() -> None:
    options = Options(own={"gpu": "GPU 1", "shared_gpu": True}, envs={"gpu": Path("/my python")})
    typed = ["--gpu 'GPU 1'", "--shared-gpu", "--env gpu='/my python'"]
    assert options.again(()) == typed
