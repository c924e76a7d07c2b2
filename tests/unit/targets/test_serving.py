"""Which engines serve which GPU: by compute capability, driver, and what the machine has."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.runners import RUNNERS
from bench.targets.base import Given
from bench.targets.nvidia import NvidiaTarget
from bench.targets.serving import Card, gpu_environments, refusals, with_own_engines
from tests.fakes.nvml import FakeCard, nvml
from tests.unit.environments.test_given_interpreters import telling

GPU_RUNNERS = {name for name, entry in RUNNERS.items() if entry.target == "nvidia-gpu"}
CUDA, RTX = "onnxruntime-cuda", "onnxruntime-tensorrt-rtx"
TRT = "onnxruntime-tensorrt"
NEW_DRIVER = "580.65.06"


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with each Python and enough disk."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**40))
    problem = Environments.problem

    def own_alone(self: Environments, name: str) -> Unavailable | None:
        return None if ENVIRONMENTS[name].lock else problem(self, name)

    monkeypatch.setattr(Environments, "problem", own_alone)


def card(capability: str, driver: str | None = NEW_DRIVER) -> Card:
    return Card(name="NVIDIA X", capability=capability, driver=driver)


def served(it: Card, cache: Path, environments: Environments | None = None) -> set[str]:
    return GPU_RUNNERS - set(refusals(it, RUNNERS, environments or Environments(cache)))


@pytest.mark.parametrize(
    ("capability", "runners"),
    [
        ("5.2", set()),
        ("6.0", {"tensorrt"}),
        ("6.1", {"tensorrt", "paddle-tensorrt"}),
        ("7.0", {"tensorrt", "paddle-tensorrt"}),
        ("7.5", {"tensorrt", "paddle-tensorrt", CUDA, TRT}),
        ("8.6", {"tensorrt", "paddle-tensorrt", CUDA, TRT, RTX}),
        ("8.9", {"tensorrt", CUDA, TRT, RTX}),
        ("9.0", {"tensorrt", CUDA, TRT, RTX}),
        ("12.0", {CUDA, TRT, RTX}),
        ("13.0", set()),
    ],
)
def test_a_card_is_served_by_the_engines_that_have_kernels_for_it(
    capability: str, runners: set[str], tmp_path: Path
) -> None:
    assert served(card(capability), tmp_path) == runners


def test_the_sentence_names_the_engines_range_and_the_cards_capability(tmp_path: Path) -> None:
    error = refusals(card("9.0"), RUNNERS, Environments(tmp_path))["paddle-tensorrt"]
    assert error.problem == (
        "paddle-tensorrt has kernels for compute capability 6.1 to 8.6, and NVIDIA X has 9.0"
    )
    assert error.hint == f"measure it with --runner {CUDA} or {RTX} or tensorrt or {TRT}"
    oldest = refusals(card("5.2"), RUNNERS, Environments(tmp_path))["paddle-tensorrt"]
    assert oldest.hint == "measure on a later GPU"
    newest = refusals(card("12.0"), RUNNERS, Environments(tmp_path))["tensorrt"]
    assert "a Python with a later TensorRT serves it: --env gpu=PATH" in newest.hint


@pytest.mark.parametrize(
    ("driver", "is_served"),
    [("450.79", False), ("450.80.02", True), ("449", False), ("1000.1", True), (None, True)],
)
def test_the_driver_has_to_be_as_new_as_the_environments_libraries(
    driver: str | None, is_served: bool, tmp_path: Path
) -> None:
    refused = refusals(card("7.0", driver), RUNNERS, Environments(tmp_path))
    assert ("tensorrt" not in refused) == is_served
    if not is_served:
        assert refused["tensorrt"].problem == (
            "environment gpu-volta takes an NVIDIA driver from 450.80 on, and this machine has "
            f"{driver}"
        )
        assert refused["tensorrt"].hint == "update the driver and restart"


def test_a_python_of_ones_own_brings_its_own_libraries_whatever_the_driver(tmp_path: Path) -> None:
    environments = Environments(tmp_path, {"gpu-volta": tmp_path / "python"})
    assert "tensorrt" not in refusals(card("7.0", "440.1"), RUNNERS, environments)


@pytest.mark.parametrize(
    ("package", "capability", "env", "is_served"),
    [
        ("tensorrt", "12.0", "gpu", True),
        ("tensorrt_cu13", "12.1", "gpu", True),
        ("tensorrt", "7.0", "gpu", False),
        ("onnxruntime-gpu", "9.0", "gpu-volta", True),
        ("onnxruntime-gpu", "12.0", "gpu-volta", False),
    ],
)
def test_a_later_tensorrt_of_ones_own_serves_later_cards(
    package: str, capability: str, env: str, is_served: bool, tmp_path: Path
) -> None:
    given = {"gpu": telling(tmp_path, {package: "1.0"})}
    runners = with_own_engines(RUNNERS, given)
    assert runners["tensorrt"].env == env
    refused = refusals(card(capability), runners, Environments(tmp_path, given))
    assert ("tensorrt" not in refused) == is_served


def test_without_a_python_of_ones_own_the_table_stays_as_it_is(tmp_path: Path) -> None:
    assert with_own_engines(RUNNERS, {}) is RUNNERS
    assert with_own_engines(RUNNERS, {"gpu": tmp_path / "gone"}) is RUNNERS


def test_a_python_that_is_missing_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Unavailable("there is no Python 3.10 on this machine", hint="install one")
    monkeypatch.setattr(Environments, "problem", lambda *_: missing)
    assert refusals(card("7.0"), RUNNERS, Environments(tmp_path))["tensorrt"] is missing


def test_a_built_environment_needs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert "of disk are free" in str(refusals(card("7.0"), RUNNERS, Environments(tmp_path)))
    monkeypatch.setattr(Environments, "is_built", lambda *_: True)
    assert served(card("7.0"), tmp_path) >= {"tensorrt", "paddle-tensorrt"}


def test_the_target_tells_what_its_own_card_and_driver_refuse(tmp_path: Path) -> None:
    here = NvidiaTarget(
        NvidiaTarget.describe(given(tmp_path)),
        nvml=nvml(FakeCard("GPU-1", CudaComputeCapability=(9, 0)), DriverVersion="470.1"),
        environ={},
    )
    refused = here.refusals(RUNNERS, Environments(tmp_path))
    assert set(refused) == {"paddle-tensorrt", "torch-cuda", CUDA, TRT, RTX}
    assert refused[CUDA].problem == (
        "environment gpu takes an NVIDIA driver from 580 on, and this machine has 470.1"
    )


def given(cache: Path) -> Given:
    return Given(flags={}, cache=cache, envs={})


def test_each_environment_of_a_gpu_says_what_driver_and_disk_it_takes() -> None:
    specs = {name: ENVIRONMENTS[name] for name in gpu_environments(RUNNERS)}
    built = {name: it for name, it in specs.items() if it.lock}
    assert set(built) == {"gpu", "gpu-volta"}
    assert all(it.driver and it.disk_gib for it in built.values())


def test_pytorch_is_of_the_users_own_and_serves_any_card_where_it_is_given(tmp_path: Path) -> None:
    error = refusals(card("9.0"), RUNNERS, Environments(tmp_path))["torch-cuda"]
    assert "give a Python that has torch: --env torch=PATH" in error.hint
    given = Environments(tmp_path, {"torch": tmp_path / "python"})
    assert served(card("5.2"), tmp_path, given) == {"torch-cuda"}
