from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.storage.store import Store
from tests.cli.process import call, contents
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored, system

FIRST, SECOND = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
THIRD = "20240503T120000Z-0badc0de-00000003"
UNLIKE = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "America/Caracas", "COLUMNS": "40"},
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs on two systems, of nets whose accuracy nobody knows: no plot, and so no time."""
    folder = tmp_path / "results"
    put(stored(record("mine"), record("another"), run_id=FIRST), folder)
    put(stored(record("mine"), on=system("B", system_id="b"), run_id=SECOND), folder)
    return folder


def report(results: Path, *flags: str) -> list[Path]:
    """Write the report and return the files that it names."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["report", "--verbose", *where(results), *flags]) == 0
    return names(out.getvalue())


def in_a_process(results: Path, **env: str) -> list[Path]:
    """The same by `python -m bench.report` in a process of its own."""
    done = call("--verbose", *where(results), module="bench.report", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return names(done.stdout)


def where(results: Path) -> list[str]:
    return ["--results", str(results), "--models", str(fakes.MODELS)]


def names(out: str) -> list[Path]:
    lines = out.splitlines()
    return [Path(line.removeprefix("wrote ")) for line in lines if line.startswith("wrote ")]


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes_in_any_process_and_after_a_deletion(
    tmp_path: Path,
) -> None:
    here, elsewhere = tmp_path / "results", tmp_path / "another place" / "results"
    put(stored(record("x0_25"), record("x0_5"), beside=["sd855_ms_threads1"], run_id=FIRST), here)
    shutil.copytree(here, elsewhere)
    named, there = (
        in_a_process(folder, **env) for folder, env in zip([here, elsewhere], UNLIKE, strict=True)
    )
    before = contents(here)
    assert before == contents(elsewhere)
    assert [path.name for path in named] == [path.name for path in there]
    assert set(named) == set((here / "report").iterdir())
    assert len(named) == 4 + 3 * 4

    shutil.rmtree(here / "report")
    assert report(here) == named
    assert contents(here) == before


def test_a_report_on_one_run_says_how_much_of_its_time_was_timed_inference(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for flags, runs in (
        ([("--run", SECOND)], [SECOND]),
        ([("--explain",)], [FIRST, SECOND]),
        ([()], []),
    ):
        assert main(["report", *where(results), *flags[0]]) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if "timed inference" in line]
        assert [line.split(":")[0] for line in lines] == [f"run {run_id}" for run_id in runs]
    assert main(["report", *where(results), "--run", SECOND, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["time"][SECOND]["wall_ns"] == 4_000_000_000


def test_a_report_names_a_run_that_was_interrupted_on_its_page_and_on_the_terminal(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record("cut"), run_id=THIRD, status="interrupted"), results)
    assert main(["report", *where(results)]) == 0
    page, said = (results / "report/report.md").read_text(), capsys.readouterr().err
    why = f"un {THIRD} was interrupted: cells that were left have no figure in it"
    again = f"python -m bench run --resume {THIRD}"
    assert f"R{why}; `{again}` measures them.\n" in page
    assert said.splitlines() == [
        f"bench: r{why}; measure them with:", f"  {again} --results {results}"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told", "hidden"),
    [
        (("run", "a.onnx", "b c.onnx", "--input", "x=Nx4"), "a.onnx 'b c.onnx' --input x=Nx4:", 0),
        (("run", "…/a.onnx", "--weights", "w.pdparams"), "'…/a.onnx' --weights w.pdparams ", 1),
        (("run", "~/a.onnx", "--models", "m"), "/home/me/a.onnx --models m ", 0),
        (("run", "--no-longer-a-flag"), "--results ", 0),
    ],
)
def test_the_command_to_resume_a_run_of_own_files_names_them(
    words: tuple[str, ...], told: str, hidden: int, results: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", "/home/me")
    one = stored(record("cut"), run_id=THIRD, status="interrupted")
    origin = one.manifest.provenance
    command = origin.model_copy(update={"command": ["python", "-m", "bench", *words]})
    put(replace(one, manifest=one.manifest.model_copy(update={"provenance": command})), results)
    assert main(["report", *where(results)]) == 0
    said, again = capsys.readouterr().err.splitlines()
    assert again.startswith(f"  python -m bench run --resume {THIRD} {told}")
    assert again.endswith(f"--results {results}")
    assert ("isn't stored" in said) == bool(hidden)


def test_a_report_on_one_run_lies_beside_it_and_covers_only_it(results: Path) -> None:
    named = report(results, "--run", SECOND)
    folder = Store(results).run(SECOND).path / "report"
    assert {path.parent for path in named} == {folder}
    page = (folder / "report.md").read_text()
    assert "## B — " in page
    assert "AMD EPYC" not in page
    assert not (results / "report").exists()


def test_latest_means_the_newest_run(results: Path) -> None:
    assert {path.parents[1].name for path in report(results, "--run", "latest")} == {SECOND}


def test_an_unknown_run_is_an_error_and_writes_nothing(
    results: Path, refused: Callable[..., str]
) -> None:
    before = contents(results)
    line = refused("report", *where(results), "--run", SECOND[:-1] + "3")
    assert f"did you mean '{SECOND}'?" in line
    assert contents(results) == before


def test_json_names_the_files(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--json", "--run", FIRST, *where(results)]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(name).name for name in files[:3]] == ["report.md", "latency.csv", "costs.csv"]
    assert all(Path(name).is_file() for name in files)


def test_a_plot_that_is_drawn_no_longer_goes_and_other_files_stay(results: Path) -> None:
    folder = results / "report"
    folder.mkdir()
    for name in ("top1-latency-gone.svg", "top1-flops.png", "notes.txt", "a-photo.png"):
        (folder / name).write_text("old")
    report(results)
    assert {path.name for path in folder.iterdir()} == {
        "report.md", "latency.csv", "costs.csv", "index.html", "notes.txt", "a-photo.png",
    }  # fmt: skip


def test_a_report_changes_nothing_but_itself(results: Path) -> None:
    before = contents(results)
    report(results)
    after = contents(results)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"report"}


def test_without_a_run_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    report(tmp_path / "results")
    assert "run `make bench`" in (tmp_path / "results/report/report.md").read_text()


def test_without_verbose_the_files_are_counted(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = report(results)
    assert main(["report", *where(results)]) == 0
    assert capsys.readouterr().out == f"wrote {len(named)} files to {results / 'report'}/\n"
