"""Each page of the guide, typed as written, from an empty folder, with the installed program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from bench.cli.commands import VERBS
from bench.core.errors import Unavailable
from bench.core.paths import PROJECT
from bench.devices.host.facts import heading, read_host
from bench.environments.interpreters import Environments
from tests.engine.guide import NOT_RUN, Shell, blocks, missing

GUIDE = PROJECT / "docs" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
HEADING = "AMD EPYC, 2 cores, KVM virtual machine"
WRITER = Path(__file__).with_name("own_onnx.py")


@pytest.fixture
def folder(
    tmp_path: Path, environments: Environments, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with what the guide says is there: a clone and a net, and one that is slower."""
    (tmp_path / "harness").symlink_to(PROJECT)
    try:
        python = environments.get("engines").python
    except Unavailable as error:
        pytest.skip(f"environment engines: {error}")
    made = tmp_path_factory.mktemp("nets")
    subprocess.run([python, WRITER, made], check=True)
    (made / "fixed.onnx").rename(tmp_path / "model.onnx")
    (made / "deeper.onnx").rename(tmp_path / "slower.onnx")
    return tmp_path


def environment(programs: Path) -> dict[str, str]:
    """What a person's shell has, with programs that are installed into a folder of the test."""
    bin_folder, uv_folder = programs / "bin", str(Path(find_uv_bin()).parent)
    path = os.pathsep.join([str(bin_folder), uv_folder, os.environ["PATH"]])
    kept = {name: it for name, it in os.environ.items() if not name.startswith("PYTHON")}
    who = {
        f"GIT_{role}_{what}": "guide"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    tools = {"UV_TOOL_DIR": str(programs / "tools"), "UV_TOOL_BIN_DIR": str(bin_folder)}
    return {**kept, **tools, **who, "PATH": path}


@pytest.mark.engine
@pytest.mark.serial
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_does_and_prints_what_the_page_says(
    page: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    top, shell = (
        folder,
        Shell(folder=folder, environment=environment(tmp_path_factory.mktemp("programs"))),
    )
    own, printed, as_shown = {HEADING: heading(read_host())}, "", False
    for block in blocks(page):
        if block.title is not None:
            (top / block.title).parent.mkdir(parents=True, exist_ok=True)
            (top / block.title).write_text(block.text, encoding="utf-8")
        elif block.kind == "bash" and block.reason is None:
            status, printed = shell.run(block.text)
            assert status in block.statuses, f"{block.text}{printed}"
            as_shown = status == block.statuses[0]
        elif block.kind == "text" and as_shown:
            assert missing(block.text, printed, own) == [], printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_not_run_says_why(page: Path) -> None:
    left_out = [it.reason for it in blocks(page) if it.reason is not None]
    assert all(left_out), NOT_RUN
    assert len(left_out) <= 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_verb_that_is_typed_is_one(page: Path) -> None:
    lines = [line for it in blocks(page) if it.kind == "bash" for line in it.text.splitlines()]
    verbs = {line.split()[1] for line in lines if line.startswith("bench ")}
    assert verbs <= set(VERBS)


def test_the_workflow_of_the_guide_uses_the_actions_of_our_own() -> None:
    (text,) = (it.text for it in blocks(GUIDE / "pull-requests.md") if it.kind == "yaml")
    ours = (PROJECT / ".github" / "workflows" / "regression.yml").read_text(encoding="utf-8")
    used = [line.strip() for line in text.splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if line not in ours] == []
    assert "bench ab " in yaml.safe_load(text)["jobs"]["latency"]["steps"][-1]["run"]
