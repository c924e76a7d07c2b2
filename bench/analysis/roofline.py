"""The least time that an inference can take: its MACs over the peak rate of the cores in use. Pure.

A figure below that bound is wrong, whatever made it: a clock, a net that isn't run, a reply of
another inference. No true figure may ever be below it, so every part is generous:

- MACs a cycle: two vector units of the widest instructions that the system lists, four on ARM;
  lower precisions have their dot products and tiles.
- Clock: CLOCK_HZ for every core. What a system says of its clocks is no ceiling: a virtual machine
  shows the nominal one, acpi-cpufreq leaves boost out, an unplugged cluster shows none.
- FAST_CONVOLUTION: Winograd's F(6x6, 3x3) needs 64 multiplications for 324, one in 5.06, and
  Strassen's products in MNN save some more. Depthwise and 1x1 convolutions hardly gain; which share
  of a net's MACs they are isn't stored, so that all are allowed it.
- Cores: the threads asked for, or more where more worked, up to the affinity.

- A GPU: one MAC a cycle in each of its CUDA cores, as NVML counts them; tensor cores add to it in
  lower precisions, TF32 being off. Without their number there is no bound.

Memory has no part in it: a small net's weights stay in the caches, on a GPU in its second level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.core.cell import Cell
from bench.core.units import NS_PER_S, number_of, significant, to_ms
from bench.storage.schema.latency import Costs

CLOCK_HZ = 6.5e9
"""Above every processor that is sold: the fastest reach 6.2 GHz, phones 4.6 GHz."""

GPU_CLOCK_HZ = 4e9
"""Above every GPU that is sold: the fastest reach 3.2 GHz."""

FAST_CONVOLUTION = 6.0

# FP32 multiply-adds of a core in a cycle. `neon` is what macOS is said to have, whose matrix unit
# does 256; of the same unit is SME. AVX has no fused ones: a multiplication and an addition.
_PER_CYCLE = {
    "avx": 8, "avx2": 16, "avx512f": 32, "asimd": 16, "sve": 32, "neon": 512, "sme": 512,
}  # fmt: skip
_PER_CYCLE_OF_ABI = {"x86_64": 8, "arm64-v8a": 16, "armeabi-v7a": 8}
_GAIN = {"fp32": 1, "fp16": 4, "bf16": 4, "int8": 8}
_GAIN_OF_TILES = {"fp32": 1, "fp16": 32, "bf16": 32, "int8": 64}  # amx_tile: 1024 and 2048 a cycle
# Tensor cores: 2250 TFLOPS of FP16 beside 80 of FP32 in the greatest step so far, twice that for
# sparse weights, and twice again for each halving of the type.
_GAIN_OF_GPU = {"fp32": 1, "fp16": 64, "bf16": 64, "int8": 128, "fp4": 256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least that a call of `macs` multiply-adds takes on `cores` of `rate` MAC/s each.

    `of` is what has the cores: CPU or GPU.
    """

    macs: float
    cores: int
    rate: float
    of: str = "CPU"

    @property
    def least_ns(self) -> float:
        return self.macs / (self.cores * self.rate * FAST_CONVOLUTION) * NS_PER_S


def core_rate(system: Mapping[str, object], *precisions: str) -> float | None:
    """Return the most MAC/s that one core of a system of these facts does, None: not known.

    Of several precisions the fastest counts; an unknown one may be as fast as any.
    """
    if "gpu" in system:
        return GPU_CLOCK_HZ * _gain(_GAIN_OF_GPU, precisions)
    simd = system.get("simd")
    flags = {str(flag) for flag in simd} if isinstance(simd, list | tuple) else set()
    widths = [_PER_CYCLE[flag] for flag in flags & _PER_CYCLE.keys()]
    abi = system.get("abi", system.get("architecture"))
    per_cycle = max(widths, default=_PER_CYCLE_OF_ABI.get(str(abi)))
    if per_cycle is None:
        return None
    gains = _GAIN_OF_TILES if "amx_tile" in flags else _GAIN
    return per_cycle * _gain(gains, precisions) * CLOCK_HZ


def _gain(gains: Mapping[str, int], precisions: Sequence[str]) -> int:
    return max(gains.get(precision, max(gains.values())) for precision in precisions)


def most_cores(system: Mapping[str, object], threads: int) -> int | None:
    """Return the cores that work of `threads` threads may use: all of a GPU's, None: not known."""
    if "gpu" not in system:
        return threads
    cores = system.get("gpu_cores")
    return cores if isinstance(cores, int) and cores > 0 else None


def bound(
    cell: Cell, costs: Costs | None, system: Mapping[str, object], facts: Mapping[str, str]
) -> Bound | None:
    """Return the bound of a session of `cell` with these `facts`, None where one isn't known.

    `costs` are of one image; operators that nobody counted leave the MACs unknown.
    """
    if costs is None or costs.uncounted or not costs.macs:
        return None
    effective = facts.get("precision", cell.precision).split(" and ")
    rate = core_rate(system, cell.precision, *effective)
    if rate is None:
        return None
    on_gpu = "gpu" in system
    cores = most_cores(system, max(cell.threads, _whole(facts.get("threads_worked"))))
    if cores is None:
        return None
    if not on_gpu and (affinity := facts.get("affinity")):
        cores = min(cores, len(affinity.split(",")))
    of = "GPU" if on_gpu else "CPU"
    return Bound(macs=costs.macs * cell.batch, cores=cores, rate=rate, of=of)


def contradiction(it: Bound, samples_ns: Sequence[int], variant: str) -> str | None:
    """Return why the median of these samples can't be, None where it can."""
    claimed_ns = median(samples_ns)
    if claimed_ns >= it.least_ns:
        return None
    return (
        f"{variant} has {significant(it.macs / 1e6)} M MACs a call; {number_of(it.cores, 'core')} "
        f"of this {it.of} can't do more than {it.cores * it.rate / 1e9:.0f} GMAC/s, "
        f"{FAST_CONVOLUTION:g} times that with fast convolutions, so no inference takes less than "
        f"{_ms(it.least_ns)}; this session's median is {_ms(claimed_ns)}"
    )


def _ms(ns: float) -> str:
    return f"{significant(to_ms(ns))} ms"


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
