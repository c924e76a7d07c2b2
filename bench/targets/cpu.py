"""This machine's CPU: always there, never gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench.core.cell import TargetSpec
from bench.core.digest import canonical_digest
from bench.core.errors import Unavailable
from bench.devices.host.facts import (
    HostFacts,
    hardware,
    heading,
    read_host,
    system_id,
    usable_cores,
)
from bench.devices.host.state import read_state
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Scalar, System
from bench.targets.base import Given, Missing, Readings


class CpuTarget:
    """The machine that the harness runs on."""

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        """Return this machine: no flag says anything of it."""
        del given
        return TargetSpec(kind="cpu")

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        """Return nothing: the machine that runs this is there."""
        del spec
        return []

    def __init__(self, spec: TargetSpec) -> None:
        self.spec = spec
        self.system = make_system(read_host())
        self.cores = usable_cores()

    def state(self) -> Mapping[str, Scalar]:
        return read_state()

    def ready(self) -> Mapping[str, Scalar]:
        return read_state()

    def reconnected(self, failure: ChildFailed) -> bool:
        """Tell that it never went: a failure here is the cell's own, whatever `failure` is."""
        del failure
        return False

    def child_env(self, python: Path) -> Mapping[str, str]:
        """Return nothing: an environment's interpreter has all that it needs."""
        del python
        return {}

    def needs_retry(self, session: Readings) -> bool:
        """Tell no: nothing here reports that it held a session back."""
        del session
        return False

    def refusals(
        self, runners: Mapping[str, RunnerEntry], environments: Environments
    ) -> Mapping[str, Unavailable]:
        """Return nothing: whether an engine runs here shows when it is opened."""
        del runners, environments
        return {}

    def close(self) -> None:
        """Nothing to leave."""


def make_system(host: HostFacts) -> System:
    """Return the machine at hand as results/systems stores it."""
    known = {name: value for name, value in asdict(host).items() if value is not None}
    facts = {name: list(v) if isinstance(v, tuple) else v for name, v in known.items()}
    return System(
        system_id=system_id(host),
        heading=heading(host),
        hardware=canonical_digest(hardware(host)),
        facts=facts,
    )
