"""The second table of a GPU's series, and device.csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.gpu_figures import OnDevice, on_device
from bench.analysis.series import View
from bench.reports import csv_tables as tables_csv
from bench.reports import optional_files
from bench.reports.language import words
from bench.reports.tables import latency
from bench.reports.tables.device import device
from bench.reports.tables.model import Table
from bench.storage.files import replace_report
from bench.storage.schema.latency import Record, Session
from tests.fakes.records import failed, only_series, record, stored, view

MS = 1_000_000


def gauged(
    inside_ms: Sequence[float] = (1.0, 1.2), *, enqueue_ms: float = 0.3, builds: str = "01",
    build_s: Sequence[int | None] = (30, 40), energy_mj: Sequence[float | None] = (50.0, 54.0),
    **fields: Any,
) -> Record:  # fmt: skip
    """Return a GPU's record with a session for each of `inside_ms`."""
    plain = record(samples_ms=[[2.0, 2.1]] * len(inside_ms), runner="tensorrt", **fields)
    sessions = [
        one.model_copy(
            update={
                "figures_ns": {
                    "on_device": [round(inside * MS)] * 3,
                    "enqueue": [round(enqueue_ms * MS)] * 3,
                },
                "build_ns": None if took is None else took * 1000 * MS,
                "facts": one.facts | {"build": build},
                "covariates": {} if mj is None else {"energy_mj_per_inference": mj},
            }
        )
        for one, inside, build, took, mj in zip(
            plain.sessions, inside_ms, builds, build_s, energy_mj, strict=True
        )
    ]
    return plain.model_copy(update={"sessions": sessions})


def told(one: Record) -> OnDevice:
    found = on_device(one)
    assert found is not None
    return found


def shown(*records: Record) -> View:
    return view(stored(*records, target="nvidia-gpu"))


def test_each_figure_is_the_mean_of_the_sessions_own() -> None:
    it = told(gauged())
    assert it.on_device.value_ns == pytest.approx(1.1 * MS)
    assert it.on_device.half_width_ns is not None
    assert it.enqueue.value_ns == pytest.approx(0.3 * MS)
    assert (it.energy_mj, it.build_ns) == (52.0, 35e9)


@pytest.mark.parametrize(("enqueue_ms", "bound"), [(0.8, False), (0.81, True), (1.5, True)])
def test_a_cell_is_launch_bound_where_handing_over_takes_more_than_its_share(
    enqueue_ms: float, bound: bool
) -> None:
    assert told(gauged([1.0, 1.0], enqueue_ms=enqueue_ms)).launch_bound is bound


def test_builds_are_told_apart_by_their_own_figures() -> None:
    four: dict[str, Any] = {"build_s": [1, 1, None, None], "energy_mj": [None] * 4}
    it = told(gauged([1.0, 1.2, 1.0, 1.4], builds="0101", **four))
    assert it.builds == 2
    assert it.build_spread == pytest.approx(0.3)
    same = told(gauged([1.0, 1.2, 1.0, 1.4], builds="0000", **four))
    assert (same.builds, same.build_spread) == (1, None)


def test_what_no_session_told_is_not_known() -> None:
    it = told(gauged(build_s=[None, None], energy_mj=[None, None]))
    assert (it.build_ns, it.energy_mj) == (None, None)


def test_a_cell_of_a_cpu_or_with_a_session_that_lacks_them_has_no_such_figures() -> None:
    assert on_device(record()) is None
    whole = gauged()
    less: list[Session] = [
        whole.sessions[0],
        whole.sessions[1].model_copy(update={"figures_ns": {"on_device": [1]}}),
    ]
    assert on_device(whole.model_copy(update={"sessions": less})) is None
    assert on_device(record(outcome=failed())) is None


def test_the_second_table_stands_below_the_first_which_stays_end_to_end() -> None:
    page = shown(gauged())
    first, second = latency.section(page, only_series(page), words("en")).tables
    assert first.columns[1].title == ("Latency(ms)", "bs=1")
    assert first.rows[0][1].text.startswith("2.05")
    assert second.columns[1].title == ("On device(ms)", "bs=1")
    assert texts(second)[0] == [
        "ShuffleNetV2_x0_25", "1.1 ± 1.3", "0.300", "52.0", "2, 20.0% apart, 35 s each",
    ]  # fmt: skip


def texts(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row] for row in table.rows]


def on_device_table(*records: Record) -> Table:
    page = shown(*records)
    table = device(page, only_series(page), words("en"))
    assert table is not None
    return table


def test_what_is_launch_bound_is_said_in_the_table() -> None:
    assert "0.300 launch-bound" in texts(on_device_table(gauged([0.3, 0.3])))[0]


def test_a_column_that_no_cell_has_figures_for_is_left_out_and_other_cells_are_empty() -> None:
    table = on_device_table(
        gauged(), gauged(variant="x1_0", batch=4), record(runner="tensorrt", batch=8)
    )
    assert {column.title[-1] for column in table.columns[1:]} == {"bs=1", "bs=4"}
    assert texts(table)[0][-4:] == [""] * 4


def test_a_series_of_a_cpu_has_no_second_table() -> None:
    page = view(stored(record()))
    assert device(page, only_series(page), words("en")) is None
    assert Path("r/device.csv") not in tables_csv.write(page, Path("r"))


def test_device_csv_goes_when_a_later_report_has_none(tmp_path: Path) -> None:
    for page in (shown(gauged()), view(stored(record()))):
        replace_report(tables_csv.write(page, tmp_path), lambda: optional_files(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"latency.csv", "costs.csv"}


def test_device_csv_has_a_row_a_cell_under_its_head() -> None:
    files = tables_csv.write(shown(gauged(), gauged(batch=4, enqueue_ms=3.0)), Path("r"))
    head, first, second = csv.reader(files[Path("r/device.csv")].decode().splitlines())
    assert tuple(head) == tables_csv.DEVICE_HEAD
    row = dict(zip(head, first, strict=True))
    assert (row["on_device_ns"], row["enqueue_ns"], row["launch_bound"]) == (
        "1100000", "300000", "False",
    )  # fmt: skip
    assert (row["runner"], row["batch"], row["settings"]) == ("tensorrt", "1", "onednn=on")
    assert (row["build_ns"], row["builds"], row["build_spread"]) == ("35000000000", "2", "0.2")
    assert dict(zip(head, second, strict=True))["launch_bound"] == "True"
