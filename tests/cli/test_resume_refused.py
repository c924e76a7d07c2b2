"""Why a run is not resumed: it is complete or unknown, or what it would measure has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import RunManifest
from tests.cli.launches import Counted, interrupt
from tests.cli.outcomes import QUICK, only_run
from tests.fakes.tables import tables

Run = Callable[..., int]


def refusal(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert "Traceback" not in err
    return line


def test_a_complete_run_is_not_resumed(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*QUICK, "--variant", "one", "--batch", "1") == 0
    name = only_run(tmp_path).path.name
    capsys.readouterr()
    assert plain_run("--resume", name) == 2
    line = refusal(capsys.readouterr().err)
    assert line == f"bench: run {name} is complete: leave --resume out to start a new one"


def test_an_unknown_run_is_not_resumed_and_the_near_miss_is_named(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Counted(after=0, event=interrupt)
    plain_run(*QUICK, tables=replace(tables(), launch=launch))
    name = only_run(tmp_path).path.name
    capsys.readouterr()
    assert plain_run("--resume", name[:-1]) == 2
    line = refusal(capsys.readouterr().err)
    assert f"there is no run '{name[:-1]}': did you mean '{name}'?" in line


def interrupted(plain_run: Run, tmp_path: Path) -> RunFolder:
    launch = Counted(after=1, event=interrupt)
    assert plain_run(*QUICK, tables=replace(tables(), launch=launch)) == 130
    return only_run(tmp_path)


def test_a_run_is_not_resumed_with_another_net(
    plain_run: Run, plain_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    catalogue = plain_models / "catalog.toml"
    catalogue.write_text(catalogue.read_text().replace("fake:net", "fake:other"))
    before = run.journal_path.read_bytes()
    assert plain_run("--resume", "latest") == 2
    assert "the net one isn't what run" in refusal(
        capsys.readouterr().err.split("interrupted", 1)[1]
    )
    assert run.journal_path.read_bytes() == before


def change(run: RunFolder, **fields: object) -> None:
    values = json.loads(run.manifest_path.read_text()) | fields
    values.pop("digest")
    run.write_manifest(RunManifest.model_validate(values))


def test_a_run_is_not_resumed_on_another_machine(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    change(run, system_id="another-machine-0123abcd")
    (system,) = (tmp_path / "results/systems").glob("*.json")
    values = json.loads(system.read_text()) | {"system_id": "another-machine-0123abcd"}
    values.pop("digest")
    system.with_stem("another-machine-0123abcd").write_text(json.dumps(values))
    run.path.parent.rename(run.path.parent.with_name("another-machine-0123abcd"))
    capsys.readouterr()
    launch = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=launch)) == 2
    assert "the system was another-machine-0123abcd when run" in refusal(capsys.readouterr().err)
    assert launch.sessions == []


def test_a_run_is_not_resumed_with_other_packages(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(plain_run, tmp_path)
    origin = run.manifest().provenance.model_dump()
    change(run, provenance=origin | {"environments": {"harness": {"numpy": "0.1"}}})
    capsys.readouterr()
    assert plain_run("--resume", "latest") == 2
    assert "numpy of environment 'harness' was 0.1 when run" in refusal(capsys.readouterr().err)
