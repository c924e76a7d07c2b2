from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.analysis.series import StoredRun
from bench.core.errors import Unavailable
from bench.reports.build import load_runs
from bench.reports.csv_tables import LATENCY_HEAD
from bench.reports.data.columns import LEVELS, SWITCH, WHOLE
from bench.reports.data.frame import frame_of
from bench.reports.data.rows import cells
from bench.storage.schema.latency import Bursts
from tests.fakes.records import failed, record, session, skipped, stored, system, waited

RESULTS = Path(__file__).parents[4] / "results"
OLD, NEW = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
LONG = {
    "preset": "sustained", "sessions": 1, "samples": 3000, "min_samples": 1, "budget_s": 6.0,
    "warmup_s": 0.0, "steady_tolerance": None, "timeout_s": 126.0,
}  # fmt: skip


def frame(*runs: StoredRun, level: str = "cell") -> pd.DataFrame:
    return frame_of(level, cells(runs))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("runs", [(), (stored(record("x0_25"), record("x1_0", outcome=failed())),)])
def test_a_table_has_the_documented_columns_in_their_order_and_types(
    level: str, runs: tuple[StoredRun, ...]
) -> None:
    made = frame(*runs, level=level)
    assert list(made.columns) == [it.name for it in LEVELS[level]]
    assert [str(dtype) for dtype in made.dtypes] == [it.dtype for it in LEVELS[level]]
    assert len(made) == bool(runs) * {"cell": 2, "session": 2, "sample": 2}[level]


@pytest.mark.parametrize("level", LEVELS)
def test_each_column_is_told_of_in_a_sentence_and_named_once(level: str) -> None:
    names = [it.name for it in LEVELS[level]]
    assert len(names) == len(set(names))
    for column in LEVELS[level]:
        assert column.text[0].isupper(), column
        assert column.text.endswith("."), column


def test_shown_cells_have_the_figures_of_latency_csv_exactly() -> None:
    made = frame(*load_runs(RESULTS, broken=[]))
    published = pd.read_csv(RESULTS / "report/latency.csv", dtype=str, keep_default_na=False)
    keys = ["run_id", "cell_id"]
    made = made[made["shown"]].sort_values(keys).reset_index(drop=True)
    published = published.sort_values(keys).reset_index(drop=True)
    kinds = {it.name: it.dtype for it in LEVELS["cell"]}
    assert len(made) == len(published) > 60
    for name in LATENCY_HEAD:
        column = published[name].replace("", None)
        if kinds[name] == SWITCH:
            column = column.map({"True": True, "False": False})
        elif kinds[name] in {WHOLE, "Float64"}:
            column = pd.to_numeric(column)
        expected = column.astype(kinds[name])
        own = made[name].replace("", pd.NA) if kinds[name] == "string" else made[name]
        pd.testing.assert_series_equal(own, expected, obj=name)


def test_cells_of_all_runs_are_there_and_shown_tells_the_newest() -> None:
    old = stored(record("x0_25", samples_ms=[[2.0], [2.0]]), run_id=OLD)
    new = stored(record("x0_25", samples_ms=[[3.0], [3.0]]), run_id=NEW)
    made = frame(old, new)
    assert made["latency_ns"].to_list() == [2_000_000, 3_000_000]
    assert made["shown"].to_list() == [False, True]
    assert made["run_id"].to_list() == [OLD, NEW]


def test_a_cell_without_a_figure_says_why_and_has_no_number() -> None:
    made = frame(stored(record("x0_25", outcome=failed()), record("x1_0", outcome=skipped())))
    assert made["outcome"].to_list() == ["failed", "skipped"]
    assert made["failure"].to_list() == ["crash", pd.NA]
    assert "the child died of SIGSEGV" in made["reason"][0]
    assert made["reason"][1] == "skipped: this chip has no such unit: take another chip"
    assert made[["latency_ns", "half_width_95_ns", "p90_ns", "grade"]].isna().all(axis=None)


def test_a_long_session_has_its_course_and_no_latency() -> None:
    made = frame(stored(record(samples_ms=[[2.0] * 1000 + [2.5] * 1600], sampling=LONG)))
    assert made[["first_tenth_ns", "last_tenth_ns"]].to_numpy().tolist() == [[2_000_000, 2_500_000]]
    assert made["last_over_first"].to_list() == [1.25]
    assert made[["latency_ns", "ratio"]].isna().all(axis=None)


def test_an_emulated_system_is_marked_and_a_time_that_is_none_is_missing() -> None:
    made = frame(stored(record(), on=system(emulated=True), started="yesterday"))
    assert made["emulated"].to_list() == [True]
    assert made["run_started"].isna().all()


def test_sessions_and_samples_repeat_what_the_row_of_their_cell_says() -> None:
    others: dict[str, Any] = {
        "threads": 2,
        "precision": "int8",
        "settings": {"onednn": "on", "tensor_gc": "off"},
    }
    old = stored(record("x0_25"), record("x1_0", batch=4, **others), run_id=OLD)
    for one in cells([old, stored(record("x0_25", engine="paddle 9"), run_id=NEW)]):
        assert one.identity == {name: one.row[name] for name in one.identity}
        assert set(one.identity) < {it.name for it in LEVELS["sample"]}


def test_the_mean_of_the_sessions_is_the_figure_of_their_cell() -> None:
    runs = load_runs(RESULTS, broken=[])
    made, sessions = frame(*runs), frame(*runs, level="session")
    means = sessions.groupby(["run_id", "cell_id"])["session_latency_ns"].mean()
    figures = made.set_index(["run_id", "cell_id"])["latency_ns"].dropna()
    assert (means.loc[figures.index].map(round) == figures).all()


def test_samples_that_count_are_those_the_figure_is_of() -> None:
    bursts = Bursts.model_validate(waited(0.0, 0.5, 0.0))
    one = session((1.0, 1.0, 9.0, 9.0, 2.0, 2.0), bursts=bursts)
    run = stored(record().model_copy(update={"sessions": [one]}))
    made = frame(run, level="sample")
    assert made["sample_ns"].to_list() == [1e6, 1e6, 9e6, 9e6, 2e6, 2e6]
    assert made["burst"].to_list() == [0, 0, 1, 1, 2, 2]
    assert made["counts"].to_list() == [True, True, False, False, True, True]
    assert made["sample"].to_list() == list(range(6))
    assert frame(run, level="session")["session_samples"].to_list() == [4]


def test_samples_without_bursts_count_and_their_burst_is_not_known() -> None:
    made = frame(stored(record(samples_ms=[[1.0, 2.0], [3.0]])), level="sample")
    assert made["burst"].isna().all()
    assert made["counts"].all()
    assert made["session"].to_list() == [0, 0, 1]


def test_all_stored_samples_have_a_row() -> None:
    runs = load_runs(RESULTS, broken=[])
    counts = [len(s.samples_ns) for r in runs for it in r.records for s in it.sessions]
    made = frame(*runs, level="sample")
    assert len(made) == sum(counts)
    assert made["sample_ns"].sum() == sum(
        sum(s.samples_ns) for r in runs for it in r.records for s in it.sessions
    )
    assert io.StringIO(made.head().to_csv()).readline().count("run_id") == 1


def test_without_pandas_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Unavailable, match=r"pip install 'shufflenet-bench\[pandas\]'"):
        frame_of("cell", [])
