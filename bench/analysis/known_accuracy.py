"""What is known of a net's accuracy: measured here, declared by its entry, or published. Pure.

Measured is the best: of this net with these weights. Seeded weights are at chance level and count
for nothing; of several runs the one over the most images counts, then the newest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bench.analysis.accuracy import Accuracy, StoredAccuracy
from bench.analysis.series import View

Which = Literal["top1", "top5"]
Source = Literal["measured", "declared", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A share and where it is from; of a measured one how many images were read, and the run."""

    share: float
    source: Source
    images: int | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One runner's accuracy in a stored run."""

    run: StoredAccuracy
    result: Accuracy


def known_accuracy(view: View, variant: str, which: Which = "top1") -> Known | None:
    """Return the best that is known of a net's accuracy, None where nothing is."""
    found = measured_of(view, variant)
    if found is not None:
        rate = found.result.top1 if which == "top1" else found.result.top5
        run_id = found.run.manifest.run_id
        return Known(share=rate.share, source="measured", images=rate.of, run_id=run_id)
    declared = view.declared.get(variant)
    share = getattr(declared, which, None)
    if share is not None:
        return Known(share=share, source="declared")
    published = view.published_of(variant)
    if published is not None and which in published.figures:
        return Known(share=published.figures[which], source="published")
    return None


def measured_of(view: View, variant: str) -> Measured | None:
    """Return the measured accuracy of the net as it stands in `view`, None where there is none."""
    model_hash = view.models[variant].model_hash
    own = [
        one
        for one in measured(view)
        if one.run.manifest.models[one.result.variant].model_hash == model_hash
        and one.run.manifest.models[one.result.variant].weights != "seeded"
    ]
    # max takes the first of equals: a run's first runner.
    return max(own, key=lambda one: (one.result.top1.of, one.run.manifest.run_id), default=None)


def measured(view: View) -> Iterator[Measured]:
    """Yield every accuracy of the stored runs, the newest run first."""
    for run in reversed(view.accuracies):
        for result in run.summary.results:
            if isinstance(result, Accuracy) and result.top1.of:
                yield Measured(run=run, result=result)
