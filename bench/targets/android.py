"""An Android phone over ADB, locked to this run, its folder there cleaned at the end.

A connection is opened for each reading and closed again: over USB the device serves one at a time,
and between readings that is the worker's.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from bench.config.project import default_agent
from bench.core.cell import DEVICE_ID, TargetSpec
from bench.core.digest import canonical_digest
from bench.core.errors import DeviceError, DeviceLost, DeviceNotFound, DeviceTimeout, Unavailable
from bench.core.locks import held, runtime_folder
from bench.core.output import say
from bench.devices.android.adb.device import Device
from bench.devices.android.adb.find import VARIABLES, choose, open_device
from bench.devices.android.cooldown import wait_until_cool
from bench.devices.android.device_program import check_program
from bench.devices.android.identity import (
    Cluster,
    PhoneFacts,
    _hardware,
    big_cores,
    heading,
    read_identity,
    serial_digest,
)
from bench.devices.android.preflight import notes, preflight
from bench.devices.android.state import read_state
from bench.devices.android.workspace import Workspace
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Scalar, System
from bench.targets.base import Given, Missing, Readings, refused

COMES_BACK_S = 60.0
_POLL_S = 1.0
_GONE = {error.kind for error in (DeviceLost, DeviceTimeout, DeviceNotFound)}


def _tell(note: str) -> None:
    say(f"phone: {note}")


class AndroidTarget:
    """One phone, from its lock to its clean-up. Raises DeviceError and Unavailable."""

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        """Return the phone that the flags name, the program that runs there, and the way to it."""
        flags, tool = given.flags, given.flags.get("benchmark_bin")
        return TargetSpec(
            kind="android",
            device=flags.get("device"),
            agent=str(flags.get("agent", default_agent()).absolute()),
            benchmark_bin=None if tool is None else str(tool.absolute()),
            transport=flags.get("transport"),
        )

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        """Return whether the program that runs there is missing, or the phone."""
        return [*_missing_program(spec), *refused(lambda: choose(spec.device))]

    def __init__(self, spec: TargetSpec) -> None:
        self.spec = replace(spec, device=choose(spec.device))
        if spec.device is None and self.spec.device == os.environ.get("ANDROID_SERIAL"):
            _tell(f"ANDROID_SERIAL names {self.spec.device}")
        self._held = ExitStack()
        with self._connected() as device:
            facts = read_identity(device)
            preflight(device, facts)
            self._id = serial_digest(device)
            self._held.enter_context(
                held(runtime_folder() / f"phone-{self._id}.lock", f"phone {self._id}")
            )
            Workspace(device).clean()  # what a run that was cut off may have left
        self.system = system_of(facts)
        self.cores = facts.cores
        self.spec = replace(self.spec, big_cores=tuple(sorted(big_cores(facts))))
        for note in notes(self.state()):
            _tell(note)

    @contextmanager
    def _connected(self) -> Iterator[Device]:
        device = open_device(self.spec.device or "", transport=self.spec.transport)
        try:
            yield device
        finally:
            device.close()

    def state(self) -> Mapping[str, Scalar]:
        """Read the phone's state, waiting for it where it has just gone."""
        for last in (False, True):
            try:
                with self._connected() as device:
                    return {DEVICE_ID: self._id, **read_state(device)}
            except DeviceError as error:
                if last or not self._returns(error.kind):
                    raise
        raise AssertionError("the loop returns or raises")

    def ready(self) -> Mapping[str, Scalar]:
        """Return the state of a phone that is cool enough; waits for that."""
        return wait_until_cool(self.state, tell=_tell)

    def reconnected(self, failure: ChildFailed) -> bool:
        """Wait for a phone that went away; what still runs there of ours is ended."""
        return self._returns(failure.kind)

    def _returns(self, kind: str) -> bool:
        if kind not in _GONE:
            return False
        gives_up = time.monotonic() + COMES_BACK_S
        while time.monotonic() < gives_up:
            with suppress(DeviceError), self._connected() as device:
                Workspace(device).stop()
                return True
            time.sleep(_POLL_S)
        return False

    def child_env(self, python: Path) -> Mapping[str, str]:
        """Return adb's own variables: a worker connects for itself."""
        del python
        return {name: os.environ[name] for name in VARIABLES if name in os.environ}

    def needs_retry(self, session: Readings) -> bool:
        """Tell no: a session starts on a cool phone."""
        del session
        return False

    def refusals(
        self, runners: Mapping[str, RunnerEntry], environments: Environments
    ) -> Mapping[str, Unavailable]:
        """Return nothing: whether an engine runs here shows when it is opened."""
        del runners, environments
        return {}

    def close(self) -> None:
        """Remove the folder on the phone, where it can still be reached, and give the lock back."""
        with self._held, suppress(DeviceError), self._connected() as device:
            Workspace(device).clean()


def system_of(facts: PhoneFacts) -> System:
    """Return the phone as the results name it: a slug, 8 hex digits over its facts, a heading.

    An emulated one is called that in its very name, whatever chip its properties claim.
    """
    # A cluster that is unplugged shows no clocks: they are no part of the identity.
    chip = replace(facts, clusters=())
    identity = {k: v for k, v in asdict(chip).items() if k not in ("build_digest", "clusters")}
    slug = re.sub(r"[^a-z0-9]+", "-", _hardware(chip).lower()).strip("-")[:40].strip("-")
    cores = f"{facts.cores}c" if facts.cores else ""
    digest = canonical_digest(identity)
    parts = (slug, cores, digest[:8])
    return System(
        system_id="-".join(part for part in parts if part),
        heading=heading(facts),
        emulated=facts.emulated,
        hardware=digest,
        facts=_stored(facts),
    )


def _stored(facts: PhoneFacts) -> dict[str, Scalar | list[str]]:
    values: dict[str, Scalar | list[str] | None] = {
        "model": facts.model, "manufacturer": facts.manufacturer, "soc": facts.soc,
        "abi": facts.abi, "abis": list(facts.abis), "android": facts.android, "sdk": facts.sdk,
        "cores": facts.cores, "clusters": [_in_words(cluster) for cluster in facts.clusters],
        "memory_gib": facts.memory_gib,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def _in_words(cluster: Cluster) -> str:
    return f"cores {','.join(map(str, cluster.cores))}: {cluster.max_khz} kHz"


def _missing_program(spec: TargetSpec) -> list[Missing]:
    tool = spec.benchmark_bin
    if tool is None:
        return refused(lambda: check_program(Path(spec.agent or "")))
    if Path(tool).is_file():
        return []
    return [Missing(f"{tool} is no file", "give benchmark_bin's own path")]
