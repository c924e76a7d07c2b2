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


def run_command(suite: str, flags: str = "") -> str:
    """Return the command that measures `suite`: by make in a checkout, else the program's own."""
    if not is_checkout():
        own = "" if suite == "cpu" else f" --suite {suite}"
        return f"bench run{own}{' ' if flags else ''}{flags}"
    own = "" if suite == "cpu" else f"-{suite}"
    return f"make bench{own}" + (f" ARGS='{flags}'" if flags else "")


def install_hint(extra: str) -> str:
    """Return how a person gets the packages of pyproject.toml's optional dependencies `extra`."""
    if is_checkout():
        return "run `make setup` in the project's folder"
    return f"install shufflenet-bench[{extra}], by pip or uv as before"
