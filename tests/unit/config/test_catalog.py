"""The catalogue: one source a model, a hash over all that shapes the net, the published figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.catalog import Model, Weights, load_catalogue, parse_weights, resolve, select
from bench.config.published import load_faults, load_published
from bench.core.digest import file_sha256
from bench.core.errors import BrokenFile, InputError, UnknownName

REAL = Path(__file__).parents[3] / "models"
NET = "[models.net]\nfactory = 'mynet:net'\n"
Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write files into a models folder; `catalog` is catalog.toml's text."""

    def write(catalog: str = NET, **files: str) -> Path:
        for name, text in {"catalog.toml": catalog, **files}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def net(folder: Path, weights: Weights | None = None, variant: str = "net") -> Model:
    return resolve(load_catalogue(folder), variant, folder, weights or Weights())


def own_weights(path: Path, content: bytes) -> Weights:
    path.write_bytes(content)
    return parse_weights(str(path))


def test_a_model_is_what_its_entry_says(plant: Plant) -> None:
    folder = plant(NET + "published = 'Net'\ninput = [1, 28, 30]\n")
    model = net(folder)
    assert (model.variant, model.title, model.published) == ("net", "Net", "Net")
    assert (model.input, model.input_text) == ((1, 28, 30), "1x28x30")
    assert model.source == {"factory": "mynet:net", "search_path": [str(folder)]}


@pytest.mark.parametrize(
    ("more", "title"),
    [("", "net"), ("published = 'P'", "P"), ("published = 'P'\ntitle = 'T'", "T")],
)
def test_a_title_is_the_given_or_the_published_or_the_catalogues_name(
    plant: Plant, more: str, title: str
) -> None:
    assert net(plant(NET + more)).title == title


@pytest.mark.parametrize(
    ("catalog", "fault"),
    [
        ("[models.net]\n", "exactly one of 'factory' and 'exported'"),
        (NET + "exported = 'a.json'\n", "exactly one of 'factory' and 'exported'"),
        ("[models.net]\nfactory = 'mynet'\n", 'written "module:function"'),
        ("[models.net]\nfactory = 'mynet:'\n", 'written "module:function"'),
        ("[models.net]\nfactory = ':net'\n", 'written "module:function"'),
        (NET + "input = [3, 0, 224]\n", "models.net.input.1"),
        (NET + "facotry = 'mynet:net'\n", "unknown field 'models.net.facotry'"),
        ("[models.'my net']\nfactory = 'mynet:net'\n", "my net"),
        ("", "field 'models' is missing"),
        ("[models.net\n", "not TOML"),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused_by_what_is_wrong(
    plant: Plant, catalog: str, fault: str
) -> None:
    folder = plant(catalog)
    with pytest.raises(BrokenFile, match=fault) as caught:
        load_catalogue(folder)
    assert caught.value.path == folder / "catalog.toml"


def test_a_missing_catalogue_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="there is no such file"):
        load_catalogue(tmp_path)


def test_no_name_selects_all_in_the_catalogues_order(plant: Plant) -> None:
    catalogue = load_catalogue(plant(NET + "[models.a]\nfactory = 'a:a'\n"))
    assert select(catalogue, []) == ["net", "a"]


def test_names_are_selected_as_asked_for_and_once(plant: Plant) -> None:
    catalogue = load_catalogue(plant(NET + "[models.a]\nfactory = 'a:a'\n"))
    assert select(catalogue, ["a", "net", "a"]) == ["a", "net"]
    with pytest.raises(UnknownName, match="did you mean 'net'"):
        select(catalogue, ["a", "nett"])


def test_a_models_hash_is_the_same_wherever_the_folder_lies(plant: Plant, tmp_path: Path) -> None:
    here = plant()
    there = tmp_path / "there"
    there.mkdir()
    (there / "catalog.toml").write_text(NET)
    assert net(here).hash == net(there).hash


@pytest.mark.parametrize(
    "catalog", ["[models.net]\nfactory = 'mynet:other'\n", NET + "input = [3, 8, 8]\n"]
)
def test_another_net_has_another_hash(plant: Plant, catalog: str) -> None:
    assert net(plant()).hash != net(plant(catalog)).hash


def test_an_entry_may_give_a_tolerance_and_settings_of_runners(plant: Plant) -> None:
    told = net(plant(NET + "tolerance = 1e-3\nsettings.mnn.winograd = 'large'\n"))
    assert (told.tolerance, told.settings) == (1e-3, {"mnn": {"winograd": "large"}})
    plain = net(plant())
    assert (plain.tolerance, plain.settings) == (None, {})


@pytest.mark.parametrize("value", ["0", "1", "-0.1", "'much'"])
def test_a_tolerance_is_a_share_of_the_reference(plant: Plant, value: str) -> None:
    with pytest.raises(BrokenFile, match="tolerance"):
        net(plant(NET + f"tolerance = {value}\n"))


@pytest.mark.parametrize(
    "more", ["title = 'T'\n", "published = 'P'\n", "tolerance = 0.1\n", "settings.mnn = {}\n"]
)
def test_what_a_net_is_called_does_not_change_its_hash(plant: Plant, more: str) -> None:
    assert net(plant()).hash == net(plant(NET + more)).hash


def test_an_edited_factory_in_the_models_folder_is_another_net(plant: Plant) -> None:
    hashes = [net(plant()).hash]
    hashes += [net(plant(**{"mynet.py": text})).hash for text in ("def net(): ...", "net = int")]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize("read", ["net.yaml", "nets/deep/net.json", "linked/net.yaml"])
def test_an_edited_file_that_a_factory_may_read_is_another_net(
    plant: Plant, tmp_path: Path, read: str
) -> None:
    folder = plant(**{"mynet.py": "net = int"})
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / read).parent.mkdir(parents=True, exist_ok=True)
    hashes = []
    for text in ("scale: 0.5", "scale: 1.0"):
        (folder / read).write_text(text)
        hashes.append(net(folder).hash)
    assert len({*hashes}) == 2


