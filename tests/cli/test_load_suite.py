"""`bench load --suite`: a server of stand-in engines for each cell, loaded by the real LoadGen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.serving import server_process
from bench.storage.run_folders import ServingFolder
from bench.storage.store import Store
from tests.cli.process import FAKE
from tests.fakes import serving
from tests.fakes.tables import tables

pytestmark = pytest.mark.slow

SUITE = """
title = "Served stand-ins"
target = "cpu"
models = ["one"]

[[cells]]
runner = ["paddle"]
batch = [1]

[loads.quick]
duration_s = 0.3
probe_s = 0.2
probes = 3
proof_s = 3
latency_ms = 20000
rounds = 3
round_s = 0.2

[presets.quick]
sessions = 1
samples = 3
min_samples = 3
budget_s = 0.1
warmup_calls = 1
warmup_s = 0.0
warmup_cap_s = 0.1
steady_window = 4
"""


@pytest.fixture
def argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(server_process, "MODULE", FAKE)
    (tmp_path / "models").mkdir()
    net = '[models.one]\nfactory = "fake:net"\ninput = [3, 8, 8]\n'
    (tmp_path / "models" / "catalog.toml").write_text(net)
    (tmp_path / "served.toml").write_text(SUITE)
    return [
        "load", "--suite", str(tmp_path / "served.toml"),
        *("--models", str(tmp_path / "models"), "--results", str(tmp_path / "results")),
        *("--cache", str(tmp_path / "cache")),
    ]  # fmt: skip


QUICK = ("--preset", "quick", "--percentile", "90")


def run_of(tmp_path: Path) -> ServingFolder:
    return ServingFolder.find(Store(tmp_path / "results"), "latest")


def test_a_cell_is_served_loaded_and_compared_with_the_call_in_process(
    argv: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = main([*argv, *QUICK, "--json"], tables())
    out, err = capsys.readouterr()
    assert status == 0, err
    loads: list[dict[str, Any]] = json.loads(out)["loads"]
    assert [it["scenario"] for it in loads] == [None, "single-stream", "server", "offline"]
    assert {it["engine"] for it in loads} == {"paddle"}
    cost = loads[0]["cost"]
    assert cost["rounds"] == 3
    assert cost["added_ns"] == pytest.approx(cost["served_ns"] - cost["in_process_ns"], rel=1e-6)
    assert cost["half_width_ns"] > 0
    for it in loads[1:]:
        assert it["parity"]["reference"]
        assert it["parity"]["wrong"] == 0
    manifest = run_of(tmp_path).manifest()
    assert manifest.models["one"].title == "one"
    assert manifest.suite == "served"
    report = (tmp_path / "results/report/report.md").read_text()
    assert "What serving costs" in report
    assert main(["report", *argv[3:7]], tables()) == 0


def test_batches_are_the_servers_and_stand_beside_the_engine(
    argv: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = main([*argv, *QUICK, "--scenario", "offline", "--max-batch", "2"], tables())
    out, err = capsys.readouterr()
    assert status == 0, err
    assert "paddle --max-batch 2" in out
    assert run_of(tmp_path).manifest().serve == {"--max-batch": "2"}


def test_a_suite_that_is_resumed_has_the_cells_and_settings_of_then(
    argv: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bench.serving.load import Loader

    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Loader, "load", interrupted)
    words = (*QUICK, "--scenario", "offline", "--duration", "0.4s")
    assert main([*argv, *words], tables()) == 130
    monkeypatch.undo()
    monkeypatch.setattr(server_process, "MODULE", FAKE)
    capsys.readouterr()
    assert main([*argv, "--resume", "latest"], tables()) == 0, capsys.readouterr().err
    lines = run_of(tmp_path).journal()
    assert [it.cost is not None for it in lines] == [True, False]
    assert lines[1].load is not None
    assert lines[1].load.settings.duration_s == 0.4
    assert lines[1].load.settings.percentile == 90


def test_a_server_that_can_t_start_fails_each_of_its_loads(
    argv: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_process, "MODULE", "tests.no_such_module")
    assert main([*argv, *QUICK], tables()) == 1
    err = capsys.readouterr().err
    assert len(re.findall("the server didn't get ready", err)) >= 4
    lines = run_of(tmp_path).journal()
    assert {it.failed and it.failed.failure for it in lines} == {"server"}
    assert all("no_such_module" in it.failed.log_tail for it in lines if it.failed)


def test_an_engine_that_is_wrong_in_process_has_no_cost(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tables(paddle="WrongOutput")
    assert main([*argv, *QUICK, "--scenario", "offline"], wrong) == 1
    assert "-cost failed (wrong-output)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch = [1]", "batch = [2]", "a server has no cell one paddle batch 2"),
        ("batch = [1]", 'batch = [1]\nsettings = { onednn = "on" }', "onednn=on"),
    ],
)
def test_a_cell_that_no_server_has_is_refused(
    old: str, new: str, said: str, argv: list[str], capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / "served.toml"
    path.write_text(path.read_text().replace(old, new))
    assert main([*argv, *QUICK], tables()) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_server_elsewhere_must_answer_as_the_net_that_is_named(
    argv: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("--variant", "one", "--percentile", "90", "--duration", "0.3s", "--json")
    with serving.served(tmp_path / "models") as server:
        status = main(
            ["load", server.url, *argv[3:], *words, "--scenario", "single-stream"], tables()
        )
    out, err = capsys.readouterr()
    assert status == 0, err
    (it,) = json.loads(out)["loads"]
    assert it["parity"]["reference"]
    assert it["parity"]["checked"] > 1
    manifest = run_of(tmp_path).manifest()
    assert list(manifest.models) == ["one"]
    assert manifest.suite is None
