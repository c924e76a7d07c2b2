"""`bench load URL`: loads by the real LoadGen of the stand-in for a server, stored and shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.main import main
from bench.core.tensors import write_reference
from bench.storage.run_folders import ServingFolder
from bench.storage.store import Store
from tests.fakes import tables as fakes
from tests.fakes.v2_server import MODEL, WIDTH, Behaviour, answer, v2_server

pytestmark = pytest.mark.slow


class Bench:
    """Calls the verb with short loads in a folder of its own."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys

    def call(self, *words: str, verb: str = "load") -> tuple[int, str, str]:
        folders = [
            "--models", str(fakes.MODELS), "--results", str(self.root / "results"),
        ]  # fmt: skip
        status = main([verb, *words, *folders])
        return status, *self._capsys.readouterr()

    def load(self, url: str, *words: str) -> tuple[int, str, str]:
        short = ("--model", MODEL, "--percentile", "90", "--duration", "0.2s")
        rate = ("--target-qps", "300", "--latency-ms", "20000")
        return self.call(url, *short, *rate, "--cache", str(self.root / "cache"), *words)

    @property
    def run(self) -> ServingFolder:
        return ServingFolder.find(Store(self.root / "results"), "latest")


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(delay_s=0.0003)


@pytest.fixture
def url(behaviour: Behaviour) -> Iterator[str]:
    with v2_server(behaviour) as one:
        yield one


def test_each_scenario_is_stored_with_loadgen_s_logs(bench: Bench, url: str) -> None:
    status, out, err = bench.load(url, "--json")
    assert status == 0, err
    loads: list[dict[str, Any]] = json.loads(out)["loads"]
    assert [it["scenario"] for it in loads] == ["single-stream", "server", "offline"]
    assert all(it["valid"] and it["engine"] == "stand-in 1" for it in loads)
    manifest = bench.run.manifest()
    assert (manifest.status, manifest.suite, manifest.local) == ("complete", None, True)
    assert manifest.sealed == bench.run.seals() != {}
    for line in bench.run.journal():
        assert line.load is not None
        for name, digest in line.load.logs.items():
            data = (bench.run.path / "loadgen" / line.load_id / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest
    assert "Served" in (bench.root / "results/report/report.md").read_text()
    assert len((bench.root / "results/report/serving.csv").read_text().splitlines()) == 4


def test_the_table_has_a_row_a_scenario_and_what_the_generator_took(bench: Bench, url: str) -> None:
    status, out, _ = bench.load(url, "--scenario", "offline")
    assert status == 0
    (row,) = [line for line in out.splitlines() if "VALID" in line]
    assert row.startswith("sums   stand-in 1  offline")
    assert "right" in row
    assert "load generator CPU, µs/request" in out


def test_a_reference_that_the_answers_are_not_gives_status_1(
    bench: Bench, url: str, tmp_path: Path
) -> None:
    x, path = np.ones((1, WIDTH), np.float32), tmp_path / "reference.npz"
    write_reference(path, {"x": x}, {"y": answer(x) + 1})
    status, out, err = bench.load(url, "--scenario", "single-stream", "--reference", str(path))
    assert status == 1
    assert "INVALID" in out
    assert "url-single-stream is INVALID: requests without a right answer" in err


def test_a_reference_of_another_net_is_refused(bench: Bench, url: str, tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    write_reference(path, {"images": np.ones(1), "ids": np.ones(1)}, {"y": np.ones(1)})
    status, _, err = bench.load(url, "--reference", str(path))
    assert status == 2
    assert "its inputs are images, ids, the model's x" in err


def test_the_only_input_may_have_another_name(bench: Bench, url: str, tmp_path: Path) -> None:
    x, path = np.ones((1, WIDTH), np.float32), tmp_path / "reference.npz"
    write_reference(path, {"images": x}, {"y": answer(x)})
    status, _, err = bench.load(url, "--scenario", "single-stream", "--reference", str(path))
    assert status == 0, err


def test_refused_requests_give_status_1_and_are_counted(
    bench: Bench, url: str, behaviour: Behaviour
) -> None:
    behaviour.refuse_every = 25
    status, _, err = bench.load(url, "--scenario", "offline")
    assert status == 1
    assert "x status 503" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "load has no server"),
        (["http://127.0.0.1:9", "http://127.0.0.1:8"], "one server is loaded at a time"),
        (["127.0.0.1:9"], "no URL of an HTTP server"),
        (["http://127.0.0.1:9", "--suite", "serving"], "leave out --suite or the URL"),
        (["http://127.0.0.1:9", "--scenario", "multi-stream"], "'multi-stream' is not"),
        (["http://127.0.0.1:9", "--percentile", "98"], "not 50, 90, 95, 97, 99 or 99.9"),
        (["http://127.0.0.1:9", "--runner", "paddle"], "leave out --runner or the URL"),
        (["http://127.0.0.1:9", "--max-batch", "2"], "leave out --max-batch or the URL"),
        (["http://127.0.0.1:9", "--variant", "a,b"], "give one --variant"),
        (["http://127.0.0.1:9", "--variant", "nothing"], "no variant 'nothing'"),
        (["--suite", "cpu"], "cpu.toml: it has no loads"),
        (["http://127.0.0.1:9"], "http://127.0.0.1:9 doesn't answer: Connection refused"),
    ],
)
def test_what_can_t_be_is_refused_with_status_2(words: list[str], said: str, bench: Bench) -> None:
    status, out, err = bench.call(*words, "--cache", str(bench.root / "cache"))
    assert (status, out) == (2, "")
    assert said in " ".join(err.split())
    assert not (bench.root / "results" / "serving").exists()


def test_a_reference_that_is_not_there_is_named_once(bench: Bench, url: str) -> None:
    status, _, err = bench.load(url, "--reference", "none.npz")
    assert status == 2
    assert "none.npz: No such file or directory: it is an .npz file" in " ".join(err.split())


def test_a_load_that_is_resumed_makes_what_is_left(
    bench: Bench, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.serving.load import Loader

    real = Loader.load

    def interrupted(self: Loader, scenario: Any) -> Any:
        if scenario == "server":
            raise KeyboardInterrupt
        return real(self, scenario)

    monkeypatch.setattr(Loader, "load", interrupted)
    status, _, err = bench.load(url)
    assert status == 130
    assert f"load --resume {bench.run.path.name} {url}" in " ".join(err.split())
    first = bench.run.journal()
    assert [it.load_id for it in first] == ["url-single-stream"]
    monkeypatch.undo()
    status, _, err = bench.load(url, "--resume", "latest")
    assert status == 0, err
    assert [it.load_id for it in bench.run.journal()] == [
        "url-single-stream", "url-server", "url-offline",
    ]  # fmt: skip
    assert bench.run.journal()[0] == first[0]
    assert bench.run.manifest().status == "complete"


def test_the_report_is_what_comes_out_of_the_stored_loads(bench: Bench, url: str) -> None:
    bench.load(url, "--scenario", "single-stream")
    report = bench.root / "results/report"
    before = {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()}
    status, _, err = bench.call(verb="report")
    assert status == 0, err
    assert {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()} == before
