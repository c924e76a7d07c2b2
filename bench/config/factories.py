"""A digest of the code that a factory may read, where it lies in a models folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BrokenFile


def factory_code(factory: str, folder: Path, apart: Collection[Path], *, whole: bool) -> str | None:
    """Return a digest of what the factory may read where it lies in `folder`, else None.

    Where the folder is one of models (`whole`) every file of it counts but those `apart`, resolved
    paths: a factory imports some and reads others, such as a YAML file that describes the net. In
    any other one, which may hold data and results, its module and those beside it do. A package's
    factory (paddle.vision) is pinned by its environment.
    """
    top = factory.partition(":")[0].partition(".")[0]
    if not ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
        return None
    code = _files(folder, apart) if whole else _modules(folder, top)
    try:
        files = {path.relative_to(folder): file_sha256(path) for path in code}
    except OSError as error:
        raise BrokenFile(
            error.filename, str(error.strerror), hint="a model's hash takes every file beside it"
        ) from error
    return canonical_digest([[str(path), files[path]] for path in sorted(files)])


def _modules(folder: Path, top: str) -> Iterator[Path]:
    yield from folder.glob("*.py")
    yield from _files(folder / top, ())


def _files(folder: Path, apart: Collection[Path]) -> Iterator[Path]:
    """Yield the files below `folder` but hidden ones, bytecode and those `apart`.

    Linked folders are followed, each once.
    """
    known = set[Path]()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = Path(root).resolve()
        if real in known:
            folders.clear()
            continue
        known.add(real)
        folders[:] = sorted(it for it in folders if it[0] != "." and it != "__pycache__")
        paths = (Path(root) / name for name in names if name[0] != ".")
        yield from (it for it in paths if it.is_file() and it.resolve() not in apart)
