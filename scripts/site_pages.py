"""The pages of the documentation site (mkdocs.yml): files of the project at their own paths.

So a link that works in a clone works in the site, and no page is a copy of another file. What a
page links to and is no page itself (a plot, a suite's file) stands in the site beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_ROOTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
_REPORTS = ("results/report/report.md", "results/mobile/report/report.md")
_LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put the project's own paths in the place of those below docs/; add what pages link to."""
    root = Path(config.config_file_path).parent
    for file in [it for it in files if it.src_dir == config.docs_dir]:
        files.remove(file)
    for path in sorted({*pages(root), *_assets(root), *_linked(root)}):
        files.append(File(str(path), str(root), config.site_dir, config.use_directory_urls))
    return files


def pages(root: Path) -> list[Path]:
    """Return the site's Markdown pages, relative to the project `root`."""
    below_docs = sorted(path.relative_to(root) for path in (root / "docs").rglob("*.md"))
    return [*map(Path, (*_ROOTS, "models/README.md", *_REPORTS)), *below_docs]


def _assets(root: Path) -> Iterator[Path]:
    yield from (path.relative_to(root) for path in (root / "docs" / "assets").iterdir())


def _linked(root: Path) -> Iterator[Path]:
    """Yield the files of the project that pages link to and that are no pages."""
    for page in pages(root):
        for target in _LINK.findall((root / page).read_text(encoding="utf-8")):
            path = (root / page.parent / target).resolve()
            if path.is_file() and path.suffix != ".md" and path.is_relative_to(root):
                yield path.relative_to(root)
