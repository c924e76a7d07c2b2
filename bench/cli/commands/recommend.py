"""`bench recommend`: which net on which engine, from stored results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.analysis.choices import Choice, Choices, Query, choices
from bench.analysis.grade_machine import QUIETER
from bench.analysis.recommend import Advice, advise
from bench.analysis.series import StoredRun
from bench.cli.console import tell_broken
from bench.cli.resume import repeat_stored
from bench.cli.stored import check_results, viewed
from bench.cli.systems import answering, elsewhere
from bench.core.errors import BrokenResult, InputError, ResultsError, UnknownName
from bench.core.output import show, show_lines
from bench.core.program import run_command
from bench.core.ranges import alike, merged
from bench.core.units import number_of, with_interval
from bench.experiments.context import Options, Tables
from bench.reports.build import in_full, load_accuracies, view_of
from bench.reports.tables.ratios import ratio_text

_SOURCES = {
    "published": "top-1 is PaddleClas's published figure for FP32 and trained weights",
    "declared": "declared top-1 is what the model's entry says",
    "measured": "measured top-1 is of a stored accuracy run of the same net and weights",
}
_PAIRED = (
    "by turns: the ratio of two figures' bursts that took turns, with its 95% interval, which "
    "tells apart what the latencies' own intervals can't"
)
_LATENCY = (
    "latency was measured on the system that is named, in FP32, and fits with the whole of its 95% "
    "interval"
)

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """The latency in ms of a batch, and the top-1 accuracy as a share, that limit the choice."""

    max_ms: float | None = None
    min_top1: float | None = None


def run(options: Options, tables: Tables) -> int:
    """Print the choice on this machine, or on the system that --system names.

    Returns 0, or 1 where nothing fits. Raises InputError, and ResultsError where no stored figure
    can answer.
    """
    query = _query(options, tables)
    check_results(options.results, "engines")
    named, broken = options.own.get("system"), list[BrokenResult]()
    stored = list(viewed(options, broken))
    runs = in_full(stored)
    systems = {one.system_id for one in answering(runs, named)}
    accuracies = load_accuracies(options.results, broken=broken)
    everything = choices(view_of(stored, options.models, accuracies), query)
    status = tell_broken(broken)
    given = [one for one in everything if one.system_id in systems]
    able = [one for one in given if one.found or one.contended]
    if not able:
        others = elsewhere(runs) if named is None else ""
        hint = "; or ".join(filter(None, (_remedy(query, runs, options), others)))
        where = named or "this machine"
        raise ResultsError(_nothing(query, given, where), hint=hint)
    advice = [advise(one, query) for one in able]
    if options.as_json:
        show(_json(query, able, advice))
    else:
        show_lines(_text(query, able, advice))
    return status if any(one.best for one in advice) else 1


def _query(options: Options, tables: Tables) -> Query:
    limits = options.of(LimitOptions)
    for flag, values in (("--batch", options.axes.batches), ("--threads", options.axes.threads)):
        if len(values) > 1:
            raise InputError(
                f"{flag} takes one value here, and {len(values)} are given",
                hint="ask once for each",
            )
    for runner in options.axes.runners:
        if runner not in tables.runners:
            raise UnknownName("runner", runner, tables.runners)
    return Query(
        max_ms=limits.max_ms,
        min_top1=limits.min_top1,
        batch=next(iter(options.axes.batches), 1),
        threads=next(iter(options.axes.threads), None),
        runners=tuple(options.axes.runners),
    )


def _nothing(query: Query, given: Sequence[Choices], where: str) -> str:
    threads = "" if query.threads is None else f", threads {query.threads}"
    runners = f", runner {' or '.join(query.runners)}" if query.runners else ""
    reasons = alike({reason for one in given for reason in one.left_out})
    why = f" ({'; '.join(map(merged, reasons))})" if reasons else ""
    return f"no stored figure of {where} can answer for batch {query.batch}{threads}{runners}{why}"


def _remedy(query: Query, runs: Sequence[StoredRun], options: Options) -> str:
    """Return how to measure what is missing: as the newest run did where its nets are own ones."""
    flags = [f"--batch {query.batch}"] * (query.batch != 1)
    flags += [f"--threads {query.threads}"] * (query.threads not in (None, 1))
    flags += [f"--runner {','.join(query.runners)}"] * bool(query.runners)
    again = repeat_stored(max(runs, key=_run_id).manifest, options, flags) if runs else None
    return f"measure first: `{again or run_command('engines', ' '.join(flags))}`"


def _run_id(run: StoredRun) -> str:
    return run.manifest.run_id


def _text(query: Query, given: Sequence[Choices], advice: Sequence[Advice]) -> list[str]:
    text = []
    for one, left in zip(advice, given, strict=True):
        text += [one.heading, *(f"  {line}" for line in _lines(query, one, left))]
    paired = any(it.to_best for one in advice for it in (*one.ties, *one.slower))
    return [*text, *([_PAIRED] if paired else []), _note(given)]


def _note(given: Sequence[Choices]) -> str:
    """Return where the figures are from."""
    known = {choice.source for one in given for choice in (*one.found, *one.contended)}
    return "; ".join([*(text for source, text in _SOURCES.items() if source in known), _LATENCY])


def _basis(query: Query, advice: Advice, given: Choices) -> list[str]:
    """Return why the choice is by latency alone, where it is."""
    if not advice.by_latency:
        return []
    if all(choice.top1 is None for choice in given.found):
        return ["no accuracy is known of these nets: the fastest comes first"]
    return ["no limit is given: the fastest comes first (--max-ms X finds the most accurate)"]


def _lines(query: Query, advice: Advice, given: Choices) -> list[str]:
    best = advice.best
    text = _basis(query, advice, given)
    if best is not None:
        text.append(f"{best.name}: {_figures(best)}")
        text += _beside(best)
        text += [f"{one.name} can't be told apart: {_figures(one)}" for one in advice.ties[:_SHOWN]]
        text += _more(advice.ties)
        text += [f"then {one.name}: {_figures(one)}" for one in advice.slower[:_SHOWN]]
        text += _more(advice.slower)
    elif advice.nearest is not None:
        near = advice.nearest
        text.append(f"nothing fits; the nearest is {near.name}: {_figures(near)}")
    text += [
        f"it can't be told whether {one.name} fits: {_figures(one)} lies across {query.max_ms:g} ms"
        for one in advice.open[:_SHOWN]
    ]
    text += _more(advice.open)
    text += _contended(given) + _left_out(given)
    runs = {one.run_id for one in given.found}
    if len(runs) > 1:
        text.append(
            f"from {len(runs)} runs, between which more may have changed than intervals tell"
        )
    return text


def _contended(given: Choices) -> list[str]:
    """Return the figures that no ranking bears, the faster first, and what would help."""
    if not given.contended:
        return []
    shown = sorted(given.contended, key=lambda one: one.latency_ms)
    return [
        f"not ranked, contended by other processes: {QUIETER}",
        *(f"  {one.name}: {_figures(one)}" for one in shown[:_SHOWN]),
        *_more(shown),
    ]


def _left_out(given: Choices) -> list[str]:
    """Return each reason once, with the figures that share it but for its numbers."""
    text = []
    for reasons in alike(given.left_out):
        names = [name for reason in reasons for name in given.left_out[reason]]
        more = len(names) - _SHOWN
        which = "; ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        text.append(f"left out, {merged(reasons)}: {which}")
    return text


def _beside(one: Choice) -> list[str]:
    """Return that a figure is one of several, with the others."""
    if not one.others:
        return []
    newest = all(one.run_id >= other.run_id for other in one.others)
    which = "the newest" if newest else "the one with the most sessions"
    others = (
        f"{with_interval(it.latency_ms, it.half_ms)} ms ({it.run_id}, {it.preset}, {it.engine})"
        for it in one.others
    )
    return [f"that is {which} of {len(one.others) + 1} figures; the others: {', '.join(others)}"]


def _more(fitting: Sequence[Choice]) -> list[str]:
    left = len(fitting) - _SHOWN
    return [f"and {left} more of which the same is true (--json has them)"] if left > 0 else []


def _figures(one: Choice) -> str:
    grade = f" (grade {one.grade})" if one.grade else ""
    time = with_interval(one.latency_ms, one.half_ms)
    return f"{time} ms{grade}{_paired(one)}{_accuracy(one)}"


def _paired(one: Choice) -> str:
    return "" if one.to_best is None else f", {ratio_text(one.to_best)} times the first by turns"


def _accuracy(one: Choice) -> str:
    if one.top1 is None:
        return ""
    over = f" over {number_of(one.images, 'image')}" if one.images else ""
    return f", {one.source} top-1 {one.top1:.2f}%{over}"


def _json(query: Query, given: Sequence[Choices], advice: Sequence[Advice]) -> str:
    systems = [
        {
            **asdict(one),
            "contended": [asdict(it) for it in left.contended],
            "left_out": left.left_out,
        }
        for one, left in zip(advice, given, strict=True)
    ]
    return (
        json.dumps({"asked": asdict(query), "note": _note(given), "systems": systems}, indent=1)
        + "\n"
    )
