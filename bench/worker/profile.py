"""The profile by operator of one session: apart from all timing, its own cost measured with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from bench.core.errors import BenchError, Unavailable
from bench.core.protocol import SessionRequest
from bench.worker.sampling import take_samples, warm_up
from bench.worker.session import State, checked_session, facts_of, runner_of

if TYPE_CHECKING:
    from bench.core.cell import Sampling
    from bench.core.units import Nanoseconds
    from bench.runners.profiling import OperatorTime, Profile, ProfiledSession

_ROUNDS = 5


def profile(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Profile the session of a SessionRequest: output checked, warmed up, then inferences without
    and with the engine's profile by turns, as many as the rule says of each.

    An operator's time is the median of the rounds: what disturbed two of them isn't in it.
    Raises Unavailable where the runner's sessions have no profile.
    """
    request = SessionRequest.from_json(arguments)
    runner, capabilities = runner_of(request)
    if "profiled" not in capabilities:
        raise Unavailable(
            f"the {request.cell.runner} runner has no profile by operator",
            hint="leave --profile out, or choose an engine that has one: docs/profiles.md",
        )
    current, figures = checked_session(state, runner, request)
    session = cast("ProfiledSession", current.session)
    warm_up(session.sample, request.rule, time.perf_counter_ns)
    plain, rounds = _alternated(session, request.rule)
    operators = _operators(rounds)
    if not operators:
        raise BenchError(
            f"the profile of {request.cell.runner} holds no operator",
            hint="this build of the engine may lack profiling",
        )
    return {
        "relative_l2": figures["relative_l2"],
        "facts": facts_of(current),
        "plain_ns": plain,
        "profiled_ns": [ns for one in rounds for ns in one.samples_ns],
        "resolution_ns": rounds[0].resolution_ns,
        "operators": [asdict(it) for it in operators],
    }


def _alternated(
    session: ProfiledSession, rule: Sampling
) -> tuple[list[Nanoseconds], list[Profile]]:
    """Return inferences without the profile and the profiles of as many, in rounds by turns."""
    share = replace(
        rule,
        samples=max(1, rule.samples // _ROUNDS),
        min_samples=max(1, rule.min_samples // _ROUNDS),
        budget_s=rule.budget_s / _ROUNDS,
    )
    plain: list[Nanoseconds] = []
    rounds: list[Profile] = []
    for _ in range(_ROUNDS):
        taken = take_samples(session.sample, share, time.perf_counter_ns)
        rounds.append(session.profile(len(taken)))
        plain += taken
    return plain, rounds


def _operators(rounds: Sequence[Profile]) -> list[OperatorTime]:
    """Return the operators with the median of their times over the rounds.

    Of rounds whose graphs differ, the one in the middle by the time of all operators.
    """
    middle = sorted(rounds, key=_together)[len(rounds) // 2].operators
    graphs = {tuple((it.name, it.type) for it in one.operators) for one in rounds}
    if len(graphs) > 1:
        return list(middle)
    each = zip(*(one.operators for one in rounds), strict=True)
    return [
        replace(known, ns=median(it.ns for it in same))
        for known, same in zip(middle, each, strict=True)
    ]


def _together(one: Profile) -> float:
    return sum(operator.ns for operator in one.operators)
