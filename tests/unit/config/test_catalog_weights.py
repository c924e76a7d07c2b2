"""The weights of the catalogue's nets: seeded, pretrained, of a file, of an entry's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.config.catalog import Weights, load_catalogue, parse_weights, resolve, resolve_all
from bench.core.errors import BrokenFile, InputError
from tests.unit.config.conftest import NET, Plant, net, own_weights


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


def test_weights_are_called_by_their_kind_and_a_file_by_its_content_too(tmp_path: Path) -> None:
    assert [parse_weights(it).label for it in ("seeded", "pretrained")] == ["seeded", "pretrained"]
    one, same, other = (
        own_weights(tmp_path / f"{name}.pdparams", content).label
        for name, content in (("one", b"1"), ("copy", b"1"), ("other", b"2"))
    )
    assert one == same == f"file {hashlib.sha256(b'1').hexdigest()[:8]}"
    assert other != one


OWN = NET + "weights = 'tuned/net.pdparams'\n"


def test_an_entrys_own_weights_take_the_place_of_seeded_ones_alone(
    plant: Plant, tmp_path: Path
) -> None:
    path = tmp_path / "tuned" / "net.pdparams"
    path.parent.mkdir()
    given = own_weights(tmp_path / "given.pdparams", b"2")
    own_weights(path, b"1")
    folder, catalogue = plant(OWN), load_catalogue(plant(OWN))
    model = resolve(catalogue, "net", folder, Weights())
    assert model.weights.source() == {"kind": "file", "path": str(path)}
    assert model.weights.label == "own"
    assert resolve(catalogue, "net", folder, given).weights == given
    assert resolve(catalogue, "net", folder, parse_weights("pretrained")).weights.kind
    same = resolve(load_catalogue(plant(NET)), "net", folder, parse_weights(str(path)))
    assert model.hash == same.hash


def test_nets_with_weights_of_their_own_are_told_apart_and_stand_in_one_table(
    plant: Plant, tmp_path: Path
) -> None:
    for name in ("one", "twin"):
        own_weights(tmp_path / f"{name}.pdparams", name.encode())
    entry = "[models.{0}]\nfactory = 'mynet:net'\nweights = '{0}.pdparams'\n"
    folder = plant(entry.format("one") + entry.format("twin"))
    models = resolve_all(load_catalogue(folder), ["one", "twin"], folder, Weights())
    assert [model.weights.label for model in models] == ["own", "own"]
    assert len({model.hash for model in models}) == 2


def test_an_entrys_weights_that_are_not_there_are_named(plant: Plant) -> None:
    with pytest.raises(BrokenFile, match=r"the \.pdparams file isn't at tuned/net\.pdparams"):
        net(plant(OWN))


def test_the_weights_of_an_entry_are_no_code_of_the_factories_beside_it(
    plant: Plant, tmp_path: Path
) -> None:
    hashes = []
    twin = "[models.twin]\nfactory = 'mynet:net'\nweights = 'twin.pdparams'\n"
    for content in (b"1", b"2"):
        own_weights(tmp_path / "twin.pdparams", content)
        hashes.append(net(plant(NET + twin, **{"mynet.py": "net = int"})).hash)
    assert len({*hashes}) == 1


def test_a_folder_of_training_output_is_answered_with_the_file_in_it(tmp_path: Path) -> None:
    for name in ("best_model.pdopt", "best_model.pdparams"):
        (tmp_path / name).write_bytes(b"1")
    with pytest.raises(InputError) as refused:
        parse_weights(str(tmp_path))
    assert f"--weights {tmp_path / 'best_model.pdparams'}" in str(refused.value.hint)
