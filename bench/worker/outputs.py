"""Whether a runner's outputs are the net's; no time of a wrong answer counts. Pure."""

from __future__ import annotations

from typing import Any

from bench.core.errors import BenchError
from bench.core.tensors import FLOATS, Tensors

_ROUNDS = 1e-2  # an engine's approximations are below, its faults above
_ROUNDED = "; if it is right enough for this net, allow it by --tolerance or in its entry"


class WrongOutput(BenchError):
    """The runner's output is not the net's: no time of it may count."""

    kind = "wrong-output"


def check_outputs(outputs: Tensors, reference: Tensors, tolerance: float) -> float:
    """Return the greatest distance of an output from its reference.

    An output is matched by its name; where an engine renamed it, by the first of the others that
    is right. Raises WrongOutput, as `check_output` does, and where there are too few.
    """
    if len(outputs) < len(reference):
        raise WrongOutput(
            f"the outputs are {', '.join(outputs) or 'none'}, the reference's "
            f"{', '.join(reference)}",
            hint="the artifact lost an output on the way",
        )
    return max(distance for _, distance in _matches(outputs, reference, tolerance).values())


def matched(outputs: Tensors, reference: Tensors, tolerance: float) -> dict[str, str]:
    """Return what the engine calls each output, by the reference's name; raises WrongOutput."""
    return {name: own for name, (own, _) in _matches(outputs, reference, tolerance).items()}


def _matches(
    outputs: Tensors, reference: Tensors, tolerance: float
) -> dict[str, tuple[str, float]]:
    """Return each output's name of the engine's, and its distance, by the reference's name."""
    if not any(it.any() or it.dtype.name not in FLOATS for it in reference.values()):
        raise WrongOutput(
            "the reference is all zeros, which tells no net from another",
            hint="give inputs or weights for which it isn't",
        )
    others = {name: it for name, it in outputs.items() if name not in reference}
    found: dict[str, tuple[str, float]] = {}
    for name, wanted in reference.items():
        try:
            if name in outputs:
                found[name] = name, check_output(outputs[name], wanted, tolerance)
            else:
                found[name] = _first_right(others, wanted, tolerance)
        except WrongOutput as wrong:
            if len(reference) == 1:
                raise
            raise WrongOutput(f"output {name}: {wrong.problem}", hint=wrong.hint) from wrong
    return found


def _first_right(others: dict[str, Any], wanted: Any, tolerance: float) -> tuple[str, float]:
    """Take the first of `others` that is `wanted`; raise what is wrong with the nearest to it."""
    wrongs = []
    for name, output in others.items():
        try:
            distance = check_output(output, wanted, tolerance)
        except WrongOutput as wrong:
            wrongs.append((_shape_of(output) != _shape_of(wanted), wrong))
        else:
            del others[name]
            return name, distance
    raise min(wrongs, key=lambda it: it[0])[1]


def check_output(output: Any, reference: Any, tolerance: float) -> float:
    """Return the relative L2 distance of `output` from `reference`, from zeros the L2 distance; of
    whole numbers and truth values the share that differs.

    Raises WrongOutput where the shapes differ by more than axes of one, a value isn't finite, or
    the distance exceeds `tolerance`.
    """
    import numpy as np

    given = np.asarray(output)
    if _shape_of(given) != _shape_of(reference):
        raise WrongOutput(
            f"the output's shape is {given.shape}, the reference's {reference.shape}",
            hint="the artifact isn't the net that was asked for",
        )
    given = given.reshape(reference.shape)
    if not np.isfinite(given).all():
        raise WrongOutput(
            "the output holds infinities or NaN", hint="no time of a wrong answer counts"
        )
    if reference.dtype.name in FLOATS:
        away = np.linalg.norm(given.astype(np.float64) - reference)
        away, measure = away / (np.linalg.norm(reference) or 1.0), "relative L2"
    else:
        away, measure = np.mean(given != reference), "share of values"
    distance = float(away)
    if not distance <= tolerance:  # also true of NaN, of a difference beyond float64
        raise WrongOutput(
            f"the output is {distance:.3g} away from the reference ({measure}), "
            f"{tolerance:.3g} is allowed",
            hint="no time of a wrong answer counts" + (_ROUNDED if distance < _ROUNDS else ""),
        )
    return distance


def _shape_of(output: Any) -> list[int]:
    """Some engines drop axes of one, or keep them where the exporter dropped them."""
    import numpy as np

    return [extent for extent in np.shape(output) if extent != 1]
