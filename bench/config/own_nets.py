"""Nets that the command line names by their files -> a catalogue of them alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from pathlib import Path

from bench.config.entries import Catalogue, Entry, entry_name
from bench.config.net_files import FILE_FORMATS, net_file
from bench.core.errors import InputError

_FACTORY = re.compile(r"[A-Za-z_][\w.-]*:[A-Za-z_]\w*")
_FORMS = (
    f"give a file that ends in {', '.join(FILE_FORMATS)}, a folder with one, or module:function; "
    "models of the catalogue are named with --variant"
)


def own_catalogue(
    nets: Sequence[str],
    inputs: Mapping[str, str],
    values: str | None = None,
    *,
    taken: Collection[str] = (),
) -> Catalogue:
    """Return the catalogue of `nets`: paths from the current folder, and factories.

    They get none of the names `taken`, which other nets have. `inputs` are specs by name, '' for a
    net's only one, and `values` an .npz file of them. Raises InputError for what is no net.
    """
    about = {"inputs": dict(inputs), "values": values}
    sources = {net: _source(net) for net in nets}
    once = dict[Path, str]()
    for net in nets:
        once.setdefault(Path(net).resolve(), net)
    entries = {}
    for net, name in zip(once.values(), _names(list(once.values()), taken), strict=True):
        stem = _stem(net)
        title = stem if entry_name(stem) == name else name
        entries[name] = Entry.model_validate({sources[net]: net, "title": title, **about})
    return Catalogue(models=entries)


def _source(net: str) -> str:
    """Return which field of an entry `net` is; raises InputError where it is none."""
    path = Path(net)
    if path.exists():
        net_file(path)
        return "file"
    if not _FACTORY.fullmatch(net):
        raise InputError(f"there is no {net}", hint=_FORMS)
    return "factory"


def _names(nets: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return a name for each of `nets`: its file's, a longer one where several are called alike."""
    names = [entry_name(_stem(net)) for net in nets]
    for longer in (_file_name, _folder_and_file):
        alike = {name for name in names if names.count(name) > 1 or name in taken}
        pairs = zip(nets, names, strict=True)
        names = [entry_name(longer(net)) if name in alike else name for net, name in pairs]
    distinct = dict[str, None]()
    for name in names:
        numbered = (f"{name}_{number}" for number in count(2))
        free = (it for it in chain([name], numbered) if it not in distinct and it not in taken)
        distinct[next(free)] = None
    return list(distinct)


def _stem(net: str) -> str:
    """Return what a net is called: a factory whole, else its file, or a folder of one."""
    path = Path(net)
    if not path.exists():
        return net
    return path.resolve().name if path.is_dir() else path.stem


def _file_name(net: str) -> str:
    return Path(net).name


def _folder_and_file(net: str) -> str:
    path = Path(net).resolve()
    return f"{path.parent.name}_{path.name}"
