"""What a GPU is, read once a run: its name, what it can do, and how it is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.errors import Unavailable
from bench.devices.nvidia.choice import Gpu
from bench.devices.nvidia.nvml import CLOCK_MEMORY, CLOCK_SM, Nvml

Scalar = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`facts` belong to the hardware. `setup` is how driver and owner have set it up."""

    name: str
    uuid: str
    capability: str
    facts: Mapping[str, Scalar]
    setup: Mapping[str, Scalar]


def read_identity(nvml: Nvml, gpu: Gpu) -> Identity:
    """Read the identity of `gpu`; what can't be read has no key.

    A GPU whose name can't be read is called by its capability: it was chosen by its UUID. Raises
    Unavailable where not even that can be.
    """
    pair = nvml.ask("nvmlDeviceGetCudaComputeCapability", args=(gpu.card,))
    if pair is None:
        raise Unavailable(
            f"GPU {gpu.uuid} doesn't report its compute capability",
            hint="see whether `nvidia-smi -q` works",
        )
    capability = f"{pair[0]}.{pair[1]}"
    name = nvml.text("nvmlDeviceGetName", args=(gpu.handle,)) or f"NVIDIA GPU {capability}"
    memory = nvml.ask("nvmlDeviceGetMemoryInfo", args=(gpu.handle,))
    facts = {
        "gpu": name,
        "compute_capability": capability,
        "gpu_cores": nvml.ask("nvmlDeviceGetNumGpuCores", args=(gpu.card,)),
        "gpu_memory_mib": None if memory is None else memory.total >> 20,
        "mig": "on" if gpu.mig else "off",
        "max_memory_mhz": nvml.ask("nvmlDeviceGetMaxClockInfo", args=(gpu.card, CLOCK_MEMORY)),
        "max_pcie_generation": nvml.ask("nvmlDeviceGetMaxPcieLinkGeneration", args=(gpu.card,)),
    }
    return Identity(
        name=name, uuid=gpu.uuid, capability=capability, facts=_known(facts),
        setup=_known(_setup(nvml, gpu.card)),
    )  # fmt: skip


def _setup(nvml: Nvml, card: Any) -> dict[str, Scalar | None]:
    power_mw = nvml.ask("nvmlDeviceGetEnforcedPowerLimit", args=(card,))
    return {
        "driver": nvml.text("nvmlSystemGetDriverVersion"),
        "cuda_driver": _cuda_version(nvml),
        "persistence": _switch(nvml.ask("nvmlDeviceGetPersistenceMode", args=(card,))),
        "compute_mode": _compute_mode(nvml.ask("nvmlDeviceGetComputeMode", args=(card,))),
        "ecc": _switch(_first(nvml.ask("nvmlDeviceGetEccMode", args=(card,)))),
        "max_sm_mhz": nvml.ask("nvmlDeviceGetMaxClockInfo", args=(card, CLOCK_SM)),
        "application_sm_mhz": nvml.ask("nvmlDeviceGetApplicationsClock", args=(card, CLOCK_SM)),
        "power_limit_w": None if power_mw is None else round(power_mw / 1000, 1),
        "pcie_generation": nvml.ask("nvmlDeviceGetCurrPcieLinkGeneration", args=(card,)),
    }


def _cuda_version(nvml: Nvml) -> str | None:
    """Return 12.4 for NVML's 12040."""
    names = ("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion")
    number = nvml.ask(*names)
    return None if number is None else f"{number // 1000}.{number % 1000 // 10}"


_COMPUTE_MODES = {0: "default", 2: "prohibited", 3: "exclusive process"}


def _compute_mode(number: int | None) -> str | None:
    return None if number is None else _COMPUTE_MODES.get(number, str(number))


def _switch(value: int | None) -> str | None:
    return None if value is None else "on" if value else "off"


def _first(pair: Any) -> Any:
    return None if pair is None else pair[0]


def _known(values: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    return {name: value for name, value in values.items() if value is not None}
