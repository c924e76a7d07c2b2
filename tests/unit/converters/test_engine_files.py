"""The converters of the other engines, with stand-ins for the tools that they call."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.converters import mnn_convert, ncnn_pnnx, onnx_file, openvino_ir
from bench.core.errors import ArtifactError

MonkeyPatch = pytest.MonkeyPatch

PNNX = """#!/bin/sh
# Stands in for pnnx: writes beside what it reads, as that does.
[ "$1" = model.onnx ] && [ "$2" = fp16=0 ] || exit 7
grep -q broken model.onnx && exit 3
: > model.ncnn.param
: > model.ncnn.bin
grep -q empty model.onnx || echo param > model.ncnn.param
grep -q relu model.onnx || echo weights > model.ncnn.bin
echo more > model.pnnx.onnx
"""


_UNUSED = {"numpy_helper": None, "save": None}


def no_net(path: str, *, load_external_data: bool) -> Any:
    """Stand in for onnx.load on the texts that stand for nets here."""
    raise ValueError(f"{path} is no ONNX file")


@pytest.fixture(autouse=True)
def _versions(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"{name} 1")


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "net.onnx"
    path.write_text("net")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (folder := tmp_path / "out").mkdir()
    return folder


@pytest.fixture
def pnnx(tmp_path: Path, monkeypatch: MonkeyPatch) -> Callable[[int], None]:
    """Install the stand-in, and an ncnn whose `load_param` returns what it is called with."""
    package = tmp_path / "site" / "pnnx"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no torch')")
    (package / "pnnx").write_text(PNNX)
    (package / "pnnx").chmod(0o755)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def with_ncnn(status: int) -> None:
        net = SimpleNamespace(load_param=lambda _: status)
        monkeypatch.setitem(sys.modules, "ncnn", SimpleNamespace(Net=lambda: net))
        monkeypatch.setitem(sys.modules, "onnx", SimpleNamespace(load=no_net, **_UNUSED))

    return with_ncnn


def test_a_converters_source_is_an_onnx_file_that_there_is(onnx: Path, tmp_path: Path) -> None:
    assert onnx_file.path({"model": str(onnx)}) == onnx
    with pytest.raises(ArtifactError, match=r"gone\.onnx is no file"):
        onnx_file.path({"model": str(tmp_path / "gone.onnx")})
    (other := tmp_path / "net.pdmodel").write_text("")
    with pytest.raises(ArtifactError, match=r"is no \.onnx file"):
        onnx_file.path({"model": str(other)})


def test_ncnns_two_files_are_kept_and_the_rest_of_pnnxs_is_not(
    onnx: Path, out: Path, pnnx: Callable[[int], None]
) -> None:
    pnnx(0)
    facts = ncnn_pnnx.convert({"model": str(onnx)}, {}, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "model.ncnn.param": "param\n",
        "model.ncnn.bin": "weights\n",
    }
    assert facts == {"pnnx": "pnnx 1", "ncnn": "ncnn 1", "bytes": len("weights\n")}
    assert [path.name for path in onnx.parent.iterdir()] == ["net.onnx"]


def test_a_net_without_weights_has_an_empty_file_of_them(
    onnx: Path, out: Path, pnnx: Callable[[int], None]
) -> None:
    pnnx(0)
    onnx.write_text("relu alone")
    assert ncnn_pnnx.convert({"model": str(onnx)}, {}, out)["bytes"] == 0
    assert (out / "model.ncnn.bin").read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "status", "problem"),
    [
        ("broken", 0, "pnnx left with status 3"),
        ("empty", 0, "pnnx made no model.ncnn.param"),
        ("net", -1, "ncnn has no layer for a part of this net"),
    ],
)
def test_a_net_that_pnnx_or_ncnn_cannot_take_is_refused(
    text: str, status: int, problem: str, onnx: Path, out: Path, pnnx: Callable[[int], None]
) -> None:
    pnnx(status)
    onnx.write_text(text)
    with pytest.raises(ArtifactError, match=problem):
        ncnn_pnnx.convert({"model": str(onnx)}, {}, out)


def mnn_tools(written: str | None) -> SimpleNamespace:
    """Return a stand-in for MNN's `_tools`, whose converter says True whatever it wrote."""

    def mnnconvert(arguments: list[str]) -> bool:
        flags = dict(zip(arguments[1::2], arguments[2::2], strict=True))
        assert (flags["-f"], flags["--bizCode"]) == ("ONNX", "bench")
        assert not [flag for flag in arguments if "fp16" in flag]
        if written is not None:
            Path(flags["--MNNModel"]).write_text(written)
        return True

    return SimpleNamespace(mnnconvert=mnnconvert)


def test_mnns_file_is_what_counts(onnx: Path, out: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_tools", mnn_tools("a net"))
    facts = mnn_convert.convert({"model": str(onnx)}, {}, out)
    assert facts == {"mnn": "mnn 1", "bytes": 5}
    assert [path.name for path in out.iterdir()] == ["model.mnn"]


@pytest.mark.parametrize("written", [None, ""])
def test_mnns_converter_is_not_believed_without_a_file(
    written: str | None, onnx: Path, out: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "_tools", mnn_tools(written))
    with pytest.raises(ArtifactError, match=r"mnnconvert made no model\.mnn: mend the net"):
        mnn_convert.convert({"model": str(onnx)}, {}, out)


class Node:
    """Stands in for a node of OpenVINO's graph."""

    def __init__(self, kind: str, element_type: str) -> None:
        self.kind = kind
        self.element_type = element_type

    def get_type_name(self) -> str:
        return self.kind

    def get_element_type(self) -> Any:
        return SimpleNamespace(to_string=lambda: self.element_type)


def test_openvinos_weights_are_not_compressed_to_fp16(
    onnx: Path, out: Path, monkeypatch: MonkeyPatch
) -> None:
    nodes = [Node("Constant", "f32"), Node("Constant", "i64"), Node("Convolution", "f16")]
    model = SimpleNamespace(get_ops=lambda: nodes)
    asked: list[bool] = []

    def save_model(_: object, path: str, *, compress_to_fp16: bool) -> None:
        asked.append(compress_to_fp16)
        for suffix in (".xml", ".bin"):
            Path(path).with_suffix(suffix).write_text("made")

    core = SimpleNamespace(read_model=lambda _: model)
    stand_in = SimpleNamespace(Core=lambda: core, save_model=save_model)
    monkeypatch.setitem(sys.modules, "openvino", stand_in)
    facts = openvino_ir.convert({"model": str(onnx)}, {}, out)
    assert asked == [False]
    assert facts == {"openvino": "openvino 1", "types": ["f32", "i64"]}
