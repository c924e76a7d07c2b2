"""The catalogue: one source a model, a hash over all that shapes the net, the published figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bench.config.catalog import (
    Weights,
    load_catalogue,
    resolve,
    resolve_all,
    select,
)
from bench.config.entries import Catalogue, entry_name
from bench.config.images import Preprocess
from bench.config.published import load_published
from bench.core.cell import Cell
from bench.core.errors import BrokenFile, InputError, UnknownName
from bench.storage.schema.common import Id
from tests.unit.config.conftest import NET, Plant, net

REAL = Path(__file__).parents[3] / "models"


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
        ("[models.net]\n", "exactly one of 'factory', 'file' and 'exported'"),
        (NET + "exported = 'a.json'\n", "exactly one of 'factory', 'file' and 'exported'"),
        ("[models.net]\nfactory = 'mynet'\n", 'written "module:function"'),
        ("[models.net]\nfactory = 'mynet:'\n", 'written "module:function"'),
        ("[models.net]\nfactory = ':net'\n", 'written "module:function"'),
        ("[models.net]\nexported = 'a.json'\nweights = 'w'\n", "leave 'weights' out"),
        (NET + "input = [3, 0, 224]\n", "models.net.input.1"),
        (NET + "facotry = 'mynet:net'\n", "unknown field 'models.net.facotry'"),
        ("[models.'my net']\nfactory = 'mynet:net'\n", "my net"),
        ("[models.-net]\nfactory = 'mynet:net'\n", "-net"),
        ("[models._net]\nfactory = 'mynet:net'\n", "_net"),
        (f"[models.{'n' * 65}]\nfactory = 'mynet:net'\n", "models.n"),
        (NET + "task = 'detect'\n", "models.net.task"),
        (NET + "task = 'none'\ntop1 = 0.5\n", "'top1' is of a model with classes"),
        (NET + "task = 'none'\nclass_names = 'a'\n", "'class_names' is of a model with classes"),
        (NET + "top1 = 71.2\n", "models.net.top1"),
        (NET + "top1 = 0.9\ntop5 = 0.8\n", "'top1' is above 'top5'"),
        (NET + "preprocess = { short = 256, size = [224, 224] }\n", "one of 'short' and 'size'"),
        (NET + "preprocess = { std = [1, 0, 1] }\n", "a standard deviation isn't 0"),
        (NET + "preprocess = { interpolation = 'box' }\n", 'needs backend = "pillow"'),
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


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("class_names = 'gone.txt'\n", "the file of class names isn't at gone.txt"),
        ("search_path = ['.', 'gone']\n", "the folder of modules isn't at gone"),
    ],
)
def test_a_path_of_an_entry_that_leads_nowhere_is_named(
    plant: Plant, more: str, problem: str
) -> None:
    with pytest.raises(BrokenFile, match=problem):
        net(plant(NET + more))


def test_a_model_whose_file_is_missing_leaves_the_others(plant: Plant) -> None:
    folder = plant(NET + "[models.gone]\nexported = 'gone.json'\n")
    catalogue = load_catalogue(folder)
    whole, gone = resolve_all(catalogue, ["net", "gone"], folder, Weights())
    assert whole == net(folder)
    assert "file gone.json isn't at gone.json" in str(gone.problem)
    assert gone.hash != whole.hash
    with pytest.raises(BrokenFile, match=r"gone\.json"):
        resolve_all(catalogue, ["gone"], folder, Weights())


def test_modules_are_looked_for_in_the_folder_and_then_in_the_search_path(plant: Plant) -> None:
    folder = plant(NET + "search_path = ['nets']\n")
    (folder / "nets").mkdir()
    plain = net(folder)
    assert plain.source["search_path"] == [str(folder), str(folder / "nets")]
    (folder / "nets" / "mynet.py").write_text("def net(): ...\n")
    found = net(folder)
    assert found.hash != plain.hash
    (folder / "nets" / "helper.py").write_text("x = 1\n")
    assert net(folder).hash != found.hash, "what the factory may import counts"


def test_what_a_factory_beside_the_catalogue_imports_from_the_search_path_counts(
    tmp_path: Path,
) -> None:
    (tmp_path / "apart" / "lib").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    text = NET + "search_path = ['../apart/lib']\n"
    folder = tmp_path / "models"
    (folder / "catalog.toml").write_text(text)
    (folder / "mynet.py").write_text("from layers import net")
    hashes = []
    for code in ("net = 1", "net = 2"):
        (tmp_path / "apart" / "lib" / "layers.py").write_text(code)
        hashes.append(net(folder).hash)
    assert hashes[0] != hashes[1]


def test_what_says_how_a_net_is_used_is_no_part_of_its_hash(plant: Plant) -> None:
    (plant() / "names.txt").write_text("a\n")
    more = (
        "top1 = 0.7\ntop5 = 0.9\noutput = 'logits'\nclass_names = 'names.txt'\n"
        "[models.net.preprocess]\nshort = 232\nchannels = 'bgr'\n"
    )
    model = net(plant(NET + more))
    assert model.hash == net(plant()).hash
    assert (model.top1, model.top5, model.output, model.task) == (0.7, 0.9, "logits", "classify")
    assert model.class_names is not None
    assert model.class_names.name == "names.txt"
    assert model.preprocess == Preprocess(short=232, channels="bgr")


@pytest.mark.parametrize("name", ["my-net", "a-b-c.1_2", "9", "n" * 64])
def test_a_name_may_have_dashes_and_its_cells_are_stored(plant: Plant, name: str) -> None:
    model = net(plant(NET.replace("[models.net]", f"[models.{quoted(name)}]")), variant=name)
    cell = Cell(variant=name, model_hash=model.hash, runner="paddle-lite-x86", batch=1, threads=1)
    stored = TypeAdapter(Id)
    assert stored.validate_python(cell.id) == cell.id
    assert stored.validate_python(f"{cell.id}--{cell.id}")


def quoted(name: str) -> str:
    return f"'{name}'"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my-net", "my-net"),
        ("Mein Netz", "Mein_Netz"),
        ("-_.x", "x"),
        ("é", "model"),
        ("", "model"),
    ],
)
def test_a_files_name_becomes_that_of_an_entry(text: str, name: str) -> None:
    assert entry_name(text) == name
    assert Catalogue.model_validate({"models": {name: {"factory": "a:b"}}})


def test_the_seven_nets_hashes_are_those_of_the_committed_runs() -> None:
    stored = {
        name: facts["model_hash"]
        for path in (REAL.parent / "results" / "runs").glob("*/*/run.json")
        for name, facts in json.loads(path.read_text())["models"].items()
        if facts["published"].startswith("ShuffleNetV2")
    }
    catalogue = load_catalogue(REAL)
    now = {it: resolve(catalogue, it, REAL, Weights()).hash for it in stored}
    assert stored == now
    assert len(stored) == 7


def test_the_real_models_are_all_that_were_published_each_once() -> None:
    published = [entry.published for entry in load_catalogue(REAL).models.values()]
    assert sorted(map(str, published)) == sorted(load_published(REAL))


def test_real_models_of_one_hash_are_a_net_and_its_twin_of_other_weights() -> None:
    catalogue = load_catalogue(REAL)
    models = [resolve(catalogue, variant, REAL, Weights()) for variant in catalogue.models]
    by_hash: dict[str, list[str]] = {}
    for model in models:
        by_hash.setdefault(model.hash, []).append(model.title)
    twins = [titles for titles in by_hash.values() if len(titles) > 1]
    assert len(twins) == 6
    assert all(other == f"{plain}_ssld" for plain, other in map(sorted, twins))


SUITES = NET + "suites = ['mobile']\n[models.a]\nfactory = 'a:a'\n[models.b]\nfactory = 'b:b'\n"


@pytest.mark.parametrize(
    ("suite", "unnamed"), [("mobile", ["net", "a"]), ("cpu", ["a"]), (None, ["a"])]
)
def test_an_entry_may_name_the_suites_that_measure_it_unnamed(
    plant: Plant, suite: str | None, unnamed: list[str]
) -> None:
    catalogue = load_catalogue(plant(SUITES + "suites = []\n"))
    assert select(catalogue, [], suite) == unnamed
    assert select(catalogue, ["b", "net"], suite) == ["b", "net"]


def test_where_nothing_is_measured_unnamed_it_says_how_to_name_a_model(plant: Plant) -> None:
    catalogue = load_catalogue(plant(NET + "suites = ['mobile']\n"))
    with pytest.raises(InputError, match="`suites`, which leave this work out") as caught:
        select(catalogue, [], "cpu")
    assert "--variant net" in caught.value.hint
