"""The profile by operator of one session: apart from all timing, its own cost measured with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from bench.core.errors import BenchError, Unavailable
from bench.core.protocol import SessionRequest
from bench.worker.sampling import take_samples, warm_up
from bench.worker.session import State, checked_session, facts_of, runner_of

if TYPE_CHECKING:
    from bench.runners.profiling import ProfiledSession


def profile(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Profile the session of a SessionRequest: output checked, warmed up, and sampled by the rule.

    As many inferences follow with the engine's profile on. Raises Unavailable where the runner's
    sessions have none.
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
    plain = take_samples(session.sample, request.rule, time.perf_counter_ns)
    taken = session.profile(len(plain))
    if not taken.operators:
        raise BenchError(
            f"the profile of {request.cell.runner} holds no operator",
            hint="this build of the engine may lack profiling",
        )
    return {
        "relative_l2": figures["relative_l2"],
        "facts": facts_of(current),
        "plain_ns": plain,
        "profiled_ns": list(taken.samples_ns),
        "resolution_ns": taken.resolution_ns,
        "operators": [asdict(it) for it in taken.operators],
    }
