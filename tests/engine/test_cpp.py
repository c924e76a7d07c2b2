"""Engines driven from C++: the same outputs as their Python runners, and turns with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.artifacts.builder import Artifact, Key
from bench.environments.interpreters import Environments, worker_of
from bench.reports.build import load_runs
from bench.runners import RUNNERS
from bench.storage.schema.latency import Measured
from scripts.python_cost import SUFFIX, caption, newest, rows
from tests.cli.process import call
from tests.engine.converting import run
from tests.engine.inferring import made

pytestmark = pytest.mark.engine

IN_CPP = [name for name, entry in RUNNERS.items() if entry.program is not None]
NETS = ("x0_25", "swish")
BATCH = 4
_DRIVER = """
import json, sys
from pathlib import Path
import numpy as np
from bench.core.cell import Cell
from bench.core.tensors import read_reference
from bench.worker import subnormals
from bench.worker.serve import load

runner, main, reference, batch, settings, into = json.load(sys.stdin)
cell = Cell(variant="v", model_hash="m", runner=runner[0], batch=batch, threads=1,
            settings=tuple(map(tuple, settings)))
with subnormals.flushed(), load(runner[1])().open(cell, Path(main)) as session:
    outputs = session.infer(read_reference(Path(reference)).inputs)
    np.savez(into, **outputs)
    facts = dict(session.facts)
Path(sys.argv[1]).write_text(json.dumps(facts))
"""


def inferred(
    runner: str, artifact: Artifact, environments: Environments, scratch: Path
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return a runner's outputs on the reference's inputs, and its facts."""
    entry = RUNNERS[runner]
    python, variables = worker_of(entry, environments)
    settings = [[name, values[0]] for name, values in sorted(entry.settings.items())]
    into = scratch / f"{runner}.npz"
    files = [str(artifact.main), str(artifact.reference)]
    request = [[runner, entry.path], *files, BATCH, settings, str(into)]
    facts: dict[str, str] = json.loads(run(python, _DRIVER, request, scratch / runner, variables))
    with np.load(into) as arrays:
        return {name: arrays[name] for name in arrays.files}, facts


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("runner", IN_CPP)
def test_an_engine_gives_the_same_output_and_facts_in_cpp_as_in_python(
    runner: str, net: str, environments: Environments, tmp_path: Path
) -> None:
    key = Key(net, RUNNERS[runner].artifact, BATCH)
    artifact = made([key], environments)[key]
    ours, facts = inferred(runner, artifact, environments, tmp_path)
    theirs, others = inferred(runner.removesuffix(SUFFIX), artifact, environments, tmp_path)
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        assert ours[name].dtype == array.dtype
        assert ours[name].shape == array.shape
        # The same kernels on the same values: to the last bit but one, if not to that.
        assert np.linalg.norm(ours[name] - array) <= 1e-6 * np.linalg.norm(array)
    assert {name: facts.get(name) for name in others} == others
    assert facts["compiler"]


def test_both_take_turns_in_the_cpp_suite_and_the_table_has_their_ratio(
    paddle_python: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    asked = ("--suite", "cpp", "--variant", "x0_25,x0_5", "--preset", "quick")
    done = call("run", *asked, "--results", results)
    assert done.returncode == 0, done.stderr
    (stored,) = load_runs(results, broken=[])
    for record in stored.records:
        assert record.outcome == Measured()
        for session in record.sessions:
            assert session.turn is not None
            assert session.facts["threads_worked"] == "1"
            assert session.facts["subnormals"] == "flushed"
            assert float(session.covariates["peak_rss_mib"]) > 10
    table = list(rows(newest(results)))
    engines = {RUNNERS[name.removesuffix(SUFFIX)].title for name in IN_CPP}
    assert {(net, engine) for net, engine, *_ in table} == {
        (net, engine) for net in ("x0_25", "x0_5") for engine in engines
    }
    for *_, ratio, cost in table:
        value, low, high = (float(word.strip("[],")) for word in ratio.split())
        assert 0 < low <= value <= high
        assert cost
    assert "preset quick, 2 sessions" in caption(stored)
