"""A digest of the code that a factory may read, where it lies in a models folder."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BrokenFile

_FILE = re.compile(r"[\w-][\w./-]{0,200}\.\w+")


def factory_code(
    factory: str, path: Sequence[Path], apart: Collection[Path], *, whole: bool
) -> str | None:
    """Return a digest of what the factory may read where it lies in a folder of `path`, else None.

    Where the folders are of models (`whole`) every file of them counts but those `apart`, resolved
    paths: a factory imports some and reads others, such as a YAML file that describes the net. In
    any other one, which may hold data and results, its module and those beside it do, and what they
    name of the folder. A package's factory (paddle.vision) is pinned by its environment.
    """
    top = _top(factory.partition(":")[0])
    if not any((it / f"{top}.py").is_file() or (it / top).is_dir() for it in path):
        return None
    first, *more = [_digest(it, _files(it, apart) if whole else _modules(it, top)) for it in path]
    return canonical_digest([first, *more]) if more else first


def _digest(folder: Path, code: Iterable[Path]) -> str:
    try:
        files = {path.relative_to(folder): file_sha256(path) for path in code}
    except OSError as error:
        raise BrokenFile(
            error.filename, str(error.strerror), hint="a model's hash takes every file beside it"
        ) from error
    return canonical_digest([[str(path), files[path]] for path in sorted(files)])


def _top(module: str) -> str:
    return module.partition(".")[0]


def _modules(folder: Path, top: str) -> Iterator[Path]:
    """Yield the modules in `folder`, and the packages and files there that `top` leads to.

    Of a folder that is imported without being a package its modules count alone.
    """
    yield from folder.glob("*.py")
    left, known = [top], set[str]()
    while left:
        name = left.pop()
        if name in known:
            continue
        known.add(name)
        files = [it for it in (folder / f"{name}.py", folder / name) if it.is_file()]
        if not files and (folder / name).is_dir():
            whole = name == top or (folder / name / "__init__.py").is_file()
            files = [it for it in _files(folder / name, ()) if whole or it.suffix == ".py"]
        yield from files
        left += [it for path in files if path.suffix == ".py" for it in _named(path)]


def _named(module: Path) -> Iterator[str]:
    """Yield the first words of what a module imports, and the texts in it that may name a file."""
    try:
        tree = ast.parse(module.read_bytes())
    except (SyntaxError, ValueError):  # no module, or of another Python
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (_top(it.name) for it in names)
            case ast.ImportFrom(module=str(name), level=0):
                yield _top(name)
            case ast.Constant(value=str(text)) if _FILE.fullmatch(text):
                yield text


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
