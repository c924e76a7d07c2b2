"""The cells' raw samples, packed for the page: what a cell's details panel draws. Pure.

    {"unit": ms, "base": 1000, "s": [..], "t": [..], "d": [..], "w": [..], "v": [[..], ..],
     "o": [[..], ..], "causes": [..], "middles": [..], "figure": [value, low, high] or null,
     "together": 1}

`s`, `t`, `d`, `w`, `v` and `o` have an entry a burst: its session from 1 on, its start in s after
the session's first one (null where it isn't known), whether others disturbed it, whether the
machine was slow, its samples in `unit`s beyond `base` of them, and of each of these 0 or the number
of an outlier's cause in `causes`, from 1 on; `o` is empty where a burst has none. `middles` are the
sessions' own figures and `figure` the cell's with its 95% interval, in ms.

A sample is rounded to RESOLUTION of its cell's median. Where a report has more than MOST of them,
or a cell more than MOST_OF_CELL, medians of so many in a row, `together`, stand for them, each as a
burst of one, without causes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.analysis.canary import SLOW, best_ns, canaries_ns
from bench.analysis.contention import are_disturbed, burst_samples_ns, counted_ns
from bench.analysis.outliers import outliers
from bench.analysis.series import CellKey, View
from bench.analysis.statistics import Estimate, summarize
from bench.core.units import NS_PER_MS, NS_PER_S, to_ms
from bench.reports.page.charts.points import ends_ms, rounded
from bench.storage.schema.latency import Record, Session

MOST = 300_000
"""The most samples that a page holds, over all of its cells."""

MOST_OF_CELL = 6_000
"""The most of one cell: a browser draws each as an element."""

RESOLUTION = 0.001


@dataclass(frozen=True, slots=True)
class _Burst:
    """Samples in a row, and what is known of them; `causes` has an entry a sample, or none."""

    session: int
    start_s: float | None
    disturbed: bool
    slow: bool
    samples_ns: Sequence[float]
    causes: Sequence[int]


def samples(view: View) -> Mapping[str, Mapping[str, object]]:
    """Return the samples of each cell that the report shows, by `run/cell`."""
    shown = list(_shown(view))
    least = -(-sum(_count(view.records[key]) for key, _ in shown) // MOST)
    return {
        f"{run_id}/{cell_id}": _cell(view.records[run_id, cell_id], estimate, least)
        for (run_id, cell_id), estimate in shown
    }


def _shown(view: View) -> Iterator[tuple[CellKey, Estimate | None]]:
    """Yield the cells that have samples, with their figures."""
    for series in (*view.series, *view.sustained):
        for row in series.boxes.values():
            for box in row.values():
                key = box.run_id, box.cell_id
                if key in view.records and _count(view.records[key]):
                    yield key, box.estimate


def _count(record: Record) -> int:
    return sum(len(session.samples_ns) for session in record.sessions)


def _cell(record: Record, estimate: Estimate | None, least: int) -> Mapping[str, object]:
    causes: dict[str, int] = {}
    together = max(least, -(-_count(record) // MOST_OF_CELL))
    late = _causes(record.sessions, causes) if together == 1 else {}
    best = best_ns(record.sessions)
    by_session = [
        _bursts(index, session, best, late.get(index, {}))
        for index, session in enumerate(record.sessions)
    ]
    middles = [
        _middle_ns(session, bursts, record.sampling.statistic)
        for session, bursts in zip(record.sessions, by_session, strict=True)
        if bursts
    ]
    bursts = [it for bursts in by_session for it in _thinned(bursts, together)]
    middle_ns = median(ns for it in bursts for ns in it.samples_ns)
    unit_ns = max(1, round(RESOLUTION * middle_ns))
    base = round(middle_ns / unit_ns)
    return {
        "unit": unit_ns / NS_PER_MS,
        "base": base,
        "s": [it.session + 1 for it in bursts],
        "t": [it.start_s for it in bursts],
        "d": [int(it.disturbed) for it in bursts],
        "w": [int(it.slow) for it in bursts],
        "v": [[round(ns / unit_ns) - base for ns in it.samples_ns] for it in bursts],
        "o": [it.causes for it in bursts],
        "causes": list(causes),
        "middles": [rounded(to_ms(ns)) for ns in middles],
        "figure": _figure(estimate),
        **_reach(sorted(ns for it in bursts for ns in it.samples_ns)),
        "together": together,
    }


def _reach(sorted_ns: Sequence[float]) -> Mapping[str, float]:
    """Return to where a histogram is drawn, in ms, and how many samples lie beyond: it ends at
    99.5% of them where what is above would take more of the axis than they do.
    """
    at = -(-995 * len(sorted_ns) // 1000) - 1
    least, bound, most = sorted_ns[0], sorted_ns[at], sorted_ns[-1]
    if most - bound <= bound - least:
        bound = most
    beyond = sum(ns > bound for ns in sorted_ns)
    return {"least": to_ms(least), "most": rounded(to_ms(bound)), "beyond": beyond}


def _middle_ns(session: Session, bursts: Sequence[_Burst], statistic: str) -> float:
    """Return what the session has of the cell's figure."""
    disturbed = any(it.disturbed for it in bursts)
    samples_ns = counted_ns(session) if disturbed else session.samples_ns
    return summarize([samples_ns], statistic).value_ns


def _figure(estimate: Estimate | None) -> Sequence[float] | None:
    if estimate is None:
        return None
    return [rounded(ms) for ms in (to_ms(estimate.value_ns), *ends_ms(estimate))]


def _causes(sessions: Sequence[Session], causes: dict[str, int]) -> Mapping[int, Mapping[int, int]]:
    """Return each outlier's first cause by its session and sample; `causes` numbers them."""
    late: dict[int, dict[int, int]] = {}
    for one in outliers(sessions):
        number = causes.setdefault(one.causes[0], len(causes) + 1)
        late.setdefault(one.session, {})[one.sample] = number
    return late


def _bursts(
    index: int, session: Session, best: float | None, late: Mapping[int, int]
) -> list[_Burst]:
    """Return the bursts of a session, none of one without samples."""
    starts = (session.bursts.started_ns if session.bursts else None) or []
    disturbed, canaries, first, bursts = are_disturbed(session), canaries_ns(session), 0, []
    for lap, samples_ns in enumerate(burst_samples_ns(session) if session.samples_ns else ()):
        after = first + len(samples_ns)
        causes = [late.get(number, 0) for number in range(first, after)] if late else []
        burst = _Burst(
            session=index,
            start_s=round((starts[lap] - starts[0]) / NS_PER_S, 2) if starts else None,
            disturbed=bool(disturbed and disturbed[lap]),
            slow=bool(best and canaries and canaries[lap] > SLOW * best),
            samples_ns=samples_ns,
            causes=causes if any(causes) else (),
        )
        bursts.append(burst)
        first = after
    return bursts


def _thinned(bursts: Sequence[_Burst], together: int) -> Iterator[_Burst]:
    """Yield a session's bursts, or its samples as medians of so many in a row, each a burst."""
    if together == 1:
        yield from bursts
        return
    flat = [(ns, burst) for burst in bursts for ns in burst.samples_ns]
    for start in range(0, len(flat), together):
        part = flat[start : start + together]
        yield replace(
            part[0][1],
            disturbed=any(burst.disturbed for _, burst in part),
            slow=any(burst.slow for _, burst in part),
            samples_ns=[median(ns for ns, _ in part)],
        )