@pytest.mark.parametrize(
    "other", [".git/HEAD", "__pycache__/mynet.cpython-312.pyc", "README.md", "published.csv"]
)
def test_a_file_that_no_factory_reads_leaves_the_net(plant: Plant, other: str) -> None:
    folder = plant(**{"mynet.py": "net = int"})
    before = net(folder).hash
    (folder / other).parent.mkdir(exist_ok=True)
    (folder / other).write_text("text")
    assert net(folder).hash == before


def test_a_folder_that_links_to_itself_is_read_once(plant: Plant) -> None:
    folder = plant(**{"mynet.py": "net = int"})
    before = net(folder).hash
    (folder / "again").symlink_to(folder)
    assert net(folder).hash == before


def test_an_edited_file_that_is_not_the_factory_leaves_the_net(plant: Plant) -> None:
    assert net(plant()).hash == net(plant(**{"other.py": "x = 1"})).hash


def test_a_factory_in_a_subfolder_is_found_by_its_dotted_name(plant: Plant) -> None:
    folder = plant("[models.net]\nfactory = 'nets.mine:net'\n")
    before = net(folder).hash
    (folder / "nets").mkdir()
    (folder / "nets" / "mine.py").write_text("net = int")
    assert net(folder).hash != before


def test_weights_of_ones_own_are_hashed_by_their_content(plant: Plant, tmp_path: Path) -> None:
    folder = plant()
    one = net(folder, own_weights(tmp_path / "one.pdparams", b"1"))
    same = net(folder, own_weights(tmp_path / "copy.pdparams", b"1"))
    other = net(folder, own_weights(tmp_path / "one.pdparams", b"2"))
    assert one.hash == same.hash
    assert one.hash != other.hash


def test_each_kind_of_weights_makes_another_net(plant: Plant, tmp_path: Path) -> None:
    folder = plant()
    kinds = [
        parse_weights("seeded"), parse_weights("pretrained"), own_weights(tmp_path / "w", b"1")
    ]  # fmt: skip
    assert len({net(folder, weights).hash for weights in kinds}) == 3


def test_an_exporter_is_told_which_weights_to_take(tmp_path: Path) -> None:
    path = tmp_path / "w.pdparams"
    assert own_weights(path, b"1").source() == {"kind": "file", "path": str(path)}
    assert parse_weights("pretrained").source() == {"kind": "pretrained"}
    assert parse_weights("seeded").source() == {"kind": "seeded", "seed": 0}


