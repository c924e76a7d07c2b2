"""Where the package and its data lie. Standard library only."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
PROJECT = PACKAGE.parent


def is_checkout(project: Path = PROJECT) -> bool:
    """Tell whether `project` is the project's own folder; installed, it is a site-packages."""
    return (project / "pyproject.toml").is_file()


def import_root(package: Path = PACKAGE) -> Path:
    """Return the folder from which a child imports this package.

    A site-packages would lend the child the harness's numpy as well; the folder `alone` holds
    nothing but a `bench` that leads to the package.
    """
    return package.parent if is_checkout(package.parent) else package / "launcher" / "alone"


def shipped_catalogue(package: Path = PACKAGE) -> Path:
    """Return the folder of the models that come with the harness."""
    return package.parent / "models" if is_checkout(package.parent) else package / "catalogue"


def document(name: str, package: Path = PACKAGE) -> str:
    """Return the path at which this machine has a page of docs/ or models/, "models/README.md" say.

    It is relative where it lies below the current folder; an installed harness brings those pages.
    """
    if is_checkout(package.parent):
        path = package.parent / name
    else:
        folder, _, page = name.partition("/")
        path = (shipped_catalogue(package) if folder == "models" else package / folder) / page
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
