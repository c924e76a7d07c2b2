"""Files that hold a net of one's own: which format each is of, and what belongs to it."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config.images import INFERENCE_FILE
from bench.core.digest import file_sha256
from bench.core.errors import ArtifactError, BrokenFile, InputError

FACTORY = "factory"
"""The origin of a net that a function builds; any other one is the name of an artifact's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """`origin` is the format of artifact that such a file is, `called` what a sentence calls it.

    `beside` is the suffix of the file with the weights, which bears the same name.
    """

    origin: str
    called: str
    beside: str | None = None


FILE_FORMATS: Mapping[str, FileFormat] = {
    ".json": FileFormat(origin="paddle-pir", called="a Paddle file (.json)", beside=".pdiparams"),
    ".pdmodel": FileFormat(
        origin="paddle-program", called="a Paddle file (.pdmodel)", beside=".pdiparams"
    ),
    ".onnx": FileFormat(origin="onnx", called="an ONNX file"),
    ".xml": FileFormat(origin="openvino-ir", called="an OpenVINO file", beside=".bin"),
    ".param": FileFormat(origin="ncnn", called="an ncnn file", beside=".bin"),
    ".mnn": FileFormat(origin="mnn", called="an MNN file"),
}

_PADDLES_STEM = "inference"  # of the files that PaddleClas and its kin export
_LIST = f"{', '.join(FILE_FORMATS)}"


def net_file(path: Path) -> Path:
    """Return the file that `path` means: itself, or the only net in a folder.

    Raises InputError where it is of no format that is known.
    """
    if path.is_dir():
        return _net_in(path)
    if path.suffix not in FILE_FORMATS:
        raise InputError(f"{path.name} is no net's file", hint=f"give one that ends in {_LIST}")
    return path


def _net_in(folder: Path) -> Path:
    nets = [it for suffix in FILE_FORMATS for it in sorted(folder.glob(f"*{suffix}"))]
    nets = [it for it in nets if all(part.is_file() for part in needs(it))]
    exported = [it for it in nets if it.stem == _PADDLES_STEM]
    if exported or len(nets) == 1:
        return (exported or nets)[0]
    if not nets:
        raise InputError(
            f"there is no net in {folder}",
            hint=f"give a file that ends in {_LIST}, or a folder with one; their weights beside",
        )
    names = ", ".join(it.name for it in nets)
    raise InputError(f"there are several nets in {folder}: {names}", hint="name one of the files")


def needs(path: Path) -> list[Path]:
    """Return a net's file and the one with its weights, whether they are there or not."""
    beside = FILE_FORMATS[path.suffix].beside
    return [path] if beside is None else [path, path.with_suffix(beside)]


def parts(path: Path) -> list[Path]:
    """Return the files that hold the net of `path`, which is there, whether the others are or not.

    An ONNX file may keep tensors in files beside it.
    """
    outside = sorted(set(_outside(path))) if path.suffix == ".onnx" else []
    below = (
        name for name in outside if not Path(name).is_absolute() and ".." not in Path(name).parts
    )
    return [*needs(path), *(path.parent / name for name in below)]


# How protobuf writes the entry "location" of a tensor that ONNX keeps in another file: its key,
# then the length of the name in one or two bytes.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f]|[\x80-\xff][\x01-\x7f])")


def _outside(path: Path) -> Iterator[str]:
    """Yield the names of the files that an ONNX file keeps its tensors in."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for found in _LOCATION.finditer(data):
            low, *high = found[1]
            length = (low & 0x7F) | (high[0] << 7 if high else 0)
            yield data[found.end() : found.end() + length].decode(errors="replace")


def own_file(folder: Path, given: str, catalogue: Path) -> tuple[Path, list[str | None]]:
    """Return the path of a net's own file from `folder`, and digests of it and what belongs to it.

    Raises BrokenFile, of the `catalogue` that gives it where there is one, for what isn't there.
    """
    where = catalogue if catalogue.is_file() else folder / given
    try:
        path = net_file((folder / given).absolute())  # what belongs to a link lies beside it
    except InputError as error:
        raise BrokenFile(where, error.problem, hint=error.hint) from error
    for needed in needs(path):
        if not needed.is_file():
            problem = f"the exported model's file {needed.name} isn't at {given}"
            hint = "give the path of a net's file, and put its weights beside it"
            raise BrokenFile(where, problem, hint=hint)
    return path, digests(path)


def digests(path: Path) -> list[str | None]:
    """Return the digest of each file of `parts`, None where it isn't there; raises BrokenFile."""
    return [sha256_of(it) if _is_there(it) else None for it in parts(path)]


def _is_there(path: Path) -> bool:
    """Tell whether there is such a file; a name within a file may be one that none can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_unchanged(source: Mapping[str, Any], before: Sequence[str | None]) -> None:
    """Raise ArtifactError where the digests of a net's own file, `before` they were, are others."""
    if before and digests(path := Path(source["exported"])) != list(before):
        raise ArtifactError(f"{path.name} changed while it was read", hint="run again")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a model's file; raises BrokenFile."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise BrokenFile(path, str(error.strerror), hint="make it readable") from error


def inference_file(source: Mapping[str, Any]) -> Path | None:
    """Return the inference.yml beside an exported model, None where there is none."""
    if "exported" not in source:
        return None
    path = Path(source["exported"]).with_name(INFERENCE_FILE)
    return path if path.is_file() else None


def origin_of(source: Mapping[str, Any]) -> str:
    """Return FACTORY, or the format of artifact that the source's file is of."""
    exported = source.get("exported")
    return FACTORY if exported is None else FILE_FORMATS[Path(exported).suffix].origin