def test_a_weights_path_still_holds_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.pdparams").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    assert parse_weights("w.pdparams").path == tmp_path / "w.pdparams"


@pytest.mark.parametrize("text", ["nowhere.pdparams", "", "Seeded", "."])
def test_weights_that_are_neither_a_kind_nor_a_file_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"--weights {text}: there is no such file"):
        parse_weights(text)


@pytest.mark.parametrize(
    ("files", "named"),
    [({}, "net.json"), ({"net.json": "{}"}, "net.pdiparams"), ({"net.pdiparams": "w"}, "net.json")],
)
def test_a_missing_file_of_an_exported_model_is_named(
    plant: Plant, files: dict[str, str], named: str
) -> None:
    folder = plant("[models.net]\nexported = 'net.json'\n", **files)
    with pytest.raises(BrokenFile, match=f"file {named} isn't at net.json") as caught:
        net(folder)
    assert caught.value.path == folder / "catalog.toml"


@pytest.mark.parametrize("edited", ["net.json", "net.pdiparams"])
def test_an_exported_model_is_hashed_by_both_of_its_files(plant: Plant, edited: str) -> None:
    catalog = "[models.net]\nexported = 'net.json'\n"
    folder = plant(catalog, **{"net.json": "{}", "net.pdiparams": "w"})
    before = net(folder)
    assert before.source == {"exported": str(folder / "net.json")}
    assert net(plant(catalog, **{edited: "edited"})).hash != before.hash


def test_an_exported_model_keeps_its_own_weights(plant: Plant) -> None:
    catalog = "[models.net]\nexported = 'net.json'\n"
    folder = plant(catalog, **{"net.json": "{}", "net.pdiparams": "w"})
    model = net(folder, parse_weights("pretrained"))
    assert model.weights.kind == "exported"
    assert model == net(folder)


@given(content=st.binary(max_size=64), times=st.sampled_from([1, 1 << 16]))
def test_a_files_digest_is_its_contents_whatever_its_size(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, times: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "digested"
    path.write_bytes(content * times)
    assert file_sha256(path) == hashlib.sha256(content * times).hexdigest()


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


def test_the_real_models_are_the_seven_of_the_published_family() -> None:
    catalogue = load_catalogue(REAL)
    assert list(catalogue.models) == ["x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish"]
    family = {r.name for r in load_published(REAL).values() if r.family == "ShuffleNetV2"}
    assert {entry.published for entry in catalogue.models.values()} == family


def test_each_real_model_has_a_row_and_a_hash_of_its_own() -> None:
    catalogue, published = load_catalogue(REAL), load_published(REAL)
    models = [resolve(catalogue, variant, REAL, Weights()) for variant in catalogue.models]
    assert {model.published for model in models} <= set(published)
    assert len({model.hash for model in models}) == len(models)


def test_the_published_table_has_each_model_once() -> None:
    lines = (REAL / "published.csv").read_text(encoding="utf-8").splitlines()
    assert len(load_published(REAL)) == len(lines) - 1 == 40


def test_every_known_fault_is_about_a_figure_that_was_published() -> None:
    published = load_published(REAL)
    for fault in load_faults(REAL):
        assert set(fault.columns) <= set(published[fault.model].figures), fault.model
        assert fault.columns


def test_the_hash_does_not_tell_where_weights_lie(plant: Plant, tmp_path: Path) -> None:
    weights = own_weights(tmp_path / "w.pdparams", b"1")
    assert "path" not in weights.identity()
    assert net(plant(), weights).weights == replace(weights, path=tmp_path / "w.pdparams")


def test_weights_are_called_by_their_kind_and_a_file_by_its_content_too(tmp_path: Path) -> None:
    assert [parse_weights(it).label for it in ("seeded", "pretrained")] == ["seeded", "pretrained"]
    one, same, other = (
        own_weights(tmp_path / f"{name}.pdparams", content).label
        for name, content in (("one", b"1"), ("copy", b"1"), ("other", b"2"))
    )
    assert one == same == f"file {hashlib.sha256(b'1').hexdigest()[:8]}"
    assert other != one
