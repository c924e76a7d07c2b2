"""Libraries that wheels ship with a version in their name, under the names that engines dlopen.

Paddle asks for `libcudnn.so`; the wheel has `libcudnn.so.8`. A folder of links, first in
LD_LIBRARY_PATH when the process starts, brings the two together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bench.core.digest import canonical_digest

NAMES = (
    "libcudart", "libcudnn", "libcublas", "libcublasLt", "libcurand", "libcusolver", "libcusparse",
    "libnvinfer", "libnvinfer_plugin", "libnvonnxparser",
)  # fmt: skip

_FOLDERS = ("nvidia/*/lib", "tensorrt", "tensorrt_libs", "tensorrt_cu*_libs", "tensorrt.libs")


def site_packages(python: Path) -> Path | None:
    """Return where the environment of the interpreter `python` keeps its packages, if it has one.

    Its link isn't followed: the packages lie beside the link.
    """
    folders = sorted(python.absolute().parent.parent.glob("lib/python3*/site-packages"))
    return folders[-1] if folders else None


def libraries(packages: Path) -> dict[str, Path]:
    """Return the versioned library of each name in NAMES that the wheels in `packages` have."""
    paths = {}
    for folder in library_folders(packages):
        for name in NAMES:
            versions = sorted(folder.glob(f"{name}.so.*"), key=lambda path: len(path.name))
            if versions and name not in paths:
                paths[name] = versions[0]
    return paths


def library_folders(packages: Path) -> list[Path]:
    """Return the folders in which wheels keep CUDA's and TensorRT's libraries."""
    folders = [folder for pattern in _FOLDERS for folder in sorted(packages.glob(pattern))]
    return [folder for folder in folders if any(folder.glob("lib*.so.*"))]


def make_links(packages: Path, cache: Path) -> Path | None:
    """Return a folder below `cache` with a link `NAME.so` to each library, None for no library."""
    files = libraries(packages)
    if not files:
        return None
    key = canonical_digest({name: str(path) for name, path in files.items()})
    folder = cache / "links" / key
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        _link(folder / f"{name}.so", path)
    return folder


def _link(link: Path, target: Path) -> None:
    """Make `link` lead to `target` in one step: another run may be at it too."""
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)


def library_path(python: Path, cache: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return LD_LIBRARY_PATH for a child of `python`: links, the wheels' own folders, and what
    `environ` had, where the driver's and the person's own libraries lie.
    """
    packages = site_packages(python)
    links = None if packages is None else make_links(packages, cache)
    own = [] if packages is None or links is None else [links, *library_folders(packages)]
    before = [environ["LD_LIBRARY_PATH"]] if environ.get("LD_LIBRARY_PATH") else []
    folders = [*map(str, own), *before]
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}
