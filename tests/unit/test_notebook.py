from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.cli import notebook
from bench.cli.commands import VERBS
from bench.cli.main import main
from bench.core.errors import InputError, ResultsError, UnknownName
from bench.launcher.process import ChildResult, run_child
from tests.conftest import FAKE_SUITE, PLAIN_CATALOGUE
from tests.fakes import tables as fakes
from tests.fakes.records import failed, put, record, stored, system

ROOT = Path(__file__).parents[2]
OLD, NEW = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    same = [[2.0], [2.01], [1.99], [2.0]]
    put(stored(record(samples_ms=same), run_id=OLD), tmp_path / "results")
    slower = [[4.0], [4.01], [3.99], [4.0]]
    put(stored(record(samples_ms=slower), run_id=NEW), tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def place(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/catalog.toml").write_text(PLAIN_CATALOGUE)
    (tmp_path / "models/fake.py").write_text("def net(): ...\n")
    return {
        "suite": FAKE_SUITE, "preset": "quick", "variant": ["one"],
        "results": tmp_path / "results", "models": tmp_path / "models",
        "cache": tmp_path / "cache", "env": {"paddle": sys.executable, "lite": sys.executable},
    }  # fmt: skip


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = "old = set(sys.modules); import bench; print(sorted(set(sys.modules) - old))"
    code = f"import __future__, sys; {loaded}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['bench']"


def test_the_package_has_the_functions_and_no_other_name() -> None:
    assert bench.load is notebook.load
    assert bench.run is notebook.run
    assert bench.compare is notebook.compare
    assert set(dir(bench)) == {"__version__", "load", "run", "compare"}
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = bench.lode


def test_load_gives_the_stored_cells(results: Path) -> None:
    made = bench.load(results)
    assert made["latency_ns"].to_list() == [2_000_000, 4_000_000]
    assert bench.load(str(results), run="latest")["run_id"].to_list() == [NEW]
    assert len(bench.load(results, level="session")) == 8


def test_load_refuses_what_it_does_not_know(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'session'"):
        bench.load(results, level="sessions")
    with pytest.raises(UnknownName, match="there is no run 'nine'"):
        bench.load(results, run="nine")
    with pytest.raises(ResultsError, match="there is no results folder"):
        bench.load(tmp_path / "nowhere")


def test_load_leaves_out_what_cannot_be_read_with_a_warning(results: Path) -> None:
    (cell,) = results.glob(f"runs/*/{OLD}/cells/*.json")
    cell.write_text("{")
    with pytest.warns(UserWarning, match=re.escape(cell.name)):
        made = bench.load(results)
    assert made["run_id"].to_list() == [NEW]


def test_compare_has_the_verdicts_and_the_status_of_the_verb(results: Path) -> None:
    made = bench.compare(OLD, NEW, results=results)
    assert made.exit_status == main(["compare", OLD, NEW, "--results", str(results)]) == 3
    assert any("advice only: " in line for line in made._repr_html_().split("<p>"))
    assert made.frame["verdict"].to_list() == ["SLOWER"]
    assert made.frame["ratio"].to_list() == pytest.approx([2.0], rel=0.01)
    assert "1 slower" in made.summary
    assert "SLOWER" in made._repr_html_()
    with pytest.raises(UnknownName, match="there is no run or baseline 'nine'"):
        bench.compare("nine", NEW, results=results)


def test_run_measures_as_the_verb_does(
    place: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    made = notebook.measured(notebook.options_of("run", (), place), fakes.tables())
    assert made.exit_status == 0
    assert set(made.frame["variant"]) == {"one"}
    assert set(made.frame["run_id"]) == {made.run_id} == {made.folder.name}
    assert (made.folder / "run.json").exists()
    assert any(path.name == "report.md" for path in made.files)
    assert "latency_ms" in made._repr_html_()
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    assert "[1/" in err


def test_run_says_which_cells_have_no_figure(place: dict[str, object]) -> None:
    tables = fakes.tables(paddle="Crash")
    made = notebook.measured(notebook.options_of("run", (), place), tables)
    assert made.exit_status == 1
    assert made.frame["latency_ns"].isna().all()
    assert made.frame["reason"].str.startswith("failed (").all()
    assert "failed (" in made._repr_html_()


def test_an_interruption_keeps_what_was_measured_and_says_how_to_resume(
    place: dict[str, object],
) -> None:
    def launch(request: Mapping[str, Any], **how: Any) -> ChildResult:
        if request["operation"] == "measure":
            raise KeyboardInterrupt
        return run_child(request, **how)

    tables = replace(fakes.tables(), launch=launch)
    given = {**place, "no_turns": True}
    with pytest.raises(KeyboardInterrupt, match=r"resume with bench.run\(resume='\w+-") as ended:
        notebook.measured(notebook.options_of("run", (), given), tables)
    run_id = str(ended.value).split("'")[1]
    kept = {name: place[name] for name in ("results", "models", "cache", "env")}
    again = notebook.options_of("run", (), {**kept, "resume": run_id})
    made = notebook.measured(again, fakes.tables())
    assert (made.run_id, made.exit_status) == (run_id, 0)


@pytest.mark.parametrize("threaded", [False, True])
def test_run_works_beside_an_event_loop_and_leaves_its_signals(
    place: dict[str, object], *, threaded: bool
) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    async def cell() -> tuple[object, object, notebook.Run]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
        before = [signal.getsignal(number) for number in numbers]
        options = notebook.options_of("run", (), place)
        if threaded:
            made = await asyncio.to_thread(notebook.measured, options, fakes.tables())
        else:
            made = notebook.measured(options, fakes.tables())
        return before, [signal.getsignal(number) for number in numbers], made

    before, after, made = asyncio.run(cell())
    assert before == after
    assert made.exit_status == 0


@pytest.mark.parametrize(
    ("given", "argv"),
    [
        ({"batch": [1, 4], "runner": ("paddle", "mnn")}, ["--batch=1,4", "--runner=paddle,mnn"]),
        ({"threads": 2, "no_turns": True, "turns": False}, ["--threads=2", "--no-turns"]),
        ({"pass_env": ["A", "B"]}, ["--pass-env=A", "--pass-env=B"]),
        ({"env": {"paddle": Path("/x")}}, ["--env=paddle=/x"]),
        ({"wait_quiet": True, "sustained": None}, ["--wait-quiet"]),
        ({"wait_quiet": "5m"}, ["--wait-quiet=5m"]),
        ({"variant": "x0_5", "results": Path("r")}, ["--variant=x0_5", "--results=r"]),
    ],
)
def test_keywords_are_the_flags_of_the_verb(given: dict[str, object], argv: list[str]) -> None:
    with contextlib.ExitStack() as patched:
        patch = patched.enter_context(pytest.MonkeyPatch.context())
        for name in ("A", "B"):
            patch.setenv(name, "1")
        assert notebook.options_of("run", ("a.onnx",), given).command == [
            "run", *argv, "--", "a.onnx",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"presett": "quick"}, "bench.run has no option 'presett': did you mean 'preset'?"),
        ({"json": True}, "bench.run has no option 'json'"),
        ({"batch": 0}, "--batch 0: '0' is not a whole number from 1 on"),
        ({"seed": True}, "option '--seed' takes a value: True is for switches"),
        ({"turns": "yes"}, "option '--turns' does not take a value"),
        ({"suite": "nine"}, "there is no suite 'nine'"),
        ({"resume": "latest", "batch": 4}, "--resume goes on with what the run began with"),
    ],
)
def test_run_refuses_as_the_verb_does(
    given: dict[str, object], says: str, results: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        bench.run(**given, **({} if "results" in given else {"results": tmp_path / "new"}))
    assert says.lower() in str(refused.value).lower()


def test_every_option_of_the_verbs_but_the_terminals_is_a_keyword() -> None:
    for verb in ("run", "compare"):
        flags = {it.opts[0] for it in VERBS[verb].params if it.opts[0].startswith("--")}
        words = {"--" + name.replace("_", "-") for name in notebook.keywords(verb)}
        assert flags - words <= {"--explain", "--verbose", "--format"}
    assert "models" in inspect.signature(bench.run).parameters


def test_a_hostile_name_stays_text_in_a_notebook(tmp_path: Path) -> None:
    one = record(settings={"onednn": "<b>on"}, outcome=failed(HOSTILE))
    put(stored(one, on=system(HOSTILE, emulated=True)), tmp_path)
    shown = notebook.Run(
        run_id=HOSTILE, folder=tmp_path, files=(), frame=bench.load(tmp_path)
    )._repr_html_()
    assert "<script" not in shown
    assert "&lt;script" in shown
    assert "emulated" in shown
