"""An accuracy run as text for the terminal, and as values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.accuracy import Accuracy, Agreement, NoAccuracy, Summary
from bench.analysis.coverage import Rate
from bench.config.catalog import OTHER_WEIGHTS, SEEDED
from bench.config.published import Published
from bench.core import escape
from bench.core.units import significant
from bench.storage.schema.accuracy import AccuracyManifest
from bench.storage.schema.latency import reason

_NAMES_SHOWN = 10
_AGREEMENT_HEAD = ("variant", "runners", "the same class first", "logits apart at most (L2)")


def remarks_on(manifest: AccuracyManifest) -> list[str]:
    """Return what has to be said of a run's weights."""
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
) -> str:
    """Return the tables of a run; `names` are the images' by their numbers."""
    rows = [("variant", "runner", "top-1 [95%]", "top-5 [95%]", "published")]
    rows += [_row(manifest, it, published) for it in summary.results]
    lines = [_heading(manifest, summary), "", *_aligned(rows)]
    if summary.agreements:
        pairs = [_AGREEMENT_HEAD, *(_agreement_row(it, names) for it in summary.agreements)]
        lines += ["", *_aligned(pairs)]
    return escape.lines([*lines, *_unreadable_lines(summary)])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _heading(manifest: AccuracyManifest, summary: Summary) -> str:
    cell = next(iter(manifest.cells.values()))
    kinds = " and ".join(dict.fromkeys(it.weights for it in manifest.models.values()))
    recipes = dict.fromkeys(
        f"short side {it.recipe.short}, crop {it.recipe.height} x {it.recipe.width}"
        for it in manifest.models.values()
    )
    return (
        f"accuracy over {summary.read} of {summary.images} images, {' or '.join(recipes)}, "
        f"batch {cell.batch}, threads {cell.threads}, {kinds} weights"
    )


def _row(
    manifest: AccuracyManifest, it: Accuracy | NoAccuracy, published: Mapping[str, Published]
) -> tuple[str, str, str, str, str]:
    if isinstance(it, NoAccuracy):
        return it.variant, it.runner, it.why.kind, "", ""
    top1, top5 = _percent(it.top1), _percent(it.top5)
    return it.variant, it.runner, top1, top5, _published(manifest, it.variant, published)


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
        "weights": {name: it.weights for name, it in manifest.models.items()},
        "results": [_result_values(it) for it in summary.results],
        "agreement": [_agreement_values(it, names) for it in summary.agreements],
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
