"""Every runner declares what it can do, and can do what it declares."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from bench.runners import RUNNERS
from bench.runners.base import (
    Capability,
    DeviceRunner,
    GaugedSession,
    LayeredSession,
    PairingRunner,
    RemoteSession,
    TargetedRunner,
    capabilities_of,
)
from bench.runners.profiling import ProfiledSession
from bench.targets import TARGETS
from bench.worker.serve import load

OF_RUNNERS: dict[Capability, type] = {
    "device": DeviceRunner, "pair": PairingRunner, "targeted": TargetedRunner,
}  # fmt: skip
OF_SESSIONS: dict[Capability, type] = {
    "gauged": GaugedSession, "layered": LayeredSession, "remote": RemoteSession,
    "profiled": ProfiledSession,
}  # fmt: skip


def methods(protocol: type) -> set[str]:
    """The methods that a protocol names itself, without those of the protocols that it extends."""
    return {name for name, it in vars(protocol).items() if callable(it) and name[0] != "_"}


def session_class(runner: Any) -> type:
    """The class of the sessions that `open` of `runner` yields, by its annotation."""
    if not hasattr(runner, "open"):
        return object
    [session] = get_args(get_type_hints(runner.open)["return"])
    assert isinstance(session, type)
    return session


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runner_declares_all_that_it_can_do_and_no_more(name: str) -> None:
    runner = load(RUNNERS[name].path)
    session = session_class(runner)
    can = {
        capability
        for of, protocols in ((runner, OF_RUNNERS), (session, OF_SESSIONS))
        for capability, protocol in protocols.items()
        if any(hasattr(of, method) for method in methods(protocol))
    }
    assert capabilities_of(runner) == can
    for of, protocols in ((runner, OF_RUNNERS), (session, OF_SESSIONS)):
        for capability in can & protocols.keys():
            assert [it for it in methods(protocols[capability]) if not hasattr(of, it)] == []
    assert session is object or {"infer", "sample"} <= set(dir(session))


@pytest.mark.parametrize("name", RUNNERS)
def test_sessions_run_on_a_device_where_its_target_does_so(name: str) -> None:
    runner = load(RUNNERS[name].path)
    on_device = TARGETS[RUNNERS[name].target].runs_sessions
    assert ("device" in capabilities_of(runner), hasattr(runner, "open")) == (
        on_device, not on_device,
    )  # fmt: skip


def test_each_capability_has_a_protocol() -> None:
    assert OF_RUNNERS.keys() | OF_SESSIONS.keys() == set(get_args(Capability))
    named = {method for protocol in OF_SESSIONS.values() for method in methods(protocol)}
    assert named == {"usage", "begin", "end", "figures", "layers", "profile"}
