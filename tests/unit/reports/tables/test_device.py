"""The energy of packages on the page and in energy.csv: information, in no column of latencies."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from bench.reports import csv_tables
from bench.reports.language import words
from bench.reports.tables.device import energy
from bench.storage.schema.latency import Record
from tests.fakes.records import only_series, record, stored, view


def using(*energies_j: float | None, **fields: Any) -> Record:
    """A record of two samples a session, which used so many J."""
    one = record(samples_ms=[[2.0, 2.0]] * len(energies_j), **fields)
    covariates = [{} if j is None else {"package_energy_j": j} for j in energies_j]
    sessions = [
        session.model_copy(update={"covariates": known})
        for session, known in zip(one.sessions, covariates, strict=True)
    ]
    return one.model_copy(update={"sessions": sessions})


def test_energy_is_the_mean_over_the_sessions_that_know_it_by_inference() -> None:
    page = view(stored(using(0.1, 0.2, None), record(batch=4)))
    table = energy(page, only_series(page), words("en"))
    assert table is not None
    assert [column.title for column in table.columns] == [
        ("Models",), ("Energy(mJ)", "bs=1, thread=1"),
    ]  # fmt: skip
    ((name, figure),) = table.rows
    assert (name.text, figure.text, figure.value) == ("ShuffleNetV2_x0_25", "75.0", 75.0)
    assert "whole processor" in table.remarks[0]


def test_without_a_reading_there_is_no_table_and_no_file() -> None:
    page = view(stored(using(None)))
    assert energy(page, only_series(page), words("en")) is None
    assert Path("r/energy.csv") not in csv_tables.write(page, Path("r"))


def test_energy_csv_has_a_row_a_cell_under_its_head_and_latency_csv_has_none() -> None:
    files = csv_tables.write(view(stored(using(0.1), record(batch=4))), Path("r"))
    head, row = csv.reader(files[Path("r/energy.csv")].decode().splitlines())
    assert tuple(head) == csv_tables.ENERGY_HEAD
    told = dict(zip(head, row, strict=True))
    assert (told["batch"], told["package_energy_mj_per_inference"]) == ("1", "50.0")
    assert b"energy" not in files[Path("r/latency.csv")]
