"""`bench.run` with a real engine, as a notebook calls it: beside a running event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import bench
from bench.cli.notebook import Run
from bench.core.units import NS_PER_MS

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def made(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    results = tmp_path_factory.mktemp("notebook") / "results"

    async def cell() -> Run:
        run: Run = bench.run(
            variant="x0_25", preset="quick", batch=1, threads=1, results=results,
            env={"paddle": paddle_python},
        )  # fmt: skip
        return run

    return asyncio.run(cell())


def test_a_notebook_measures_in_processes_of_their_own(made: Run) -> None:
    assert made.exit_status == 0
    (row,) = made.frame.to_dict("records")
    assert row["engine"].startswith("paddlepaddle 3")
    assert (row["outcome"], row["sessions"], row["relative_l2"] < 1e-4) == ("measured", 2, True)
    # No machine does 18 million multiply-accumulates in 50 us on one thread.
    assert row["latency_ns"] > NS_PER_MS / 20
    assert f"{row['latency_ns'] / NS_PER_MS:.4g}" in made._repr_html_()


def test_what_was_measured_is_loaded_again(made: Run) -> None:
    results = made.folder.parents[2]
    assert bench.load(results).equals(made.frame)
    sessions = bench.load(results, level="session")
    assert len(sessions) == 2
    assert set(sessions["reported"]) == {False}
    samples = bench.load(results, level="sample")
    assert len(samples) > 8
