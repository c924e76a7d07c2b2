"""Where a result comes from: commit, command line, versions; with the machine's paths taken out."""

from __future__ import annotations

import contextlib
import platform
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import __version__
from bench.core.paths import PROJECT
from bench.devices.host.facts import host_digest
from bench.experiments.context import Options
from bench.experiments.secrets import without_secrets
from bench.launcher.git import git_state
from bench.storage.files import new_run_id, utc_now
from bench.storage.schema.common import HARNESS, Provenance
from bench.targets.base import Target

_PACKAGES = ("matplotlib", "numpy", "psutil", "pydantic", "scipy")

_URL = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'`<>|,;]*"
# A name with blanks is one only in quotes; `"/bin/sh -c x"` and `"/a /b"` are more than a name.
_QUOTED = r"(?P<quote>[\"'`])(?P<inner>/(?:(?!\s[/-])[^\n=])+?)(?P=quote)"
# A slash after a word, a dot or a bracket is a fraction's, a relative path's or a variable's:
# 1/2, ./x, ${HOME}/x. The flag is a compiler's, as in -I/usr/include.
_BEFORE = r"(?:(?<![\w.~…/)\]}*%\\-])|(?<=\s-[A-Za-z]))"
_BARE = rf"{_BEFORE}/[^\s\"'`<>|:;,()\[\]{{}}=*?…]+"
_IN_TEXT = re.compile(f"(?P<url>{_URL})|{_QUOTED}|(?P<bare>{_BARE})")
_ONE_PATH = re.compile(r"(-[A-Za-z])?(/(?:(?!\s[/-]).)*)", flags=re.DOTALL)
_LIBRARY = re.compile(r".*/((?:site|dist)-packages/.+|lib/python\d[\d.]*/.+)", flags=re.DOTALL)


def make_provenance(
    environments: Mapping[str, Mapping[str, str]], options: Options, target: Target
) -> Provenance:
    """Return what it takes to repeat a run, without a path or a name of this machine."""
    git = git_state(PROJECT)
    words = command_line(["python", "-m", "bench", *options.command], PROJECT)
    return Provenance(
        commit=git.commit,
        dirty=git.dirty,
        command=[hide(word, target.spec.device) for word in words],
        harness=package_versions() | {HARNESS: __version__},
        environments={name: dict(packages) for name, packages in environments.items()},
        host=host_digest(),
        operating_system=f"{platform.system()} {platform.release()}".strip() or None,
        conditions=dict(target.state()),
        passed={name: shown_variable(name, value) for name, value in options.passed.items()},
    )


def begun(origin: Provenance, target: Target) -> dict[str, Any]:
    """Return the fields that the manifest of every run that starts now has alike."""
    return {
        "run_id": new_run_id(origin.commit),
        "system_id": target.system.system_id,
        "status": "running",
        "started": utc_now(),
        "provenance": origin,
    }


def hidden(text: str, device: str | None = None) -> str:
    """Return `text` without this machine's paths, secrets and names, and the name of `device`."""
    return hide(without_secrets(scrub(text, PROJECT)), device)


def shown_variable(name: str, value: str) -> str:
    """Return an environment variable's value as it is stored: its name may say that it's secret."""
    return hidden(value) if without_secrets(f"{name}=_") == f"{name}=_" else "…"


def hide(text: str, name: str | None) -> str:
    """Return `text` without `name`, which is a device's serial: "DEVICE" stands for it."""
    return text.replace(name, "DEVICE") if name else text


def command_line(argv: Sequence[str], project: Path) -> list[str]:
    """Return `argv` as a person would type it in `project`, without this machine's paths.

    The project becomes `.`, the home folder `~`, the leading folders of other paths `…`, in
    flags (`--out=/a/b`, `-I/a/b`) and in lists (`/a/b,/c/d`) too. URLs stay as they are.
    """
    folders = _folders(project)
    return [without_secrets(_shorten_argument(argument, folders)) for argument in argv]


_PASSES = 5


def scrub(text: str, project: Path) -> str:
    """Return `text`, a log's tail say, without this machine's absolute paths.

    As in `command_line`, and a library's file keeps its path from site-packages/ or
    lib/pythonX.Y/ on. Fractions, URLs and a lone `/name` stay as they are.
    """
    folders = _folders(project)
    for _ in range(_PASSES):  # a path glued to another shows only once the first is shortened
        shorter = _shorten_text(text, folders)
        if shorter == text:
            break
        text = shorter
    return text


def package_versions() -> dict[str, str]:
    """Return the versions of the harness's own main packages, those that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _folders(project: Path) -> list[tuple[str, str]]:
    """Pair each folder that has a sign, as written and with its links followed, with it."""
    signs = [(project.absolute(), ".")]
    with contextlib.suppress(RuntimeError):  # a process may have no home
        signs.append((Path.home().absolute(), "~"))
    both = [(path, sign) for folder, sign in signs for path in (folder, folder.resolve())]
    return [(posixpath.normpath(path), sign) for path, sign in both if path != Path("/")]


def _shorten_argument(argument: str, folders: list[tuple[str, str]]) -> str:
    pieces = []
    for piece in re.split(f"({_URL}|[=,:;])", argument):
        if path := _ONE_PATH.fullmatch(piece):
            pieces.append((path[1] or "") + _shorten(path[2], folders))
        else:
            pieces.append(_shorten_text(piece, folders))
    return _without_home("".join(pieces), folders)


def _shorten_text(text: str, folders: list[tuple[str, str]]) -> str:
    def replace(found: re.Match[str]) -> str:
        if url := found["url"]:
            scheme, slashes, rest = url.partition("://")
            local = scheme.lower() == "file" and rest.startswith("/")
            return scheme + slashes + _shorten_in_text(rest, folders) if local else url
        if quote := found["quote"]:
            return quote + _shorten_in_text(found["inner"], folders) + quote
        path = found["bare"].rstrip(".")  # the sentence's
        return _shorten_in_text(path, folders) + found["bare"][len(path) :]

    return _without_home(_IN_TEXT.sub(replace, text), folders)


def _without_home(text: str, folders: list[tuple[str, str]]) -> str:
    """Replace the home folder wherever it still stands; a short one may end a word, as /root."""
    for folder in (folder for folder, sign in folders if sign == "~" and folder.count("/") > 1):
        text = re.sub(re.escape(folder) + r"(?![\w-])", "~", text)
    return text


def _shorten_in_text(path: str, folders: list[tuple[str, str]]) -> str:
    if library := _LIBRARY.fullmatch(path):
        return library[1]
    # A lone name after a slash has no folder to hide, and may be no path at all: "km /h".
    lone = posixpath.normpath(path).strip("/").count("/") == 0
    short = _shorten(path, folders)
    return path if lone and short.startswith(("…", "/")) else short


def _shorten(path: str, folders: list[tuple[str, str]]) -> str:
    path = "/" + posixpath.normpath(path).lstrip("/")
    for folder, sign in folders:
        if path == folder or path.startswith(folder + "/"):
            return sign + path[len(folder) :]
    name = posixpath.basename(path)
    return f"…/{name}" if name else path
