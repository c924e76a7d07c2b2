"""A journal -> what it comes to: accuracies with intervals, and how far engines agree. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.analysis.coverage import Rate
from bench.analysis.disagreement import (
    Answerer,
    Answers,
    Disagreement,
    answers_of,
    disagreement,
)
from bench.analysis.topk import KEPT, count_hits
from bench.storage.schema.accuracy import AccuracyManifest, ApartFields, ChunkFields, JournalLine
from bench.storage.schema.common import Failed, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """One runner's shares over the images that could be read; `facts` are the engine's own."""

    variant: str
    runner: str
    top1: Rate
    top5: Rate
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAccuracy:
    """A runner without a figure, and why."""

    variant: str
    runner: str
    why: Failed | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often two runners named the same class first, and where their logits differ most.

    `image` is that image's number in the data set.
    """

    variant: str
    one: str
    other: str
    same: Rate
    relative_l2: float
    image: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run came to. `unreadable` has a reason for each image's name.

    `disagreement` is None where there is no pair to compare, or where all answers are the same.
    """

    results: tuple[Accuracy | NoAccuracy, ...]
    agreements: tuple[Agreement, ...]
    disagreement: Disagreement | None
    images: int
    unreadable: Mapping[str, str]

    @property
    def read(self) -> int:
        return self.images - len(self.unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccuracy:
    """A stored accuracy run and what it came to."""

    manifest: AccuracyManifest
    summary: Summary


def summarize(manifest: AccuracyManifest, lines: Sequence[JournalLine]) -> Summary:
    """Return what the journal of a complete run comes to."""
    results: list[Accuracy | NoAccuracy] = []
    agreements: list[Agreement] = []
    unreadable: dict[str, str] = {}
    answers: dict[Answerer, Answers] = {}
    for variant in manifest.variants:
        mine = [line for line in lines if line.variant == variant]
        chunks = list(chunks_by_start(mine).values())
        by_runner = [_result(variant, runner, mine, chunks) for runner in manifest.runners]
        results += by_runner
        whole = [
            result.runner for result in by_runner if isinstance(result, Accuracy) and result.top1.of
        ]
        agreements += [_agreement(variant, pair, chunks) for pair in combinations(whole, 2)]
        answers |= {(variant, runner): answers_of(runner, chunks) for runner in whole}
        for chunk in chunks:
            unreadable |= chunk.unreadable
    return Summary(
        results=tuple(results),
        agreements=tuple(agreements),
        disagreement=disagreement(answers),
        images=manifest.data.images,
        unreadable=unreadable,
    )


def chunks_by_start(lines: Sequence[JournalLine]) -> dict[int, ChunkFields]:
    """Return the chunks of one variant's lines, in the order of their images."""
    by_start = {line.chunk.start: line.chunk for line in lines if line.chunk is not None}
    return dict(sorted(by_start.items()))


def outcomes(lines: Sequence[JournalLine]) -> dict[str, Failed | Skipped]:
    """Return the runners of one variant's lines that have no figure, with the reason."""
    reasons = {
        line.runner: line.failed or line.skipped for line in lines if line.runner is not None
    }
    return {runner: why for runner, why in reasons.items() if why is not None}


def _result(
    variant: str, runner: str, lines: Sequence[JournalLine], chunks: Sequence[ChunkFields]
) -> Accuracy | NoAccuracy:
    why = outcomes(lines).get(runner)
    if why is not None:
        return NoAccuracy(variant=variant, runner=runner, why=why)
    of = sum(len(chunk.labels) for chunk in chunks)
    top1, top5 = (
        Rate(hits=sum(_hits(chunk, runner, k) for chunk in chunks), of=of) for k in (1, KEPT)
    )
    facts = [line.opened.facts for line in lines if line.runner == runner and line.opened]
    return Accuracy(
        variant=variant, runner=runner, top1=top1, top5=top5, facts=facts[-1] if facts else {}
    )


def _hits(chunk: ChunkFields, runner: str, k: int) -> int:
    return count_hits(chunk.best.get(runner, []), chunk.labels, k)


def _agreement(variant: str, pair: tuple[str, str], chunks: Sequence[ChunkFields]) -> Agreement:
    one, other = pair
    rows = [
        (first[0], second[0])
        for chunk in chunks
        for first, second in zip(chunk.best.get(one, []), chunk.best.get(other, []), strict=True)
    ]
    apart = [each for chunk in chunks for each in chunk.apart]
    worst = _worst([each for each in apart if (each.one, each.other) == pair])
    return Agreement(
        variant=variant,
        one=one,
        other=other,
        same=Rate(hits=sum(first == second for first, second in rows), of=len(rows)),
        relative_l2=worst.relative_l2,
        image=worst.image,
    )


def _worst(apart: Sequence[ApartFields]) -> ApartFields:
    return max(apart, key=lambda fields: fields.relative_l2)
