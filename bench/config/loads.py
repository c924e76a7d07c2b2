"""How thoroughly a server is loaded: presets of `bench load`, in a suite's file as [loads.X]."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bench.storage.validation import Positive, Seconds, Strict

Some = Annotated[Seconds, Field(gt=0)]


class LoadPreset(Strict):
    """How long the loads of each scenario last, and how the highest rate is searched for."""

    duration_s: Some = Field(description="least seconds of a load whose figure is stored")
    probe_s: Some = Field(description="seconds of a load that tries a rate")
    probes: Positive = Field(description="most rates that the search for the highest one tries")
    proof_s: Some = Field(
        description="most seconds that a rate's load may be scheduled for to prove the percentile"
    )
    latency_ms: Annotated[float, Field(gt=0, le=1e6)] = Field(
        description="what the percentile of a server's latencies must be within, in ms"
    )
    rounds: Positive = Field(
        description="rounds in which the in-process call and the served one take turns"
    )
    round_s: Some = Field(description="seconds of each of the two in a round")
