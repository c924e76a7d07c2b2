from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.reports.terminal.histogram import bins, histogram

SAMPLES = st.lists(st.integers(1, 10**12), min_size=1, max_size=60)


@given(samples=SAMPLES)
def test_each_sample_is_in_one_bin_or_beyond_the_last(samples: list[int]) -> None:
    found = bins(samples)
    ends = [found.start_ns + found.step_ns * i for i in range(len(found.counts) + 1)]
    for low, high, count in zip(ends, ends[1:], found.counts, strict=False):
        assert count == sum(low <= ns < high for ns in samples)
    assert sum(found.counts) + found.beyond == len(samples)
    assert (found.longest_ns, 1 <= len(found.counts) <= 16) == (max(samples), True)
    assert found.beyond <= len(samples) / 4


@given(samples=SAMPLES, width=st.integers(8, 60))
def test_bars_are_as_long_as_their_counts_and_none_is_wider_than_there_is_room(
    samples: list[int], width: int
) -> None:
    found = bins(samples)
    lines = list(histogram(found, width))
    bars = [line.count("█") for line in lines[: len(found.counts)]]
    assert max(bars) == width
    filled = [any(sign in line for sign in "█▏▎▍▌▋▊▉") for line in lines[: len(found.counts)]]
    assert filled == [count > 0 for count in found.counts]
    assert len({line.index("  ") for line in lines[: len(found.counts)] if line[0] != " "}) <= 1


def test_edges_are_round_and_one_outlier_leaves_the_rest_their_rows() -> None:
    samples = [1_000_000 + 10_000 * i for i in range(100)] + [90_000_000]
    *rows, last = histogram(bins(samples), 10)
    assert rows[0].startswith("1.0 to 1.1  ██████████  10")
    assert len(rows) == 10
    assert last == "1 more, up to 90.0 ms"
