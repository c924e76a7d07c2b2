"""How a GPU is just now. Read around sessions, never among their samples: a query there makes
spikes.

energy_mj and the violations are running counts; what can't be read has no key.
"""

from __future__ import annotations

from bench.core.gpu_state import COMPUTE_PROCESSES, KEY
from bench.devices.nvidia.choice import Gpu
from bench.devices.nvidia.nvml import (
    CLOCK_MEMORY,
    CLOCK_SM,
    POLICY_POWER,
    POLICY_THERMAL,
    TEMPERATURE_GPU,
    Nvml,
)

Scalar = str | int | float

_REASONS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")


def read(nvml: Nvml, gpu: Gpu) -> dict[str, Scalar]:
    """Read clocks, temperature, power, energy, and what holds the clock back."""
    card = gpu.card
    power_mw = nvml.ask("nvmlDeviceGetPowerUsage", args=(card,))
    values = {
        "sm_mhz": nvml.ask("nvmlDeviceGetClockInfo", args=(card, CLOCK_SM)),
        "memory_mhz": nvml.ask("nvmlDeviceGetClockInfo", args=(card, CLOCK_MEMORY)),
        "gpu_temperature_c": nvml.ask("nvmlDeviceGetTemperature", args=(card, TEMPERATURE_GPU)),
        "power_w": None if power_mw is None else round(power_mw / 1000, 3),
        "pstate": nvml.ask("nvmlDeviceGetPerformanceState", args=(card,)),
        "energy_mj": nvml.ask("nvmlDeviceGetTotalEnergyConsumption", args=(card,)),
        KEY: nvml.ask(*_REASONS, args=(card,)),
        "power_violation_ns": _violation_ns(nvml, gpu, POLICY_POWER),
        "thermal_violation_ns": _violation_ns(nvml, gpu, POLICY_THERMAL),
        COMPUTE_PROCESSES: compute_processes(nvml, gpu),
    }
    return {name: value for name, value in values.items() if value is not None}


def compute_processes(nvml: Nvml, gpu: Gpu) -> int | None:
    """Return how many processes compute on `gpu`, None where that can't be read."""
    processes = nvml.ask("nvmlDeviceGetComputeRunningProcesses", args=(gpu.handle,))
    return None if processes is None else len(processes)


def _violation_ns(nvml: Nvml, gpu: Gpu, policy: int) -> int | None:
    """Return for how long a limit has held the clock back, in all."""
    status = nvml.ask("nvmlDeviceGetViolationStatus", args=(gpu.card, policy))
    return None if status is None else int(status.violationTime)
