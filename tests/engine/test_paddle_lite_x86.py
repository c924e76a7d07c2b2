"""Paddle Lite on x86 as it is: its interpreter, its files, and what it computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact, Key
from bench.converters import lite_opt_x86
from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import ENGINE_PYTHON
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import Environments
from bench.launcher.engine_process import EngineLost, interpreted, open_engine_process
from bench.runners import RUNNERS
from bench.runners.paddle_lite import x86 as paddle_lite_x86
from bench.runners.paddle_lite.x86 import PaddleLiteX86Runner
from tests.engine.inferring import VARIANTS, distances, made

pytestmark = pytest.mark.engine

KIND = "paddle-lite-nb-x86"
CELL = Cell(variant="x0_25", model_hash="m", runner="paddle-lite-x86", batch=1, threads=1)


@pytest.fixture(scope="module")
def engine(environments: Environments) -> Interpreter:
    try:
        return environments.get("lite-x86")
    except Unavailable as error:
        pytest.skip(f"environment lite-x86: {error}")


@pytest.fixture
def artifact(
    environments: Environments,
    engine: Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Artifact:
    """The smallest net; runners that are opened here use the real engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENGINE_PYTHON, str(engine.python))
    (found,) = made([Key("x0_25", KIND, 1)], environments).values()
    return found


@pytest.mark.usefixtures("engine")
def test_all_nets_agree_with_the_reference_with_one_image_and_the_smallest_with_more(
    environments: Environments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [Key(variant, KIND, 1) for variant in VARIANTS]
    keys += [Key("x0_25", KIND, batch) for batch in (4, 8)]
    away = distances("paddle-lite-x86", keys, environments, tmp_path)
    worst = max(away, key=lambda key: away[key])
    with capsys.disabled():
        print(f"\nworst: {worst.variant}, batch {worst.batch}: {away[worst]:.2g}")  # noqa: T201
    assert len(away) == len(keys)
    assert all(0 < it <= RUNNERS["paddle-lite-x86"].tolerance for it in away.values()), away


def test_an_old_python_tells_its_packages_too(engine: Interpreter) -> None:
    assert engine.packages["python"].startswith("3.7.")
    assert engine.packages["paddlelite"] == "2.12"
    assert engine.packages["numpy"].startswith("1.")


def test_the_file_says_what_made_it(artifact: Artifact) -> None:
    assert (artifact.facts["paddlelite"], artifact.facts["target"]) == ("2.12", "x86")
    assert artifact.facts["bytes"] == artifact.main.stat().st_size


@pytest.mark.usefixtures("artifact")
def test_conversions_agree_in_the_hash_of_the_body_whatever_the_paths(
    environments: Environments, tmp_path: Path
) -> None:
    (program,) = made([Key("x0_25", "paddle-program", 1)], environments).values()
    source = {
        "model": str(program.main), "params": str(program.main.with_suffix(".pdiparams")),
    }  # fmt: skip
    bodies = set()
    for length in (1, 40, 90, 140):
        (out := tmp_path / ("x" * length)).mkdir()
        bodies.add(lite_opt_x86.convert(source, {"target": "x86"}, out)["sha256_body"])
    assert len(bodies) == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_asked_for_are_in_force(threads: int, artifact: Artifact) -> None:
    with PaddleLiteX86Runner().open(replace(CELL, threads=threads), artifact.main) as session:
        assert session.facts["threads"] == str(threads)
        assert session.facts["engine"] == "paddlelite 2.12"


def test_a_file_that_is_no_net_is_the_engines_abort_and_not_the_workers(
    artifact: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "model.nb").write_bytes(b"no net")
    with (
        pytest.raises(EngineLost) as raised,
        PaddleLiteX86Runner().open(CELL, tmp_path / "model.nb"),
    ):
        pass
    assert raised.value.kind in {"abort", "crash", "no-reply"}


def test_a_target_that_opt_does_not_know_ends_its_process_only(
    artifact: Artifact, tmp_path: Path
) -> None:
    program = Path(paddle_lite_x86.__file__).parents[2] / "converters/lite_opt_x86_child.py"
    with (
        pytest.raises(EngineLost),
        open_engine_process(interpreted(program), str(tmp_path), "no-such-chip", timeout_s=60.0),
    ):
        pass
