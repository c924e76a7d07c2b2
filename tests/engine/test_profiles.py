"""The profile by operator of each engine that has one, on the smallest net."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts.builder import Key
from bench.core.cell import Cell, Sampling
from bench.core.errors import Unavailable
from bench.core.protocol import request_for
from bench.environments.interpreters import Environments
from bench.experiments.session import start_of
from bench.launcher.process import Replied, run_child
from bench.runners import RUNNERS
from tests.cli.process import call
from tests.engine.inferring import made

pytestmark = pytest.mark.engine

PROFILED = ("onnxruntime", "openvino", "ncnn", "mnn", "torch")
SAMPLING = Sampling(
    preset="test", sessions=1, samples=50, min_samples=50, budget_s=10.0, warmup_calls=5,
    warmup_s=0.1, warmup_cap_s=2.0,
)  # fmt: skip

Profile = Mapping[str, Any]


def result_of(runner: str, environments: Environments) -> Any:
    """Return how a worker's profile of x0_25 in `runner` ended."""
    entry = RUNNERS[runner]
    key = Key("x0_25", entry.artifact, 1)
    artifact = made([key], environments)[key]
    cell = Cell(variant="x0_25", model_hash="m", runner=runner, batch=1, threads=1)
    try:
        start = start_of(cell, artifact, entry, environments, sampling=SAMPLING)
    except Unavailable as error:
        pytest.skip(str(error))
    request = request_for("profile", **start.request.to_json())
    return run_child(request, python=start.python, env=start.env, timeout_s=120.0)


@pytest.fixture(scope="module")
def profiles(environments: Environments) -> Callable[[str], Profile]:
    known: dict[str, Profile] = {}

    def profile(runner: str) -> Profile:
        if runner not in known:
            result = result_of(runner, environments)
            assert isinstance(result, Replied), result
            known[runner] = result.value
        return known[runner]

    return profile


@pytest.mark.parametrize("runner", PROFILED)
def test_as_many_inferences_are_profiled_as_not_and_the_output_was_checked(
    runner: str, profiles: Callable[[str], Profile]
) -> None:
    profile = profiles(runner)
    assert len(profile["plain_ns"]) == len(profile["profiled_ns"]) == 50
    assert profile["relative_l2"] <= RUNNERS[runner].tolerance
    assert profile["facts"].get("threads", "1") == "1"  # MNN can't tell where it flushes subnormals


@pytest.mark.parametrize("runner", PROFILED)
def test_the_operators_are_the_nets_and_together_take_what_an_inference_does(
    runner: str, profiles: Callable[[str], Profile]
) -> None:
    profile = profiles(runner)
    types = [it["type"] for it in profile["operators"]]
    # ShuffleNetV2: its first and last, three in each of 13 units, five in each of 3. MNN makes its
    # matrix product another one.
    assert sum("conv" in it.lower() for it in types) == (57 if runner == "mnn" else 56)
    assert len({it["name"] for it in profile["operators"]}) == len(types)
    assert all(it["calls"] == 1 and it["ns"] >= 0 for it in profile["operators"])
    together = sum(it["ns"] for it in profile["operators"])
    # Of the inferences with the profile, whatever else the machine does.
    assert 0.5 * min(profile["profiled_ns"]) < together <= max(profile["profiled_ns"])


def test_a_runner_without_profiles_says_so_and_what_helps(environments: Environments) -> None:
    result = result_of("paddle", environments)
    assert result.kind == "unavailable"
    assert "paddle runner has no profile by operator" in result.message
    assert "--profile" in result.hint


def test_a_run_with_profiles_says_which_work_two_engines_differ_by(
    environments: Environments, tmp_path: Path
) -> None:
    environments.get("engines")
    where = ("--results", str(tmp_path / "results"))
    asked = ("--suite", "engines", "--variant", "x0_25", "--batch", "1", "--threads", "1")
    engines = "onnxruntime,openvino"
    ran = call("run", *asked, "--runner", engines, "--preset", "quick", "--profile", *where)
    assert ran.returncode == 0, ran.stderr
    told = call("profile", "--runner", engines, "--json", *where).stdout
    (found,) = json.loads(told)["differences"]
    assert not found["by_name"]
    kinds = {row["name"]: row for row in found["rows"]}
    counts = [kinds["convolution"][side]["count"] for side in ("base", "head")]
    assert counts == [56, 56]
    explained = sum(row["difference_ns"] for row in found["rows"])
    assert found["explained_ns"] == pytest.approx(explained)
    apart = found["head"]["latency_ns"] - found["base"]["latency_ns"]
    assert found["explained_ns"] + found["unexplained_ns"] == pytest.approx(apart)
    with (tmp_path / "results/report/operators.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["runner"] for row in rows} == {"onnxruntime", "openvino"}
