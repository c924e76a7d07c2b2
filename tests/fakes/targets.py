"""A target that is no machine: what it tells and whether it comes back is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.core.cell import TargetSpec
from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Scalar, System
from bench.targets.base import Given, Missing, Readings
from tests.fakes.values import SYSTEM

HERE = TargetSpec(kind="cpu")


class FakeTarget:
    """Reads its state by `read`; comes back after a failure as often as `returns` says."""

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        return TargetSpec(kind="cpu", device=given.flags.get("device"))

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        return []

    def __init__(
        self,
        read: Callable[[], Mapping[str, Scalar]] = dict,
        *,
        spec: TargetSpec = HERE,
        system: System = SYSTEM,
        returns: Iterable[bool] = (),
        refused: Mapping[str, Unavailable] = {},
    ) -> None:
        self.refused = refused
        self.spec = spec
        self.system = system
        self.cores = 4
        self._read = read
        self._returns = iter(returns)
        self.failures: list[ChildFailed] = []

    def state(self) -> Mapping[str, Scalar]:
        return self._read()

    def ready(self) -> Mapping[str, Scalar]:
        return self._read()

    def reconnected(self, failure: ChildFailed) -> bool:
        self.failures.append(failure)
        return next(self._returns, False)

    def child_env(self, python: Path) -> Mapping[str, str]:
        return {}

    def needs_retry(self, session: Readings) -> bool:
        return False

    def refusals(
        self, runners: Mapping[str, RunnerEntry], environments: Environments
    ) -> Mapping[str, Unavailable]:
        return {name: it for name, it in self.refused.items() if name in runners}

    def close(self) -> None:
        pass
