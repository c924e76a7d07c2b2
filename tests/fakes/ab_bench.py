"""Pairs of cells, and a measurer that makes their sessions up."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.analysis.interleaved import Growth
from bench.core.cell import Cell
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import Pair, pending_sessions
from bench.experiments.session import Start
from bench.storage.schema.ab import AbMeasured, AbRecord, AbSession, ArmFailed, ArmName
from bench.storage.schema.common import Failed
from tests.fakes.values import cell

RULE = Rule(pairs=2)
GROWTH = Growth(sessions=3, max_sessions=6, half_width=0.01, grow_for_s=1000.0)
ONE, TWO = cell(), cell(variant="x0_5")
FAILED = ArmFailed(
    arm="head", why=Failed(failure="crash", message="it\nfell", hint="look", log_tail="")
)


def pair(base: Cell = ONE, head: Cell | None = None, failed: ArmFailed | None = None) -> Pair:
    def start(_: random.Random) -> Mapping[ArmName, Start]:
        # The made-up measuring knows a cell by this.
        return {"base": base}  # type: ignore[dict-item]

    return Pair(base=base, head=head or base, start=start, failed=failed)


def session(ratio: float, order: int = 0, round_: int = 0) -> AbSession:
    arm = {
        "pid": 1, "load_ns": 1, "first_inference_ns": 1, "relative_l2": 0.0, "steady": True,
        "warmup_ns": [1], "facts": {}, "covariates": {},
    }  # fmt: skip
    bursts = [
        {"arm": "base", "ns": [9_000_000, 1_000_000, 1_000_000]},
        {"arm": "head", "ns": [9_000_000, *[round(1e6 * ratio)] * 2]},
    ]
    return AbSession.model_validate(
        {
            "started": "2026-01-02T03:04:05+00:00", "order": order, "round": round_,
            "opened": ["head", "base"], "cores": [0], "wall_ns": 5,
            "arms": {"base": arm, "head": arm}, "bursts": bursts * 2, "before": {}, "after": {},
        }
    )  # fmt: skip


@dataclass
class Bench:
    """Answers each session by `ratio(cell, how many that cell has had)`; a session takes 10 s."""

    ratio: Callable[[Cell, int], float | ArmFailed] = lambda *_: 1.0
    measured: list[tuple[Cell, int]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    draws: list[float] = field(default_factory=list)
    written: list[AbRecord] = field(default_factory=list)
    told: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, starts: Any, *, order: int, round_: int, chance: Any) -> Any:
        one = starts["base"]
        count = sum(it is one for it, _ in self.measured)
        self.measured.append((one, round_))
        self.orders.append(order)
        self.draws.append(chance.random())
        found = self.ratio(one, count)
        return found if isinstance(found, ArmFailed) else session(found, order, round_)

    def run(
        self,
        *pairs: Pair,
        seed: int = 0,
        growth: Growth = GROWTH,
        begun: Sequence[AbRecord] = (),
    ) -> list[AbRecord]:
        for unit in pending_sessions(
            pairs, measure=self, write=self.written.append, rule=RULE, growth=growth, seed=seed,
            begun=begun, clock=lambda: 10.0 * len(self.measured),
        ):  # fmt: skip
            self.told.append((unit.label, unit.left))
            unit.execute()
        last = {record.pair_id: record for record in self.written}
        return [last[one.id] for one in pairs]


def stops(records: list[AbRecord]) -> list[str]:
    return [it.outcome.stopped if isinstance(it.outcome, AbMeasured) else "" for it in records]
