"""A digest of the files that an interpreter imports packages from, run by that interpreter.

    package_files.py LEFT_OUT

prints it as JSON. Python 3.7 and its standard library: nothing of `bench` can be imported there.
A file counts by path, size and time of its last change. The folders are those of sys.path but the
standard library's, and the sources of packages that are installed editable, without LEFT_OUT.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse


def main(left_out: str) -> None:
    """Print the digest."""
    digest = hashlib.sha256()
    for line in sorted(set(lines(left_out))):
        digest.update(line.encode("utf-8", "surrogateescape"))
    sys.stdout.write(json.dumps({"files": digest.hexdigest()}))


def lines(left_out: str) -> Iterator[str]:
    """Yield a line for each file of the packages; hidden ones and bytecode are none."""
    library = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    own = {os.path.realpath(left_out)}
    folders = {os.path.realpath(path) for path in sys.path[1:]}
    for folder in (folders | set(editable(folders))) - library - own:
        for root, below, names in os.walk(folder):
            below[:] = [it for it in below if it[0] != "." and f"{root}/{it}" not in own]
            paths = [Path(root, name) for name in names if name[0] != "."]
            for path in paths:
                if path.suffix != ".pyc" and path.is_file():
                    read = path.stat()
                    yield f"{path} {read.st_size} {read.st_mtime_ns}\n"


def editable(folders: set[str]) -> Iterator[str]:
    """Yield the source folders of editable packages (PEP 610)."""
    for folder in folders:
        for path in Path(folder).glob("*.dist-info/direct_url.json"):
            origin = json.loads(path.read_text(encoding="utf-8"))
            if origin.get("dir_info", {}).get("editable"):
                yield os.path.realpath(unquote(urlparse(origin["url"]).path))


if __name__ == "__main__":
    main(sys.argv[1])
