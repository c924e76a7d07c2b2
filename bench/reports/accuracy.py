"""An accuracy run as text for the terminal, and as values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.analysis.accuracy import Accuracy, Agreement, NoAccuracy, Summary
from bench.analysis.coverage import Rate
from bench.analysis.disagreement import Disagreement
from bench.config.catalog import OTHER_WEIGHTS, SEEDED
from bench.config.images import Preprocess
from bench.config.published import Published
from bench.core import escape
from bench.core.units import significant
from bench.storage.schema.accuracy import (
    AccuracyManifest,
    DataFields,
    ModelFields,
    RecipeFields,
)
from bench.storage.schema.latency import reason

_NAMES_SHOWN = 10
_MIXUPS_SHOWN = 5
_AGREEMENT_HEAD = ("variant", "runners", "the same class first", "outputs apart at most (L2)")


def remarks_on(manifest: AccuracyManifest) -> list[str]:
    """Return what has to be said of a run's outputs and weights."""
    own = [name for name, model in manifest.models.items() if model.shares]
    ends = "ends" if len(own) == 1 else "end"
    softmax = f"{', '.join(own)} {ends} in a softmax: its shares are compared as they are"
    return [*([softmax] if own else []), *_seeded(manifest)]


def _seeded(manifest: AccuracyManifest) -> list[str]:
    if all(model.weights != "seeded" for model in manifest.models.values()):
        return []
    counts = {model.classes for model in manifest.models.values() if model.classes}
    chances = " or ".join(f"1 in {count}" for count in sorted(counts))
    chance = f" ({chances} for top-1)" if chances else ""
    return [f"{SEEDED}{chance}; {OTHER_WEIGHTS} to learn how good a net is"]


def table(
    manifest: AccuracyManifest,
    summary: Summary,
    names: Sequence[str],
    published: Mapping[str, Published],
    classes: Sequence[str] | None = None,
) -> str:
    """Return the tables of a run; `names` are of its images, and `classes` of the classes."""
    head = ("variant", "weights", "runner", "top-1 [95%]", "top-5 [95%]", "published")
    rows = [head, *(_row(manifest, it, published) for it in summary.results)]
    lines = [_heading(manifest, summary), "", *_aligned(rows)]
    if summary.agreements:
        pairs = [_AGREEMENT_HEAD, *(_agreement_row(it, names) for it in summary.agreements)]
        lines += ["", *_aligned(pairs)]
    if summary.disagreement is not None:
        lines += ["", *_disagreement_lines(summary.disagreement, names, classes)]
    return escape.lines([*lines, *_unreadable_lines(summary)])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _heading(manifest: AccuracyManifest, summary: Summary) -> str:
    cell = next(iter(manifest.cells.values()))
    recipes = dict.fromkeys(
        _recipe(it.recipe) for it in manifest.models.values() if it.recipe is not None
    )
    parts = [
        f"accuracy over {summary.read} of {summary.images} images{limited(manifest.data)}",
        *filter(None, [" or ".join(recipes)]),
        f"batch {cell.batch}, threads {cell.threads}",
    ]
    return ", ".join(parts)


def limited(data: DataFields) -> str:
    """Return which images a limited run took, '' where it took all."""
    if data.of is None:
        return ""
    turns = ", by turns over the classes" if data.layout == "folders" else " of the list"
    return f" (the first of {data.of}{turns})"


def _recipe(it: RecipeFields) -> str:
    """Return how images were prepared: the sizes, and what isn't as PaddleClas does it."""
    usual = Preprocess()
    size = (
        f"short side {it.short}" if it.size is None else f"resized to {it.size[0]} x {it.size[1]}"
    )
    others = {
        it.resizing: it.resizing != "INTER_LINEAR",
        "BGR": it.channels == "bgr",
        "its own mean and scale": (it.scale, it.mean, it.std)
        not in ((None, None, None), (usual.scale, usual.mean, usual.std)),
    }
    return ", ".join(
        [
            size,
            f"crop {it.height} x {it.width}",
            *(name for name, is_other in others.items() if is_other),
        ]
    )


def weights_text(model: ModelFields) -> str:
    """Return which weights a net had, with the first digits of their hash where that is known."""
    known = model.weights_sha256 if model.weights != "seeded" else None
    digits = (known or "")[:8]
    return (
        model.weights if model.weights.startswith("file ") else f"{model.weights} {digits}".rstrip()
    )


def _row(
    manifest: AccuracyManifest, it: Accuracy | NoAccuracy, published: Mapping[str, Published]
) -> tuple[str, ...]:
    weights = weights_text(manifest.models[it.variant])
    if isinstance(it, NoAccuracy):
        return it.variant, weights, it.runner, it.why.kind, "", ""
    shares = (_percent(it.top1), _percent(it.top5))
    return it.variant, weights, it.runner, *shares, _published(manifest, it.variant, published)


