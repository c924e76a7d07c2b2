"""Published figures and what is known to be wrong with them."""

from __future__ import annotations

import pytest

from bench.config.catalog import load_catalogue
from bench.config.published import load_faults, load_published
from bench.core.errors import BrokenFile
from tests.unit.config.conftest import NET, Plant
from tests.unit.config.test_catalog import REAL


def test_empty_fields_of_the_published_table_are_left_out(plant: Plant) -> None:
    folder = plant(**{"published.csv": "model,family,top1,flops_m\nNet,Fam,,18.950\n"})
    row = load_published(folder)["Net"]
    assert (row.name, row.family) == ("Net", "Fam")
    assert row.figures == {"flops_m": 18.95}
    assert row.texts == {"flops_m": "18.950"}, "as it was published, to the digit"


@pytest.mark.parametrize(
    "table",
    [
        "name,family,top1\nNet,Fam,1\n", "model,top1\nNet,1\n", "model,family,top1\nNet,Fam,high\n",
        "model,family,top1\nNet,Fam,1,2\n", "model,family,top1\nNet,Fam," + "1" * 140_000,
    ],
    ids=["no model", "no family", "no number", "a field too many", "an endless field"],
)  # fmt: skip
def test_what_is_not_the_published_table_is_refused(plant: Plant, table: str) -> None:
    with pytest.raises(BrokenFile, match="not the published table"):
        load_published(plant(**{"published.csv": table}))


def test_the_published_table_is_optional(plant: Plant) -> None:
    assert load_published(plant()) == {}


@pytest.mark.parametrize(
    ("top1", "flops", "said"),
    [
        ("70.9", "1", r"line 3: top1 70\.9 is above 1: write it as a share, 0\.709 for 70\.9%"),
        ("nan", "1", "line 3: top1 nan isn't finite and above 0"),
        ("0.7", "inf", "line 3: flops_m inf isn't finite and above 0"),
        ("0.7", "1e999", "line 3: flops_m 1e999 isn't finite and above 0"),
        ("0.7", "0", "line 3: flops_m 0 isn't finite and above 0"),
        ("0.7", "-3", "line 3: flops_m -3 isn't finite and above 0"),
        ("0.7", "1.5e", "line 3: flops_m 1.5e is no number"),
    ],
)
def test_a_figure_that_nothing_can_have_is_refused_with_its_line(
    plant: Plant, top1: str, flops: str, said: str
) -> None:
    table = f"model,family,top1,flops_m\nGood,Fam,0.7,18\nNet,Fam,{top1},{flops}\n"
    with pytest.raises(BrokenFile, match=said) as caught:
        load_published(plant(**{"published.csv": table}))
    assert "published.csv" in str(caught.value)
    assert "git" not in caught.value.hint


def test_two_rows_of_one_model_are_refused(plant: Plant) -> None:
    table = "model,family,top1\nNet,Fam,0.5\nNet,Fam,0.6\n"
    with pytest.raises(BrokenFile, match="line 3: Net has a row already"):
        load_published(plant(**{"published.csv": table}))


def test_files_that_windows_saved_are_read(plant: Plant) -> None:
    table, faults = "model,family,top1\nNet,Fam,0.5\n", "[[fault]]\nmodel = 'Net'\n"
    faults += "columns = ['top1']\nnote = 'a slip'\n"
    folder = plant()
    for name, text in (
        ("published.csv", table), ("known_faults.toml", faults), ("catalog.toml", NET),
    ):  # fmt: skip
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_published(folder)["Net"].texts == {"top1": "0.5"}
    assert load_faults(folder)[0].note == "a slip"
    assert list(load_catalogue(folder).models) == ["net"]


@pytest.mark.parametrize("name", ["published.csv", "catalog.toml"])
def test_a_file_of_another_encoding_is_told_as_that(plant: Plant, name: str) -> None:
    folder = plant()
    (folder / name).write_bytes("model,family\n".encode("utf-16"))
    load = load_published if name == "published.csv" else load_catalogue
    with pytest.raises(BrokenFile, match="it isn't UTF-8: save it as UTF-8"):
        load(folder)


def test_known_faults_are_optional(plant: Plant) -> None:
    assert load_faults(plant()) == ()
    assert load_faults(plant(**{"known_faults.toml": ""})) == ()


def test_a_fault_names_its_model_columns_and_note(plant: Plant) -> None:
    text = "[[fault]]\nmodel = 'Net'\ncolumns = ['top1']\nnote = 'a slip'\n"
    [fault] = load_faults(plant(**{"known_faults.toml": text}))
    assert (fault.model, fault.columns, fault.note) == ("Net", ("top1",), "a slip")
    with pytest.raises(BrokenFile, match=r"field 'fault\.0\.note' is missing"):
        load_faults(plant(**{"known_faults.toml": text.replace("note", "#")}))


def test_the_published_table_has_each_model_once() -> None:
    lines = (REAL / "published.csv").read_text(encoding="utf-8").splitlines()
    assert len(load_published(REAL)) == len(lines) - 1 == 40


def test_every_known_fault_is_about_a_figure_that_was_published() -> None:
    published = load_published(REAL)
    for fault in load_faults(REAL):
        assert set(fault.columns) <= set(published[fault.model].figures), fault.model
        assert fault.columns
