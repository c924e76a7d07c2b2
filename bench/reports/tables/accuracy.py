"""Measured accuracy: the newest of each net, runner and data set."""

from __future__ import annotations

from bench.analysis.coverage import Rate
from bench.analysis.known_accuracy import Measured, measured
from bench.analysis.series import View
from bench.reports.accuracy import images_text, weights_text
from bench.reports.language import Words
from bench.reports.tables.entries import head
from bench.reports.tables.model import Entry, Origin, Section, Table

_COLUMNS: tuple[tuple[str, Origin], ...] = (
    ("weights", "name"), ("runner", "name"), ("images", "name"), ("top1", "measured"),
    ("top5", "measured"), ("run", "name"),
)  # fmt: skip


def section(view: View, words: Words) -> Section | None:
    """Return the newest accuracy of each net, runner and data set, None where there is none."""
    newest: dict[tuple[str, ...], Measured] = {}
    for one in measured(view):
        model = one.run.manifest.models[one.result.variant]
        key = (model.model_hash, one.result.runner, one.run.manifest.data.digest)
        newest.setdefault(key, one)
    if not newest:
        return None
    title = words("accuracy.title")
    own = [head(words, f"accuracy.{name}", origin, key=name) for name, origin in _COLUMNS]
    table = Table(
        key="accuracy",
        title=title,
        columns=[head(words, "models", "name", key="models"), *own],
        rows=[_row(one) for one in newest.values()],
        remarks=[words("accuracy.note")],
    )
    return Section(key="accuracy", title=title, tables=[table])


def _row(one: Measured) -> list[Entry]:
    manifest, result = one.run.manifest, one.result
    model = manifest.models[result.variant]
    texts = (
        model.title, weights_text(model), result.runner, images_text(manifest, one.run.summary)
    )  # fmt: skip
    return [
        *(Entry(text=text) for text in texts),
        _share(result.top1),
        _share(result.top5),
        Entry(text=manifest.run_id),
    ]


def _share(rate: Rate) -> Entry:
    low, high = rate.interval
    return Entry(text=f"{rate.share:.4f} [{low:.4f}, {high:.4f}]", value=rate.share)
