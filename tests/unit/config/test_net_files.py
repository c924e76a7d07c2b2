"""Which file a path means, and what belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.net_files import FILE_FORMATS, needs, net_file, own_file, parts, sha256_of
from bench.core.errors import InputError


def outside(name: str) -> bytes:
    """Return how an ONNX file tells that it keeps a tensor in the file of that name."""
    text = name.encode()
    length = bytes([len(text)] if len(text) < 128 else [len(text) & 0x7F | 0x80, len(text) >> 7])
    return b"\x12\x20\x0a\x08location\x12" + length + text


def written(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"net")
    return folder


@pytest.mark.parametrize("suffix", FILE_FORMATS)
def test_a_file_is_itself_and_its_weights_bear_its_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"my.net{suffix}"
    path.write_bytes(b"")
    assert net_file(path) == path
    assert {it.name.rpartition(".")[0] for it in needs(path)} == {"my.net"}
    assert parts(path) == needs(path)


def test_what_is_of_no_known_format_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"net\.pt is no net's file: .*\.onnx"):
        net_file(written(tmp_path, "net.pt") / "net.pt")


@pytest.mark.parametrize("program", ["inference.json", "inference.pdmodel"])
def test_a_folder_as_paddleclas_exports_it_is_its_program(program: str, tmp_path: Path) -> None:
    written(tmp_path, program, "inference.pdiparams", "inference.yml", "other.onnx")
    assert net_file(tmp_path) == tmp_path / program


def test_a_folder_of_one_net_is_that_one_and_json_without_weights_is_none(tmp_path: Path) -> None:
    written(tmp_path, "model.xml", "model.bin", "config.json")
    assert net_file(tmp_path) == tmp_path / "model.xml"


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ((), "there is no net in"),
        (("config.json", "a.param"), "there is no net in"),
        (("a.onnx", "b.onnx"), "several nets in .*: a.onnx, b.onnx"),
    ],
)
def test_a_folder_of_none_or_several_nets_is_refused(
    names: tuple[str, ...], fault: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=fault):
        net_file(written(tmp_path, *names))


@pytest.mark.parametrize("name", ["/etc/hostname", "../weights", "w" * 300, "a\0b"])
def test_a_name_that_leads_elsewhere_or_nowhere_is_no_part(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(outside(name))
    assert own_file(tmp_path, "net.onnx", tmp_path / "catalog.toml")[1][1:] in ([], [None])


@pytest.mark.parametrize("name", ["weights.data", "w" * 200])
def test_files_that_an_onnx_file_keeps_tensors_in_belong_to_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x08" + outside(name) + outside("b") + outside(name) + b"\x00")
    assert parts(path) == [path, *(tmp_path / it for it in sorted((name, "b")))]


def test_a_link_to_a_net_takes_what_lies_beside_the_link(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    written(first, "net.xml", "net.bin")
    (second / "net.xml").symlink_to(first / "net.xml")
    (second / "net.bin").write_bytes(b"other weights")
    path, digests = own_file(second, "net.xml", second / "catalog.toml")
    assert needs(path) == [second / "net.xml", second / "net.bin"]
    assert digests[1] == sha256_of(second / "net.bin")
