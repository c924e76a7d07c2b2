"""Write docs/reference/*.md from the code: `make reference`."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from scripts.reference.commands import variables, verbs
from scripts.reference.engines import engines
from scripts.reference.files import files
from scripts.reference.records import records
from scripts.reference.tables import columns

PAGES = {
    "verbs": verbs,
    "files": files,
    "runners": engines,
    "columns": columns,
    "records": records,
    "variables": variables,
}


def pages() -> dict[Path, str]:
    """Return each page's path below the project and its text."""
    return {Path("docs") / "reference" / f"{name}.md": write() for name, write in PAGES.items()}


def main() -> None:
    """Write them all and name them."""
    for path, text in pages().items():
        (PROJECT / path).parent.mkdir(parents=True, exist_ok=True)
        (PROJECT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
