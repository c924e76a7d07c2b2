"""A stand-in for the module pynvml: cards with the answers that a test gives them.

Functions that a card has no answer for raise NVMLError, as drivers do with NotSupported.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bench.devices.nvidia.nvml import Nvml


class NVMLError(Exception):
    """What pynvml raises for everything."""


class FakeCard:
    """One card: `answers` by NVML's function without its prefix, `mig` its instances."""

    def __init__(self, uuid: str, *, mig: tuple[FakeCard, ...] = (), **answers: Any) -> None:
        self.mig = mig
        self.answers: dict[str, Any] = {
            "UUID": uuid, "Name": "Tesla V100-SXM2-16GB", "CudaComputeCapability": (7, 0),
            "MemoryInfo": SimpleNamespace(total=16 << 30), "ComputeRunningProcesses": [],
        } | answers  # fmt: skip


class FakeNvml:
    """The module. `broken` stands for a driver that doesn't answer at all."""

    NVMLError = NVMLError

    def __init__(self, *cards: FakeCard, broken: str = "", **system: Any) -> None:
        self.cards, self.system, self._broken = cards, system, broken
        self.is_open = False

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's name
        if self._broken:
            raise NVMLError(self._broken)
        self.is_open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeCard:  # noqa: N802
        return self.cards[index]

    def nvmlDeviceGetMigMode(self, card: FakeCard) -> list[int]:  # noqa: N802
        return [1, 1] if card.mig else self._told(card, "MigMode")

    def nvmlDeviceGetMaxMigDeviceCount(self, card: FakeCard) -> int:  # noqa: N802
        return len(card.mig) + 1  # one place of it is empty

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card: FakeCard, index: int) -> FakeCard:  # noqa: N802
        if index >= len(card.mig):
            raise NVMLError("Not Found")
        return card.mig[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("nvmlSystemGet"):
            wanted = name.removeprefix("nvmlSystemGet")
            if wanted in self.system:
                return lambda: self.system[wanted]
        if name.startswith("nvmlDeviceGet"):
            return lambda card, *more: self._told(card, name.removeprefix("nvmlDeviceGet"), *more)
        raise AttributeError(name)

    def _told(self, card: FakeCard, name: str, *more: Any) -> Any:
        """Return an answer; one that is a dict answers by the function's last argument."""
        if name not in card.answers:
            raise NVMLError("Not Supported")
        answer = card.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer[more[-1]] if more and isinstance(answer, dict) else answer


def nvml(*cards: FakeCard, **more: Any) -> Nvml:
    return Nvml(FakeNvml(*cards, **more))
