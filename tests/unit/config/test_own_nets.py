"""Nets by their files: what they are called, and what isn't one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.catalog import Weights, resolve
from bench.config.entries import entry_name
from bench.config.own_nets import own_catalogue
from bench.core.errors import InputError
from bench.core.tensors import parse


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names(*nets: str) -> list[str]:
    return list(own_catalogue(nets, {}).models)


@pytest.mark.parametrize(
    ("nets", "called"),
    [
        (["net.onnx"], ["net"]),
        (["nets/my net+1.onnx"], ["my_net_1"]),
        (["Ünet.mnn"], ["net"]),
        (["a/net.onnx", "b/net.onnx"], ["a_net.onnx", "b_net.onnx"]),
        (["net.onnx", "net.mnn"], ["net.onnx", "net.mnn"]),
        (["net.onnx", "a.mnn", "./net.onnx", "net.onnx"], ["net", "a"]),
        (["a+b/net.onnx", "a b/net.onnx"], ["a_b_net.onnx", "a_b_net.onnx_2"]),
        (["ResNet50"], ["ResNet50"]),
    ],
)
def test_a_net_is_called_by_its_file_and_two_of_a_name_apart(
    nets: list[str], called: list[str], here: Path
) -> None:
    files(here, *(it if "." in it else f"{it}/inference.pdmodel" for it in nets))
    files(here, "ResNet50/inference.pdiparams")
    assert names(*nets) == called
    titles = [it.title for it in own_catalogue(nets, {}).models.values()]
    assert len({*titles}) == len(called)


def test_a_net_is_titled_as_its_file_is_called(here: Path) -> None:
    files(here, "my net.onnx")
    assert own_catalogue(["my net.onnx"], {}).models["my_net"].title == "my net"


def test_a_net_takes_no_name_of_the_catalogues(here: Path) -> None:
    files(here, "x1_0.onnx", "a/x2_0.onnx")
    taken = {"x1_0", "x2_0", "x2_0.onnx", "a_x2_0.onnx"}
    catalogue = own_catalogue(["x1_0.onnx", "a/x2_0.onnx"], {}, taken=taken)
    assert list(catalogue.models) == ["x1_0.onnx", "a_x2_0.onnx_2"]


@pytest.mark.parametrize("factory", ["paddle.vision.models:resnet18", "my-net:build"])
def test_a_factory_is_called_by_all_of_its_name(factory: str) -> None:
    [(name, entry)] = own_catalogue([factory], {}).models.items()
    assert (name, entry.title) == (factory.replace(":", "_"), factory)


@given(st.text(max_size=80))
def test_every_text_makes_a_name_that_an_entry_may_have(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", entry_name(text))


@pytest.mark.parametrize("net", ["gone.onnx", "x1_0", "paddle.vision", "a:b:c"])
def test_what_is_neither_a_file_nor_a_factory_is_refused_with_the_forms(net: str) -> None:
    with pytest.raises(InputError, match=r"there is no .*\.onnx, .*module:function") as caught:
        names(net)
    assert net in str(caught.value)


def test_a_factory_is_looked_for_in_this_folder_and_known_by_the_code_beside_it(
    here: Path,
) -> None:
    files(here, "mynet.py", "results/run.json")
    catalogue = own_catalogue(["mynet:build"], {})
    model = resolve(catalogue, "mynet_build", here, Weights())
    assert model.source == {"factory": "mynet:build", "search_path": [str(here)]}
    files(here, "results/another.json")
    assert resolve(catalogue, "mynet_build", here, Weights()).hash == model.hash
    files(here, "layers.py")
    assert resolve(catalogue, "mynet_build", here, Weights()).hash != model.hash


@pytest.mark.parametrize(
    ("code", "edited"),
    [
        ("from lib.blocks import block", "lib/blocks.py"),
        ("import lib.blocks as blocks", "lib/blocks.py"),
        ("def build():\n    import package", "package/net.yaml"),
        ("import package", "far/deep/layers.py"),
        ("config = open('configs/net.yaml').read()", "configs/net.yaml"),
    ],
)
def test_what_a_factory_in_this_folder_imports_or_names_is_part_of_the_net(
    here: Path, code: str, edited: str
) -> None:
    files(here, "lib/blocks.py", "package/net.yaml", "configs/net.yaml", "far/deep/layers.py")
    (here / "mynet.py").write_text(code)
    (here / "package" / "__init__.py").write_text("from far.deep import layers")
    catalogue = own_catalogue(["mynet:build"], {})
    before = resolve(catalogue, "mynet_build", here, Weights()).hash
    files(here, "lib/data.bin", "far/data.bin", "other/module.py")
    assert resolve(catalogue, "mynet_build", here, Weights()).hash == before
    (here / edited).write_text("edited = 1")
    assert resolve(catalogue, "mynet_build", here, Weights()).hash != before


def test_what_is_said_of_inputs_is_part_of_the_net(here: Path) -> None:
    files(here, "net.onnx", "values.npz")

    def model(inputs: dict[str, str], values: str | None = None) -> tuple[object, str]:
        catalogue = own_catalogue(["net.onnx"], inputs, values)
        made = resolve(catalogue, "net", here, Weights())
        return made.inputs, made.hash

    plain, hashed = model({})
    fixed, hash_fixed = model({"x": "Nx8:int64"})
    assert (plain, fixed) == ({}, {"x": parse("Nx8:int64")})
    assert len({hashed, hash_fixed, model({}, "values.npz")[1]}) == 3


def test_the_net_is_known_by_its_content_wherever_it_lies(here: Path) -> None:
    files(here, "net.onnx", "nets/other.onnx")
    (here / "nets/other.onnx").write_bytes((here / "net.onnx").read_bytes())
    catalogue = own_catalogue(["net.onnx", "nets/other.onnx"], {})
    hashes = {resolve(catalogue, it, here, Weights()).hash for it in catalogue.models}
    assert len(hashes) == 1
    (here / "nets/other.onnx").write_bytes(b"edited")
    assert resolve(catalogue, "other", here, Weights()).hash not in hashes