def _percent(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.2%} [{100 * low:.2f}, {100 * high:.2f}]"


def _published(manifest: AccuracyManifest, variant: str, published: Mapping[str, Published]) -> str:
    """Return the published shares, which are those of the pretrained weights and of no others."""
    model = manifest.models[variant]
    row = published.get(model.published or "")
    if row is None or model.weights != "pretrained":
        return "–"
    return " ".join(f"{row.figures[name]:.2%}" for name in ("top1", "top5") if name in row.figures)


def _agreement_row(it: Agreement, names: Sequence[str]) -> tuple[str, ...]:
    same = f"{it.same.hits} of {it.same.of}, {_percent(it.same)}"
    pair = f"{it.one}, {it.other}"
    return it.variant, pair, same, f"{_small(it.relative_l2)}, {names[it.image]}"


def _disagreement_lines(
    it: Disagreement, names: Sequence[str], classes: Sequence[str] | None
) -> list[str]:
    """Return on how many images the two that differ most disagree, and what they mix up."""
    engines = it.one[0] == it.other[0]  # of one net, and else two nets by their first engine
    one, other = (who[1] if engines else who[0] for who in (it.one, it.other))
    where = it.one[0] if engines else it.one[1]
    neither = it.apart.hits - it.one_right - it.other_right
    rows: list[tuple[str, ...]] = [("images", "label", one, other, "such as")]
    for mix in it.mixups[:_MIXUPS_SHOWN]:
        named = (_class(number, classes) for number in (mix.label, mix.one, mix.other))
        rows.append((str(mix.count), *named, names[mix.image]))
    more = len(it.mixups) - _MIXUPS_SHOWN
    sentence = (
        f"{one} and {other} differ most ({where}): other classes first for {it.apart.hits} of "
        f"{it.apart.of} images; {one} alone is right on {it.one_right}, {other} alone on "
        f"{it.other_right}, neither on {neither}"
    )
    return [
        sentence,
        *_aligned(rows),
        *([f"and {more} more (--json has them)"] if more > 0 else []),
    ]


def _class(number: int, classes: Sequence[str] | None) -> str:
    known = classes is not None and number < len(classes)
    return f"{number} {classes[number]}" if known and classes else str(number)


def _small(value: float) -> str:
    return f"{value:.1e}" if 0 < value < 1e-3 else significant(value)


def _unreadable_lines(summary: Summary) -> list[str]:
    count = len(summary.unreadable)
    if not count:
        return []
    shown = list(summary.unreadable.items())[:_NAMES_SHOWN]
    more = count - len(shown)
    lines = ["", f"{count} of {summary.images} images can't be read, and count for nothing:"]
    lines += [f"  {name}: {reason}" for name, reason in shown]
    return [*lines, *([f"  and {more} more (--json has them)"] if more else [])]


def to_values(
    manifest: AccuracyManifest, summary: Summary, names: Sequence[str], remarks: Sequence[str]
) -> dict[str, Any]:
    """Return a run's summary for JSON."""
    return {
        "run": manifest.run_id,
        "images": summary.images,
        "read": summary.read,
        "unreadable": dict(summary.unreadable),
        "limited_from": manifest.data.of,
        "weights": {name: it.weights for name, it in manifest.models.items()},
        "weights_sha256": {name: it.weights_sha256 for name, it in manifest.models.items()},
        "results": [_result_values(it) for it in summary.results],
        "agreement": [_agreement_values(it, names) for it in summary.agreements],
        "disagreement": _disagreement_values(summary.disagreement, names),
        "remarks": list(remarks),
    }


def _result_values(it: Accuracy | NoAccuracy) -> dict[str, Any]:
    who = {"variant": it.variant, "runner": it.runner}
    if isinstance(it, NoAccuracy):
        return who | {"outcome": it.why.kind, "reason": reason(it.why)}
    shares = {"top1": _rate_values(it.top1), "top5": _rate_values(it.top5)}
    return who | {"outcome": "measured"} | shares | {"facts": dict(it.facts)}


def _rate_values(rate: Rate) -> dict[str, Any]:
    return {
        "hits": rate.hits, "of": rate.of, "share": rate.share, "interval": list(rate.interval)
    }  # fmt: skip


def _agreement_values(it: Agreement, names: Sequence[str]) -> dict[str, Any]:
    return {
        "variant": it.variant,
        "runners": [it.one, it.other],
        "same_top1": _rate_values(it.same),
        "worst_relative_l2": it.relative_l2,
        "worst_image": names[it.image],
    }


def _disagreement_values(it: Disagreement | None, names: Sequence[str]) -> dict[str, Any] | None:
    if it is None:
        return None
    return {
        **asdict(it),
        "apart": _rate_values(it.apart),
        "mixups": [{**asdict(mix), "image": names[mix.image]} for mix in it.mixups],
    }
