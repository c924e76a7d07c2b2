"""Measured accuracy: the newest of each net, runner and data set."""

from __future__ import annotations

from bench.analysis.coverage import Rate
from bench.analysis.known_accuracy import Measured, measured
from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.tables.entries import head
from bench.reports.tables.model import Entry, Origin, Section, Table
from bench.storage.schema.accuracy import ModelFields

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
        rows=[_row(one, words) for one in newest.values()],
        remarks=[words("accuracy.note")],
    )
    return Section(key="accuracy", title=title, tables=[table])


def _row(one: Measured, words: Words) -> list[Entry]:
    manifest, result = one.run.manifest, one.result
    model = manifest.models[result.variant]
    texts = (model.title, _weights(model, words), result.runner, _images(one, words))
    return [
        *(Entry(text=text) for text in texts),
        _share(result.top1),
        _share(result.top5),
        Entry(text=manifest.run_id),
    ]


def _weights(model: ModelFields, words: Words) -> str:
    """Return which weights a net had, with the first digits of their hash where that tells more."""
    digits = "" if model.weights == "seeded" else (model.weights_sha256 or "")[:8]
    text = words.of("weights", model.weights)
    return text if model.weights.startswith("file ") else f"{text} {digits}".rstrip()


def _images(one: Measured, words: Words) -> str:
    """Return how many images a run read, of how many, and which those are."""
    data = one.run.manifest.data
    taken = "all" if data.of is None else "by_turns" if data.layout == "folders" else "of_list"
    return words(
        f"accuracy.images_{taken}", read=one.run.summary.read, images=data.images, of=data.of,
        data=f"{data.layout} {data.digest[:8]}",
    )  # fmt: skip


def _share(rate: Rate) -> Entry:
    low, high = rate.interval
    return Entry(text=f"{rate.share:.4f} [{low:.4f}, {high:.4f}]", value=rate.share)
