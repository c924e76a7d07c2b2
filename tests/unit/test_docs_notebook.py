"""docs/results.ipynb, executed as a person does, in a kernel of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs").glob("**/*.ipynb"))
RESULTS = ROOT / "docs/results.ipynb"


def test_there_is_a_notebook() -> None:
    assert RESULTS in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_and_stored_without_outputs(path: Path) -> None:
    assert path.stat().st_size < 50_000
    notebook = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert [(it["outputs"], it["execution_count"]) for it in code] == [([], None)] * len(code)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the cells of docs/results.ipynb give, executed in docs/."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patched.setenv(name, str(folder / name))
        patched.setenv("PYTHONPATH", str(ROOT))
        patched.setenv("JUPYTER_PLATFORM_DIRS", "1")
        notebook = nbformat.read(RESULTS, as_version=4)  # type: ignore[no-untyped-call]
        where = {"metadata": {"path": str(ROOT / "docs")}}
        client = nbclient.NotebookClient(notebook, timeout=300, resources=where)
        client.execute()
    return [it for cell in notebook["cells"] for it in cell.get("outputs", ())]


def test_the_notebook_comes_to_the_figure_of_the_readme(outputs: list[Any]) -> None:
    figures = (it["data"].get("text/plain", "") for it in outputs if "data" in it)
    (shown,) = (text.strip("'") for text in figures if "±" in text)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("### The same nets on five engines") :]
    head = next(line for line in table.splitlines() if line.startswith("| Models"))
    row = next(line for line in table.splitlines() if line.startswith("| ShuffleNetV2 |"))
    column = next(index for index, it in enumerate(head.split("|")) if it.strip().startswith("MNN"))
    assert re.sub(r"\*", "", row.split("|")[column]).strip() == shown


def test_the_notebook_draws_a_plot_and_shows_tables_without_a_warning(outputs: list[Any]) -> None:
    kinds = [kind for it in outputs for kind in it.get("data", {})]
    assert kinds.count("image/png") == 1
    assert kinds.count("text/html") == 1
    assert [it for it in outputs if it.get("name") == "stderr"] == []
