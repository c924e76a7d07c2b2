"""Which GPU is meant, by flag, by environment, by MIG."""

from __future__ import annotations

import pytest

from bench.core.errors import BenchError, InputError, Unavailable
from bench.devices.nvidia.choice import Gpu, choose
from tests.fakes.nvml import FakeCard, nvml

FIRST, SECOND = FakeCard("GPU-aaaa-1"), FakeCard("GPU-aabb-2")
PART, OTHER = FakeCard("MIG-1111"), FakeCard("MIG-2222")
SPLIT = FakeCard("GPU-cccc-3", mig=(PART, OTHER))


def chosen(*cards: FakeCard, name: str | None = None, visible: str | None = None) -> Gpu:
    return choose(nvml(*cards), name=name, visible=visible)


def refusal(*cards: FakeCard, name: str | None = None, visible: str | None = None) -> BenchError:
    with pytest.raises(BenchError) as caught:
        chosen(*cards, name=name, visible=visible)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("name", "visible", "uuid"),
    [
        (None, None, "GPU-aaaa-1"),
        ("1", None, "GPU-aabb-2"),
        ("GPU-aabb-2", None, "GPU-aabb-2"),
        ("GPU-aab", None, "GPU-aabb-2"),
        (None, "1", "GPU-aabb-2"),
        (None, "1,0", "GPU-aabb-2"),
        (None, "GPU-aabb", "GPU-aabb-2"),
        (None, "1,-1,0", "GPU-aabb-2"),
        ("0", "1, 0", "GPU-aaaa-1"),
    ],
)
def test_a_gpu_is_named_by_flag_by_environment_or_is_the_first(
    name: str | None, visible: str | None, uuid: str
) -> None:
    assert chosen(FIRST, SECOND, name=name, visible=visible).uuid == uuid


FAST = FakeCard("GPU-ffff-9", Name="NVIDIA H200", CudaComputeCapability=(9, 0))


@pytest.mark.parametrize("order", [None, "FASTEST_FIRST"])
def test_an_index_in_cudas_order_is_refused_among_differing_cards(order: str | None) -> None:
    with pytest.raises(InputError) as caught:
        choose(nvml(FIRST, FAST), name=None, visible="0", order=order)
    assert "CUDA's order" in caught.value.problem
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in caught.value.hint
    assert "GPU-ffff-9" in caught.value.hint


@pytest.mark.parametrize(
    ("visible", "order", "uuid"),
    [
        ("1", "PCI_BUS_ID", "GPU-ffff-9"),
        ("GPU-ffff-9", None, "GPU-ffff-9"),
        (None, None, "GPU-aaaa-1"),
    ],
)
def test_among_differing_cards_a_uuid_or_an_index_in_pcis_order_will_do(
    visible: str | None, order: str | None, uuid: str
) -> None:
    assert choose(nvml(FIRST, FAST), name=None, visible=visible, order=order).uuid == uuid


def test_a_gpu_that_the_environment_hides_is_refused() -> None:
    error = refusal(FIRST, SECOND, name="0", visible="1")
    assert isinstance(error, InputError)
    assert error.problem == "--gpu 0 is hidden by CUDA_VISIBLE_DEVICES=1"
    assert refusal(FIRST, SECOND, name="0", visible="1,-1,0").problem.startswith("--gpu 0 is hid")


@pytest.mark.parametrize("visible", ["", "-1", "NoDevFiles"])
def test_an_environment_that_hides_everything_is_told(visible: str) -> None:
    error = refusal(FIRST, visible=visible)
    assert isinstance(error, Unavailable)
    assert error.problem == f"CUDA_VISIBLE_DEVICES={visible} hides every GPU"


@pytest.mark.parametrize(
    ("name", "problem"),
    [("2", "fits no GPU"), ("GPU-zz", "fits no GPU"), ("GPU-aa", "fits several GPUs")],
)
def test_a_name_that_fits_not_exactly_one_is_refused(name: str, problem: str) -> None:
    assert refusal(FIRST, SECOND, name=name).problem == f"--gpu {name} {problem}"
    named = refusal(FIRST, SECOND, visible=name).problem
    assert named == f"CUDA_VISIBLE_DEVICES {name} {problem}"


def test_a_driver_that_sees_no_card_is_told() -> None:
    assert refusal().problem == "the driver sees no NVIDIA GPU"


@pytest.mark.parametrize("name", [None, "0", "GPU-cccc-3"])
def test_a_card_that_mig_has_split_is_refused_with_its_instances(name: str | None) -> None:
    error = refusal(SPLIT, name=name)
    assert error.problem == "GPU GPU-cccc-3 is split by MIG"
    assert error.hint == "name an instance with --gpu: MIG-1111, MIG-2222"


def test_an_instance_has_a_handle_of_its_own_and_its_cards_clocks() -> None:
    gpu = chosen(FIRST, SPLIT, name="MIG-22")
    assert (gpu.uuid, gpu.handle, gpu.card, gpu.mig) == ("MIG-2222", OTHER, SPLIT, True)
    assert chosen(FIRST, SPLIT, visible="MIG-1111").uuid == "MIG-1111"
