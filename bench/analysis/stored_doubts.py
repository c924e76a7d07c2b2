"""Why a comparison of two stored runs may be advice and no more: they didn't run alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.comparability import Ran
from bench.analysis.contention import taken
from bench.analysis.grade_rules import RULES
from bench.analysis.verdicts import (
    CellVerdict,
    same_way,
    share,
)
from bench.config.thresholds import Gate
from bench.core.cell import DEVICE_ID
from bench.core.program import command
from bench.storage.schema.common import System
from bench.storage.schema.latency import Measured, Record, RunManifest
from bench.storage.schema.layers import EngineLayers

_LOCKED = {"performance"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A run as one side of a comparison: `name` as the person gave it, records by cell id.

    `layers` are those of the engines that its sessions name, as far as they can be read.
    """

    name: str
    manifest: RunManifest
    system: System
    records: Mapping[str, Record]
    layers: Mapping[str, EngineLayers] = field(default_factory=dict)

    @property
    def measured(self) -> dict[str, Record]:
        """Those of its records that have a figure."""
        return {i: r for i, r in self.records.items() if isinstance(r.outcome, Measured)}


def doubts_of(
    base: Side, head: Side, cells: Sequence[CellVerdict], gate: Gate, tells: float | None
) -> Iterator[str]:
    """Yield why a comparison with figures of another time is advice on this machine."""
    if base.system.emulated or head.system.emulated:
        yield "the system is emulated"
    sessions = [s for side in (base, head) for r in side.measured.values() for s in r.sessions]
    governors = {str(session.before.get("governor", "unknown")) for session in sessions}
    if governors - _LOCKED:
        yield f"the clocks aren't seen to be locked (governor {', '.join(sorted(governors))})"
    if tells is None:
        yield f"no self-test tells what this system can ({command('selftest')})"
    elif tells > gate.min_effect:
        yield (
            f"the newest self-test tells slowdowns from {tells:.1%} on, above the minimum effect "
            f"of {share(gate.min_effect)}"
        )
    together = same_way(cells)
    if together:
        yield f"the environment changed: {together}, so what moved is what they share"


def elsewhere(base: Side, head: Side) -> Iterator[str]:
    """Yield the signs that another machine or device of the same name measured."""
    device, hosts = base.manifest.target != "cpu", [_host(side) for side in (base, head)]
    # A phone measures by itself, whatever it hangs on.
    if base.manifest.target != "android" and hosts[0] != hosts[1]:
        yield f"another host: {hosts[0]} in BASE, {hosts[1]} in HEAD"
    if not device:
        return
    devices = [_devices(side) for side in (base, head)]
    if not all(devices):
        yield "a record from before devices were told apart may be of another one of that name"
    elif devices[0] != devices[1]:
        yield f"another device of that name: {devices[0]} in BASE, {devices[1]} in HEAD"


def _host(side: Side) -> str:
    return side.manifest.provenance.host


def _devices(side: Side) -> str:
    sessions = (session for record in side.measured.values() for session in record.sessions)
    return ", ".join(
        sorted(
            {str(session.before[DEVICE_ID]) for session in sessions if DEVICE_ID in session.before}
        )
    )


def ran_of(
    base: Side, head: Side, partners: Mapping[str, Record | None]
) -> Iterator[tuple[str, Ran, Ran]]:
    """Yield each cell that both sides measured, with how."""
    for cell_id, own in base.measured.items():
        other = partners[cell_id]
        if other is not None and isinstance(other.outcome, Measured):
            yield own.cell.to_cell().label, _how(own), _how(other)


def _how(record: Record) -> Ran:
    checked = record.sampling.steady_tolerance is not None
    return Ran(
        cell=record.cell,
        facts=[session.facts for session in record.sessions],
        steady=[session.steady or not checked for session in record.sessions],
        moved=RULES["trend"](record)[0] > "B",
        slow=RULES["speed"](record)[0] > "B",
        contended=sum(
            share.contended for share in map(taken, record.sessions) if share is not None
        ),
        by_turns=any(session.turn is not None for session in record.sessions),
    )
