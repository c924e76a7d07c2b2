"""One load after the other: a child with LoadGen for each, and the search for the highest rate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.analysis.statistics import needed
from bench.config.loads import LoadPreset
from bench.core.protocol import request_for
from bench.core.units import NS_PER_S
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed, ChildResult, request_folder, run_child
from bench.serving.client import Endpoint
from bench.serving.generator import LoadRequest
from bench.serving.loadgen import DETAIL, SUMMARY
from bench.serving.scenarios import CONNECTIONS, PERCENTILES, Scenario, Settings, search
from bench.storage.schema.serving import LoadFields, ProbeFields
from bench.storage.validation import explain

MODULE = "bench.serving.generator"

_STARTS_WITHIN_S = 60.0
_SLOWEST_S = 2.0  # of a query in a load that has a count to reach
_ABOVE, _ROOM = 1.3, 1.15
_AGAIN = 4
_PROOFS = (1.0, 0.9, 0.75, 0.5)
"""Of the rate that the search found, the shares at which it is proved, until one is."""

Launch = Callable[..., ChildResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks of the loads beside the preset; None is as by default."""

    latency_ms: float | None = None
    percentile: float | None = None
    target_qps: float | None = None
    connections: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load that was made, and LoadGen's logs of it by name."""

    fields: LoadFields
    logs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads one model of one server. Its methods raise WorkerFailed where a load gives no figure.

    `reference` is a file of what is sent; with `compared` its outputs are the net's.
    """

    endpoint: Endpoint
    model: str | None
    reference: Path
    compared: bool
    tolerance: float
    preset: LoadPreset
    version: str | None = None
    asked: Asked = field(default_factory=Asked)
    seed: int = 0
    timeout_s: float = 30.0
    launch: Launch = run_child

    def load(self, scenario: Scenario) -> Loaded:
        """Load the server as the scenario says; return the load that counts."""
        if scenario == "single-stream":
            return self._once(self._settings(scenario))
        rate = self.asked.target_qps
        if scenario == "server" and rate is not None:
            return self._prove(self._settings(scenario), rate)
        rate = rate or NS_PER_S / self.median_ns(self.preset.probe_s / 2)[0]
        return self._server(rate) if scenario == "server" else self._offline(rate * _ABOVE)

    def median_ns(self, duration_s: float) -> tuple[int, int]:
        """Return the median of a single stream's latencies, and of how many queries that is."""
        settings = self._settings("single-stream")
        said = self._once(replace(settings, duration_s=duration_s, queries=10)).fields.loadgen
        return said.percentiles_ns["50"], said.queries

    def _settings(self, scenario: Scenario) -> Settings:
        limits = self.asked
        percentile = limits.percentile or PERCENTILES[scenario]
        return Settings(
            scenario=scenario,
            duration_s=limits.duration_s or self.preset.duration_s,
            # So many that some may be above the bound and the percentile is proved all the same.
            queries=1 if scenario == "offline" else 2 * needed(percentile),
            percentile=percentile,
            connections=1 if scenario == "single-stream" else limits.connections
            or CONNECTIONS[scenario],
            latency_ms=(limits.latency_ms or self.preset.latency_ms)
            if scenario == "server"
            else None,
            seed=self.seed,
        )  # fmt: skip

    def _server(self, rate: float) -> Loaded:
        """Search for the highest rate whose percentile is within the bound, and prove it."""
        settings, probes = self._settings("server"), list[ProbeFields]()

        def holds(rate: float) -> bool:
            it = self._once(
                replace(settings, rate=rate, duration_s=self.preset.probe_s, queries=1)
            ).fields
            well = it.loadgen.bound_met is True and not it.failed
            percentile_ns = it.loadgen.percentiles_ns.get(f"{settings.percentile:g}")
            probes.append(
                ProbeFields(rate=rate, holds=well, percentile_ns=percentile_ns, failed=it.failed)
            )
            return well

        highest, _ = search(holds, rate * 0.7, probes=self.preset.probes)
        found = highest or probes[-1].rate
        for share in _PROOFS if highest else _PROOFS[:1]:
            loaded = self._prove(settings, found * share)
            if loaded.fields.valid:
                break
        return replace(loaded, fields=loaded.fields.model_copy(update={"probes": probes}))

    def _prove(self, settings: Settings, rate: float) -> Loaded:
        """Load at that rate for so many queries as prove the percentile, if that isn't too long."""
        most = max(1, round(rate * self.preset.proof_s))
        return self._once(replace(settings, rate=rate, queries=min(settings.queries, most)))

    def _offline(self, rate: float) -> Loaded:
        """Have all samples at once, so many that the server is busy for the least duration."""
        settings, wanted = self._settings("offline"), rate
        for _ in range(_AGAIN):
            loaded = self._once(replace(settings, rate=wanted))
            it = loaded.fields
            if it.loadgen.valid or it.failed or not it.loadgen.completed_per_s:
                break
            wanted = max(wanted, it.loadgen.completed_per_s) * _ROOM
        return loaded

    def _once(self, settings: Settings) -> Loaded:
        with request_folder() as folder:
            request = LoadRequest(
                endpoint=self.endpoint,
                model=self.model,
                version=self.version,
                reference=self.reference,
                compared=self.compared,
                tolerance=self.tolerance,
                timeout_s=self.timeout_s,
                settings=settings,
                out=folder,
            )
            result = self.launch(
                request_for("load", **request.to_json()),
                python=Path(sys.executable),
                env={},
                timeout_s=self._timeout_s(settings),
                module=MODULE,
            )
            if isinstance(result, ChildFailed):
                raise WorkerFailed(result)
            return Loaded(_checked(result.value, settings), _logs(folder))

    def _timeout_s(self, settings: Settings) -> float:
        least = max(settings.duration_s * 10, settings.queries * _SLOWEST_S)
        return _STARTS_WITHIN_S + least + self.timeout_s


def _checked(said: Mapping[str, Any], settings: Settings) -> LoadFields:
    try:
        return LoadFields.model_validate({**said, "settings": settings.to_json()})
    except ValidationError as error:
        raise WorkerFailed(
            ChildFailed(
                kind="garbage-reply",
                message=f"what the load generator answered: {explain(error)}",
                hint="its package is of another version than the harness takes",
            )
        ) from error


def _logs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (SUMMARY, DETAIL)}
