"""Every figure of the page is what comes out of the stored samples and of what was published."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

import pytest
from playwright.sync_api import Browser

from bench.analysis.boxes import box_of
from bench.analysis.contention import counted_ns
from bench.analysis.statistics import percentiles
from bench.analysis.turns import race
from bench.config.published import Published, load_published
from bench.core.paths import PROJECT
from bench.reports.build import load_runs
from bench.storage.schema.latency import ModelFacts, Record
from tests.browser.conftest import Made
from tests.browser.opening import loaded, opened
from tests.browser.stored import committed_records, latency

pytestmark = pytest.mark.slow

_WALK = """
() => [...document.querySelectorAll("table.data :is(th, td):is([data-order], :has([data-cell]))")]
  .map(box => {
    const table = box.closest("table"), link = box.querySelector("[data-cell]");
    return {
      table: table.id, key: table.tHead.rows[0].cells[box.cellIndex].dataset.key ?? "",
      row: box.parentNode.cells[0].textContent.trim(), origin: box.classList[0],
      order: box.dataset.order ?? "", text: (link ?? box.firstChild)?.textContent.trim() ?? "",
      cell: link?.dataset.cell ?? "",
    };
  })
"""
_NUMBER = re.compile(r"[\d,]+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A cell of a table as the browser has it."""

    table: str
    key: str
    row: str
    origin: str
    order: str
    text: str
    cell: str


def percentile(share: int) -> Callable[[Record], float]:
    """The mean over sessions of the bound on the time that so many percent of samples are below."""

    def compute(record: Record) -> float:
        return percentiles([counted_ns(session) for session in record.sessions])[share] / 1e6

    return compute


def load_ms(record: Record) -> float:
    return median(session.load_ns for session in record.sessions) / 1e6


def memory_mib(record: Record) -> float:
    return median(float(session.covariates["peak_rss_mib"]) for session in record.sessions)


def distance(record: Record) -> float:
    return max(one.relative_l2 for one in record.sessions if one.relative_l2 is not None)


BY_TABLE: Mapping[str, Callable[[Record], float]] = {
    "engines-latency": latency,
    "engines-load": load_ms,
    "engines-memory": memory_mib,
    "engines-distance": distance,
}
BY_KEY: Mapping[str, Callable[[Record], float]] = {
    "latency": latency,
    "distance": distance,
    **{f"p{share}": percentile(share) for share in (90, 95, 99)},
}


def counted(facts: ModelFacts, key: str) -> float | None:
    """What was counted of a net: millions of operations or parameters, or MiB of storage."""
    if key == "storage":
        return facts.storage.bytes / 2**20 if facts.storage else None
    name = {"flops": "flops_paddle"}.get(key, key)
    return getattr(facts.costs, name) / 1e6 if facts.costs else None


@pytest.fixture(scope="module")
def records() -> Mapping[str, Record]:
    return committed_records()


@pytest.fixture(scope="module")
def published() -> Mapping[str, Published]:
    return load_published(PROJECT / "models")


@pytest.fixture(scope="module", params=["committed", "committed zh"])
def walked(request: pytest.FixtureRequest, browser: Browser, made: Made) -> list[Figure]:
    """The figures of a page in the order in which they stand in it."""
    with opened(browser, made(request.param)) as shown:
        loaded(shown)
        keys = shown.keys()
        return [
            Figure(**{**one, "cell": keys[int(one["cell"])] if one["cell"] else ""})
            for one in shown.value(_WALK)
        ]


def is_ratio(figure: Figure) -> bool:
    return figure.table.startswith(("ratios-", "engines-ratios-"))


def written(figure: Figure) -> tuple[float, float]:
    """Return the first number of a cell's text and half of its last place."""
    match = _NUMBER.search(figure.text)
    assert match, figure
    number = Decimal(match[0].replace(",", ""))
    return float(number), 0.5 * 10.0 ** int(number.as_tuple().exponent)


def assert_is(figure: Figure, expected: float) -> None:
    """The value that the cell is sorted by is `expected`, and its text is that when rounded."""
    assert float(figure.order) == pytest.approx(expected, rel=1e-9), figure
    number, half = written(figure)
    assert abs(number - expected) <= half * 1.001, figure


def test_each_measured_figure_is_that_of_its_stored_samples(
    walked: Sequence[Figure], records: Mapping[str, Record], published: Mapping[str, Published]
) -> None:
    known = [it for it in walked if it.cell and it.order and not is_ratio(it)]
    assert {figure.cell for figure in known} == set(records)
    for figure in known:
        table = figure.table.partition("-cpu-")[0].partition("-engines-")[0]
        if table.startswith("compared-"):
            column = table.removeprefix("compared-").removesuffix("-table")
            beside = published[figure.row].figures[column]
            assert_is(figure, latency(records[figure.cell]) / beside)
        else:
            compute = BY_TABLE.get(table) or BY_KEY[figure.key.split()[0]]
            assert_is(figure, compute(records[figure.cell]))


def test_each_ratio_is_that_of_the_bursts_that_took_turns(
    walked: Sequence[Figure], records: Mapping[str, Record]
) -> None:
    races = defaultdict(list)
    for figure in walked:
        if is_ratio(figure):
            within = figure.row if figure.table.startswith("engines-") else figure.key
            races[figure.table, within].append(figure)
    assert len(races) > 10
    for figures in races.values():
        boxes = [box_of(records[one.cell], one.cell.partition("/")[0]) for one in figures]
        known = race(boxes)
        for index, figure in enumerate(figures):
            if known is not None and index == known.first:
                assert_is(figure, 1.0)
            elif known is not None and (ratio := known.ratios[index]) is not None:
                assert_is(figure, ratio.value)
            else:
                assert not _NUMBER.match(figure.text)


def test_how_far_a_count_is_from_the_published_one_is_of_the_two_beside_it(
    walked: Sequence[Figure],
) -> None:
    apart = [index for index, figure in enumerate(walked) if figure.key.startswith("apart ")]
    assert len(apart) > 15
    for index in apart:
        own, published, share = walked[index - 2 : index + 1]
        assert own.row == published.row == share.row
        expected = float(own.order) / float(published.order) - 1
        assert float(share.order) == pytest.approx(expected)
        number, half = written(share)
        assert abs(number - 100 * abs(expected)) <= half * 1.001
        assert share.text.startswith(("−", "+") if number else "0")


def test_each_published_and_each_counted_figure_is_that_of_its_file(
    walked: Sequence[Figure], published: Mapping[str, Published]
) -> None:
    facts = {
        it.title: it
        for run in load_runs(PROJECT / "results", broken=[])
        for it in run.manifest.models.values()
    }
    checked = 0
    for figure in walked:
        if figure.origin == "published":
            column = figure.key.removeprefix("published ")
            expected = published[figure.row].figures.get(column)
        elif figure.origin == "counted" and not figure.key.startswith("apart "):
            expected = counted(facts[figure.row], figure.key)
        else:
            continue
        if expected is None:
            assert figure.order == ""
        else:
            assert_is(figure, expected)
            checked += 1
    assert checked > 100
