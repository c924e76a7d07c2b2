"""The GPU as a place: alone, named, shown to children alone, and left when it throttles."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import Unavailable
from bench.core.gpu_state import KEY
from bench.launcher.process import ChildFailed
from bench.targets import TARGETS
from bench.targets.nvidia import COOLS_S, NvidiaTarget
from tests.fakes.nvml import FakeCard, nvml
from tests.fakes.values import session

V100: dict[str, Any] = {
    "MaxClockInfo": {1: 1530, 2: 877}, "ClockInfo": {1: 135, 2: 1},
    "CurrentClocksEventReasons": 0x1,
}  # fmt: skip
ONE = SimpleNamespace(pid=1)


def gpu(
    *cards: FakeCard, slept: list[float] | None = None, environ: dict[str, str] | None = None,
    **target: str,
) -> NvidiaTarget:  # fmt: skip
    return NvidiaTarget(
        TargetSpec(kind="nvidia-gpu", **target),  # type: ignore[arg-type]
        nvml=nvml(*(cards or (FakeCard("GPU-1", **V100),)), DriverVersion="550.54.15"),
        environ=environ or {},
        sleep=(slept if slept is not None else list[float]()).append,
    )


def test_it_is_what_the_table_of_targets_names() -> None:
    assert TARGETS["nvidia-gpu"].path == f"{NvidiaTarget.__module__}:NvidiaTarget"


def test_the_target_tells_workers_which_gpu_it_is() -> None:
    target = gpu(FakeCard("GPU-1"), FakeCard("GPU-2", Name="NVIDIA A10"), device="1").spec
    assert (target.device, target.gpu_name, target.capability) == ("GPU-2", "NVIDIA A10", "7.0")
    assert TargetSpec.from_json(target.to_json()) == target


def test_the_system_is_named_after_the_gpu_and_holds_nothing_that_an_update_changes() -> None:
    system = gpu().system
    assert system.heading == "Tesla V100-SXM2-16GB"
    assert system.system_id.startswith("tesla-v100-sxm2-16gb-")
    assert system.facts["compute_capability"] == "7.0"
    assert "cpu_model" in system.facts
    assert not {"driver", "uuid"} & set(system.facts)
    assert "GPU-1" not in str(system)


def test_a_driver_that_tells_the_cores_makes_no_other_system_of_the_card() -> None:
    telling = gpu(FakeCard("GPU-1", NumGpuCores=5120, **V100)).system
    assert telling.facts["gpu_cores"] == 5120
    assert "gpu_cores" not in gpu().system.facts
    assert (telling.system_id, telling.hardware) == (gpu().system.system_id, gpu().system.hardware)


def test_a_card_whose_name_a_binding_can_not_read_is_called_by_what_it_can_do() -> None:
    card = FakeCard("GPU-1", Name=UnicodeDecodeError("utf-8", b"\xb5", 0, 1, "invalid start byte"))
    here = gpu(card)
    assert here.spec.device == "GPU-1"
    assert here.spec.gpu_name == "NVIDIA GPU 7.0"
    assert (
        gpu(FakeCard("GPU-1", Name=b"Tesla \xb5")).spec.gpu_name
        == "Tesla \N{REPLACEMENT CHARACTER}"
    )


def test_another_gpu_in_the_same_machine_is_another_system() -> None:
    other = gpu(FakeCard("GPU-9", Name="NVIDIA A10")).system
    assert other.system_id != gpu().system.system_id
    assert gpu(FakeCard("GPU-7", **V100)).system.system_id == gpu().system.system_id


def test_conditions_are_the_hosts_and_the_gpus_with_how_it_is_set_up() -> None:
    told = gpu().state()
    assert (told["driver"], told["sm_mhz"], told["max_sm_mhz"]) == ("550.54.15", 135, 1530)
    assert "memory_available_mib" in told


def test_two_cards_of_one_name_are_told_apart_without_their_uuid() -> None:
    one, other = (gpu(FakeCard(uuid, **V100)).ready()["device_id"] for uuid in ("GPU-1", "GPU-7"))
    assert one != other
    assert "GPU-1" not in str(one)


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([ONE], "another process computes on Tesla V100-SXM2-16GB"),
        ([ONE] * 3, "3 other processes compute on Tesla V100-SXM2-16GB"),
    ],
)
def test_a_gpu_on_which_others_compute_is_refused(others: list[Any], sentence: str) -> None:
    busy = FakeCard("GPU-1", ComputeRunningProcesses=others)
    with pytest.raises(Unavailable) as caught:
        gpu(busy)
    assert caught.value.problem == sentence
    assert "--shared-gpu" in caught.value.hint
    assert gpu(busy, sharing="allowed").state()["compute_processes"] == len(others)


def test_a_card_that_does_not_tell_its_processes_is_taken() -> None:
    card = FakeCard("GPU-1")
    del card.answers["ComputeRunningProcesses"]
    assert "compute_processes" not in gpu(card).state()


def test_a_child_sees_this_gpu_alone(tmp_path: Path) -> None:
    env = gpu(FakeCard("GPU-1"), FakeCard("GPU-2"), device="GPU-2").child_env(Path("/none/bin/p"))
    assert env == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-2"}


def test_a_child_finds_the_libraries_of_its_interpreter(tmp_path: Path) -> None:
    library = tmp_path / "env/lib/python3.10/site-packages/nvidia/cudnn/lib/libcudnn.so.8"
    library.parent.mkdir(parents=True)
    library.touch()
    here = gpu(engines=str(tmp_path / "cache/engines"), environ={"LD_LIBRARY_PATH": "/wsl"})
    links, *rest = here.child_env(tmp_path / "env/bin/python")["LD_LIBRARY_PATH"].split(":")
    assert Path(links).parent == tmp_path / "cache/links"
    assert rest == [str(library.parent), "/wsl"]


def test_the_environment_variable_of_cuda_is_honoured() -> None:
    here = gpu(FakeCard("GPU-1"), FakeCard("GPU-2"), environ={"CUDA_VISIBLE_DEVICES": "1"})
    assert here.spec.device == "GPU-2"


def test_a_session_may_start_at_once_where_nothing_holds_the_clock() -> None:
    slept: list[float] = []
    gpu(slept=slept).ready()
    assert slept == []


def test_a_session_waits_for_the_clock_to_be_let_go() -> None:
    card, slept = FakeCard("GPU-1", CurrentClocksEventReasons=0x20), []

    class Cools(list[float]):
        def append(self, seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                card.answers["CurrentClocksEventReasons"] = 0x1

    gpu(card, slept=Cools()).ready()
    assert slept == [1.0] * 3


def test_a_clock_that_is_never_let_go_is_measured_and_marked() -> None:
    slept: list[float] = []
    hot = gpu(FakeCard("GPU-1", CurrentClocksEventReasons=0x20), slept=slept)
    assert hot.ready()[KEY] == 0x20
    assert sum(slept) == COOLS_S


@pytest.mark.parametrize("bit", [0x4, 0x8, 0x20, 0x40, 0x80])
def test_a_throttled_session_is_to_be_repeated(bit: int) -> None:
    assert gpu().needs_retry(session(covariates={KEY: bit}))
    assert gpu().needs_retry(session(after={KEY: bit}))


@pytest.mark.parametrize("bit", [0x0, 0x1, 0x2, 0x10, 0x100])
def test_a_session_that_was_not_held_back_stands(bit: int) -> None:
    values = {KEY: bit, "compute_processes": 0}
    assert not gpu().needs_retry(session(before=values, after=values, covariates=values))


def test_a_session_beside_which_another_process_came_is_to_be_repeated_unless_that_is_allowed() -> (
    None
):
    disturbed = session(after={"compute_processes": 1})
    assert gpu().needs_retry(disturbed)
    assert not gpu(sharing="allowed").needs_retry(disturbed)


def test_a_failure_is_the_cells_own_and_nvml_is_closed_at_the_end() -> None:
    here = gpu()
    assert not here.reconnected(ChildFailed(kind="crash", message="m", hint="h"))
    module: Any = here._nvml._module
    assert module.is_open
    here.close()
    assert not module.is_open
