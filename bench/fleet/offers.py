"""What a machine offers to a fleet: its CPU, the phones and the GPUs that it can measure on."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace

from bench.core.errors import BenchError
from bench.devices.android.adb.find import open_device, server_devices, usb_devices
from bench.devices.android.adb.known import READY
from bench.devices.android.identity import heading, read_identity, serial_digest
from bench.devices.host.facts import heading as host_heading
from bench.devices.host.facts import read_host, system_id
from bench.devices.nvidia.choice import every_gpu
from bench.devices.nvidia.identity import read_identity as read_gpu
from bench.devices.nvidia.nvml import open_nvml
from bench.experiments.context import Options
from bench.targets import TARGETS
from bench.targets.base import missing_for

KINDS: Mapping[str, str] = {"cpu": "host", "android": "phone", "nvidia-gpu": "gpu"}
"""What the names of a target's offers begin with, by the target's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A target of a machine.

    `name` is host:<system>, phone:<digest of its serial> or gpu:<UUID>, `title` its hardware, and
    `flags` are what leads `bench run` to it there.
    """

    name: str
    kind: str
    title: str
    flags: tuple[str, ...] = ()


class Finder:
    """Finds what this machine offers: phones come and go, its CPU and GPUs are read once.

    A phone that it knows by its serial isn't connected to again. `options` are the flags that the
    machine's worker was started with.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._phones: dict[str, Offer] = {}
        self._fixed = [*_offers_by(_cpu), *_offers_by(_gpus)]

    def offers(self) -> tuple[Offer, ...]:
        """Return what is there now; what can't be measured on isn't offered."""
        return tuple({it.name: it for it in (*self._fixed, *_offers_by(self._android))}.values())

    def _android(self) -> Iterator[Offer]:
        own = self._options.own.get("device") or os.environ.get("ANDROID_SERIAL")
        ready = [it.name for it in (*server_devices(), *usb_devices()) if it.state == READY]
        for serial in [own] if own else dict.fromkeys(ready):
            with suppress(BenchError):
                known = self._phones.get(serial) if serial in ready else None
                yield known or self._read_phone(serial)

    def _read_phone(self, serial: str) -> Offer:
        """Return the phone of that serial; raises BenchError where it can't be measured on."""
        options = replace(self._options, own={**self._options.own, "device": serial})
        spec = options.target("android")
        if lacks := missing_for(spec):
            raise BenchError(lacks[0].what, hint=lacks[0].remedy)
        with closing(open_device(serial, transport=spec.transport)) as device:
            title, name = heading(read_identity(device)), f"phone:{serial_digest(device)}"
        offer = Offer(name=name, kind="android", title=title, flags=("--device", serial))
        self._phones[serial] = offer
        return offer


def _offers_by(way: Callable[[], Iterable[Offer]]) -> list[Offer]:
    with suppress(BenchError):
        return list(way())
    return []


def _cpu() -> Iterator[Offer]:
    host = read_host()
    yield Offer(name=f"host:{system_id(host)}", kind="cpu", title=host_heading(host))


def _gpus() -> Iterator[Offer]:
    with ExitStack() as stack:
        nvml = stack.enter_context(closing(open_nvml()))
        for gpu in every_gpu(nvml):
            yield Offer(
                name=f"gpu:{gpu.uuid}",
                kind="nvidia-gpu",
                title=read_gpu(nvml, gpu).name,
                flags=("--gpu", gpu.uuid),
            )


def kind_of(name: str) -> str | None:
    """Return the target's kind of an offer's name, None where it is another thing's."""
    beginning, colon, _ = name.partition(":")
    kinds = {word: kind for kind, word in KINDS.items()}
    return kinds.get(beginning) if colon else None


def flags_of(kind: str, options: Options) -> tuple[str, ...]:
    """Return the flags of this machine's worker that are for jobs of a target of that kind."""
    own = {it.name for it in TARGETS[kind].options} - {"device", "gpu"}
    mine = replace(options, own={k: v for k, v in options.own.items() if k in own})
    return tuple(shlex.split(" ".join(mine.again(("models", "cache"), {kind: TARGETS[kind]}))))
