"""Which GPU is meant: --gpu, else CUDA_VISIBLE_DEVICES, else the first one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.core.errors import InputError, Unavailable
from bench.devices.nvidia.nvml import Nvml


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU, or an instance that MIG made of one.

    `handle` is its own. `card` is that of the whole card, which alone has clocks and power.
    """

    uuid: str
    handle: Any
    card: Any
    mig: bool = False


def choose(nvml: Nvml, *, name: str | None, visible: str | None, order: str | None = None) -> Gpu:
    """Return the GPU called `name` (UUID, its beginning, or index), or the first visible one.

    An index in `name` counts as nvidia-smi does, by PCI address. `visible` is
    CUDA_VISIBLE_DEVICES and `order` CUDA_DEVICE_ORDER, None where it isn't set. Raises Unavailable
    where there is none, InputError where a name fits none or an index is CUDA's own.
    """
    everything = _all(nvml)
    if not everything:
        raise Unavailable(
            "the driver sees no NVIDIA GPU", hint="see `nvidia-smi -L`; is the card seated?"
        )
    _check_order(nvml, everything, visible, order)
    allowed = _visible(nvml, everything, visible)
    if name is None:
        return _whole(nvml, allowed[0])
    chosen = _find(nvml, everything, name, "--gpu")
    if chosen.uuid not in {gpu.uuid for gpu in allowed}:
        raise InputError(
            f"--gpu {name} is hidden by CUDA_VISIBLE_DEVICES={visible}",
            hint="leave one of the two out",
        )
    return _whole(nvml, chosen)


def count(nvml: Nvml) -> int:
    """Return how many cards the driver sees."""
    return int(nvml.ask("nvmlDeviceGetCount") or 0)


def _all(nvml: Nvml) -> list[Gpu]:
    gpus = []
    for index in range(count(nvml)):
        handle = nvml.ask("nvmlDeviceGetHandleByIndex", args=(index,))
        uuid = None if handle is None else nvml.text("nvmlDeviceGetUUID", args=(handle,))
        if uuid is not None:
            gpus.append(Gpu(uuid=uuid, handle=handle, card=handle))
    return gpus


def instances(nvml: Nvml, card: Any) -> list[Gpu]:
    """Return the instances that MIG made of `card`, nothing where MIG is off."""
    mode = nvml.ask("nvmlDeviceGetMigMode", args=(card,))
    if not mode or mode[0] != 1:
        return []
    gpus = []
    for index in range(int(nvml.ask("nvmlDeviceGetMaxMigDeviceCount", args=(card,)) or 0)):
        handle = nvml.ask("nvmlDeviceGetMigDeviceHandleByIndex", args=(card, index))
        uuid = None if handle is None else nvml.text("nvmlDeviceGetUUID", args=(handle,))
        if uuid is not None:
            gpus.append(Gpu(uuid=uuid, handle=handle, card=card, mig=True))
    return gpus


def every_gpu(nvml: Nvml) -> list[Gpu]:
    """Return what can be measured on: each card, or the instances that MIG made of it."""
    return [it for gpu in _all(nvml) for it in instances(nvml, gpu.card) or [gpu]]


def _visible(nvml: Nvml, everything: list[Gpu], visible: str | None) -> list[Gpu]:
    """Return what CUDA_VISIBLE_DEVICES leaves, in its order; CUDA stops at the first bad entry."""
    if visible is None:
        return [
            *everything,
            *(instance for gpu in everything for instance in instances(nvml, gpu.card)),
        ]
    names = [name.strip() for name in visible.split(",")]
    kept: list[Gpu] = []
    for name in names:
        if name in ("", "-1", "NoDevFiles"):
            break
        kept.append(_find(nvml, everything, name, "CUDA_VISIBLE_DEVICES"))
    if not kept:
        raise Unavailable(
            f"CUDA_VISIBLE_DEVICES={visible} hides every GPU", hint="unset it, or name one there"
        )
    return kept


def _check_order(nvml: Nvml, everything: list[Gpu], visible: str | None, order: str | None) -> None:
    """Raise InputError for an index that CUDA counts by speed and NVML by PCI address."""
    indices = [name.strip() for name in (visible or "").split(",") if name.strip().isdigit()]
    if not indices or order == "PCI_BUS_ID":
        return
    if len({_kind(nvml, gpu) for gpu in everything}) > 1:
        uuids = ", ".join(gpu.uuid for gpu in everything)
        raise InputError(
            f"CUDA_VISIBLE_DEVICES={visible} counts in CUDA's order, the fastest first, and the "
            "GPUs here differ",
            hint=f"set CUDA_DEVICE_ORDER=PCI_BUS_ID, which counts as nvidia-smi does, or name "
            f"UUIDs: {uuids}",
        )


def _kind(nvml: Nvml, gpu: Gpu) -> tuple[object, ...]:
    memory = nvml.ask("nvmlDeviceGetMemoryInfo", args=(gpu.handle,))
    capability = nvml.ask("nvmlDeviceGetCudaComputeCapability", args=(gpu.card,))
    return (
        nvml.text("nvmlDeviceGetName", args=(gpu.handle,)),
        tuple(capability or ()),
        getattr(memory, "total", None),
    )


def _find(nvml: Nvml, everything: list[Gpu], name: str, where: str) -> Gpu:
    if name.isascii() and name.isdigit():
        matching = everything[int(name) :][:1]
    else:
        known = [
            *everything,
            *(instance for gpu in everything for instance in instances(nvml, gpu.card)),
        ]
        matching = [gpu for gpu in known if gpu.uuid.startswith(name)]
    if len(matching) != 1:
        what = "fits several GPUs" if matching else "fits no GPU"
        raise InputError(f"{where} {name} {what}", hint="see `nvidia-smi -L` for those there are")
    return matching[0]


def _whole(nvml: Nvml, gpu: Gpu) -> Gpu:
    """Return `gpu`, unless it is a card that MIG has split, which CUDA can't use as one."""
    parts = [] if gpu.mig else instances(nvml, gpu.card)
    if parts:
        raise InputError(
            f"GPU {gpu.uuid} is split by MIG",
            hint=f"name an instance with --gpu: {', '.join(part.uuid for part in parts)}",
        )
    return gpu
