"""What the runners of an NVIDIA GPU share: its state around the samples, and the error of a net of
which the engine took a part only.

The state is read right before and after a session's samples in its own process: the parent's
readings come seconds later, when the clock has long changed. Energy and the time that limits held
the clock back are differences, so that load and build aren't in them.
"""

from __future__ import annotations

from bench.core.errors import BenchError
from bench.core.gpu_state import KEY
from bench.devices.nvidia.choice import Gpu, choose
from bench.devices.nvidia.nvml import Nvml, open_nvml
from bench.devices.nvidia.readings import Scalar, read


class NotOffloaded(BenchError):
    """The engine took the net in part or not at all: its time is no figure of that engine."""

    kind = "not-offloaded"


def partly(sentence: str, partial: str) -> str:
    """Return the fact that the engine took a part of the net, which `sentence` tells.

    Raises NotOffloaded unless `partial` is "allowed".
    """
    if partial != "allowed":
        raise NotOffloaded(
            sentence,
            hint="--allow-partial measures it all the same and marks it so in every table",
        )
    return f"partial ({sentence})"


class Gauge:
    """Reads one GPU; has no figures where this interpreter has no NVML."""

    def __init__(self, nvml: Nvml | None, gpu: Gpu | None) -> None:
        self._nvml, self._gpu = nvml, gpu
        self._before: dict[str, Scalar] = {}

    def begin(self) -> None:
        """Note the state before the samples."""
        self._before = self._read()

    def end(self, count: int) -> dict[str, float]:
        """Return the covariates of the `count` inferences since `begin`."""
        after = self._read()
        values: dict[str, float | None] = {
            "sm_mhz_begin": _number(self._before, "sm_mhz"),
            "sm_mhz_end": _number(after, "sm_mhz"),
            "memory_mhz_end": _number(after, "memory_mhz"),
            "gpu_temperature_c_end": _number(after, "gpu_temperature_c"),
            "power_w_end": _number(after, "power_w"),
            "energy_mj_per_inference": self._grown(after, "energy_mj", max(count, 1)),
            "power_violation_ms": self._grown(after, "power_violation_ns", 1e6),
            "thermal_violation_ms": self._grown(after, "thermal_violation_ns", 1e6),
        }
        if KEY in self._before or KEY in after:
            values[KEY] = int(self._before.get(KEY, 0)) | int(after.get(KEY, 0))
        return {name: value for name, value in values.items() if value is not None}

    def _read(self) -> dict[str, Scalar]:
        if self._nvml is None or self._gpu is None:
            return {}
        return read(self._nvml, self._gpu)

    def _grown(self, after: dict[str, Scalar], name: str, per: float) -> float | None:
        first, last = _number(self._before, name), _number(after, name)
        return None if first is None or last is None else round((last - first) / per, 6)


def open_gauge(uuid: str | None) -> Gauge:
    """Return the gauge of the GPU with that UUID, a silent one where it can't be reached."""
    try:
        nvml = open_nvml()
        return Gauge(nvml, choose(nvml, name=uuid, visible=None))
    except BenchError:
        return Gauge(None, None)


def _number(values: dict[str, Scalar], name: str) -> float | None:
    value = values.get(name)
    return value if isinstance(value, int | float) else None
