"""One real run of the smallest net: what `make bench` does, read back from its files."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.core.units import BYTES_PER_MIB
from bench.environments.interpreters import Environments
from bench.storage.schema.latency import Measured, ModelFacts, Record, RunManifest
from bench.storage.store import Store
from tests.cli.process import ROOT, call

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Ran:
    results: Path
    manifest: RunManifest
    record: Record
    stdout: str


@pytest.fixture(scope="module")
def ran(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    results = tmp_path_factory.mktemp("end-to-end") / "results"
    asked = ("--variant", "x0_25", "--preset", "quick", "--batch", "1", "--threads", "1")
    done = call("run", *asked, "--results", results)
    assert done.returncode == 0, done.stderr
    (run,) = Store(results).runs()
    (record,) = run.records()
    return Ran(results=results, manifest=run.manifest(), record=record, stdout=done.stdout)


@pytest.fixture(scope="module")
def model(ran: Ran) -> ModelFacts:
    return ran.manifest.models["x0_25"]


def test_the_cell_is_measured_and_its_output_is_the_references(ran: Ran) -> None:
    assert ran.record.outcome == Measured()
    assert ran.record.sampling.preset == "quick"
    assert [(session.relative_l2 or 0) <= 1e-4 for session in ran.record.sessions] == [True, True]


def test_samples_are_whole_nanoseconds_of_a_net_that_really_ran(ran: Ran) -> None:
    (path,) = ran.results.glob("runs/*/*/cells/*.json")
    for session in json.loads(path.read_text())["sessions"]:
        samples = session["samples_ns"]
        assert {type(sample) for sample in samples + session["warmup_ns"]} == {int}
        assert 8 <= len(samples) <= 800  # of 4 laps: bursts of 2 to 200
        # No machine does 18 million multiply-accumulates in 50 us on one thread.
        assert min(samples) > 50_000


def test_each_session_is_a_process_of_its_own(ran: Ran) -> None:
    assert len({session.pid for session in ran.record.sessions}) == 2
    assert [session.round for session in ran.record.sessions] == [0, 1]


def test_provenance_names_the_engine_the_commit_and_the_command(ran: Ran) -> None:
    origin = ran.manifest.provenance
    version = origin.environments["paddle"]["paddlepaddle"]
    assert version.split(".")[0] == "3"
    engines = {session.facts["engine"] for session in ran.record.sessions}
    assert len(engines) == 1
    assert version in engines.pop()
    assert origin.commit is not None
    assert len(origin.commit) == 40
    assert ran.manifest.run_id.split("-")[1] == origin.commit[:8]
    assert origin.command[:4] == ["python", "-m", "bench", "run"]
    assert origin.command[-1] == "…/results"


def test_no_file_holds_a_path_of_this_machine(ran: Ran, paddle_python: Path) -> None:
    roots = {str(ROOT), str(Path.home()), tempfile.gettempdir() + "/", str(ran.results.parent)}
    roots.add(str(paddle_python.parent))
    files = [path for path in ran.results.rglob("*") if path.is_file()]
    assert len(files) > 10
    found = [
        (path.name, root)
        for path in files
        for root in roots
        if f"{root}".encode() in path.read_bytes()
    ]
    assert found == []


def test_costs_are_the_published_ones(model: ModelFacts) -> None:
    assert model.costs is not None
    assert model.costs.flops_paddle == 18_945_136
    assert round(model.costs.flops_paddle / 1e6, 2) == 18.95
    assert round(model.costs.params / 1e6, 2) == 0.61
    assert model.costs.uncounted == []


def test_storage_is_near_the_published_size_or_missing_with_a_reason(
    model: ModelFacts, environments: Environments
) -> None:
    if environments.problem("lite") is not None:
        assert model.storage is None
        assert "Python 3.10" in model.missing["storage"]
        return
    assert model.storage is not None, model.missing
    assert model.storage.bytes / BYTES_PER_MIB == pytest.approx(2.7, rel=0.11)


def test_the_page_and_the_table_show_the_figure_beside_the_published_one(ran: Ran) -> None:
    page = (ran.results / "report/report.md").read_text()
    (row,) = [line for line in page.splitlines() if "± " in line and "ShuffleNetV2_x0_25" in line]
    assert row.endswith("| 1.94 | 1.53 | 1.43 |")
    assert "ShuffleNetV2_x0_25" in ran.stdout
    assert "(2)" in ran.stdout
