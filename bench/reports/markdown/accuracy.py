"""The page's columns of accuracy, and its table of stored accuracy runs."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.coverage import Rate
from bench.analysis.known_accuracy import Measured, classify, measured
from bench.analysis.series import View
from bench.core.escape import markdown
from bench.reports.accuracy import images_text, weights_text
from bench.reports.markdown.tables import table

_PUBLISHED = {
    "top1": "Top1<br>(published)",
    "top5": "Top5<br>(published)",
    "reference_top1": "Reference<br>top1 (published)",
    "reference_top5": "Reference<br>top5 (published)",
}
_DECLARED = {"top1": "Top1<br>(declared)", "top5": "Top5<br>(declared)"}


def head(view: View) -> list[str]:
    """Return the heads of a table's columns of accuracy, none where no model has classes."""
    if not any(classify(view, variant) for variant in view.models):
        return []
    return [*_PUBLISHED.values(), *(_DECLARED.values() if _declares(view) else [])]


def cells(view: View, variant: str, published: Callable[[str], str]) -> list[str]:
    """Return a model's texts below `head`; `published` has that of a column of published.csv."""
    if not head(view):
        return []
    entry = view.declared.get(variant)
    shares = [getattr(entry, name, None) for name in _DECLARED]
    own = ["" if share is None else f"{share:g}" for share in shares]
    return [*map(published, _PUBLISHED), *(own if _declares(view) else [])]


def _declares(view: View) -> bool:
    """Tell whether the entry of any model declares its accuracy."""
    entries = (view.declared.get(variant) for variant in view.models)
    return any(it is not None and (it.top1 or it.top5) for it in entries)


_HEAD = ["Models", "Weights", "Runner", "Images", "Top1<br>[95%]", "Top5<br>[95%]", "Run"]


def section(view: View) -> list[str]:
    """Return the newest accuracy of each net, runner and data set; nothing where there is none."""
    newest: dict[tuple[str, ...], Measured] = {}
    for one in measured(view):
        model = one.run.manifest.models[one.result.variant]
        key = (model.model_hash, one.result.runner, one.run.manifest.data.digest)
        newest.setdefault(key, one)
    if not newest:
        return []
    return [
        f"## Accuracy, measured\n\n{table(_HEAD, [_row(it) for it in newest.values()])}\n{_NOTE}"
    ]


_NOTE = """\
Shares of images whose label is the first, or among the first five, of the classes that an engine
names, with the 95% Clopper-Pearson interval. Figures over different images don't compare. Seeded
weights are at chance level.
"""


def _row(one: Measured) -> list[str]:
    manifest, result = one.run.manifest, one.result
    model = manifest.models[result.variant]
    return [
        markdown(model.title),
        markdown(weights_text(model)),
        markdown(result.runner),
        markdown(images_text(manifest, one.run.summary)),
        _share(result.top1),
        _share(result.top5),
        markdown(manifest.run_id),
    ]


def _share(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.4f}<br>[{low:.4f}, {high:.4f}]"
