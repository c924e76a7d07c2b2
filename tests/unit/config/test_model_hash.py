"""A model's hash: what makes another net, and what doesn't."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.catalog import parse_weights
from bench.core.digest import file_sha256
from tests.unit.config.conftest import NET, Plant, net, own_weights


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


def test_the_hash_does_not_tell_where_weights_lie(plant: Plant, tmp_path: Path) -> None:
    weights = own_weights(tmp_path / "w.pdparams", b"1")
    assert "path" not in weights.identity()
    assert net(plant(), weights).weights == replace(weights, path=tmp_path / "w.pdparams")
