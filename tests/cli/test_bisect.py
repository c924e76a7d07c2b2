"""`bench bisect` over a small repository of revisions of this project, with fake runners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.cli.commands import ab, bisect
from bench.cli.commands.bisect import chosen_cell, split_net
from bench.cli.main import parse
from bench.core.errors import InputError, UnknownName
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.ab.revisions import RevisionTables
from bench.experiments.context import Options, Tables
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbRecord
from bench.storage.store import Store
from tests.fakes import tables as fakes
from tests.fakes.arm_tables import QUICK, arm_tables, with_int8
from tests.fakes.repository import commit, copy_of_the_project, run_git

CELL = "x0_25-paddle-fp32-b1-t1"


@dataclass(frozen=True)
class History:
    """Revisions of the project; the fake runner is a tenth slower from the third change on."""

    root: Path
    commits: tuple[str, ...]

    @property
    def project(self) -> Path:
        return self.root / "project"

    def options(self, *flags: str, verb: str = "bisect") -> Options:
        argv = [
            verb, "--models", str(fakes.MODELS), "--results", str(self.root / "results"),
            "--cache", str(self.root / "cache"), "--sessions", "2", *flags,
        ]  # fmt: skip
        return parse(argv)[1]

    def run(self, *flags: str, verb: str = "bisect", tables: Tables | None = None) -> int:
        tables = tables or arm_tables()
        told = RevisionTables(
            runners=tables.runners, formats=tables.formats, environments=ENVIRONMENTS
        )
        seams = replace(QUICK, project=self.project, read_tables=lambda _: told)
        run = bisect.run if verb == "bisect" else ab.run
        return run(self.options(*flags, verb=verb), tables, seams=seams)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    root = tmp_path_factory.mktemp("history")
    project = copy_of_the_project(root / "project")
    runner, worker = project / "tests/fakes/arms.py", project / "bench/worker/__main__.py"
    kept = worker.read_text()
    worker.unlink()
    made = [commit(project, "before arms")]
    worker.write_text(kept)
    made.append(commit(project, "arms"))
    made.append(commit(project, "nothing"))
    text = runner.read_text()
    runner.write_text("an error in this revision\n")
    made.append(commit(project, "broken"))
    runner.write_text(text.replace("NS = 10_000_000", "NS = 11_000_000"))
    made.append(commit(project, "mended, and slower"))
    made += [commit(project, "nothing") for _ in range(2)]
    (project / "readme").write_text("being worked on")
    return History(root, tuple(made))


@pytest.mark.slow
def test_a_revision_s_own_code_is_what_its_arm_runs(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--variant", "x0_25", "--base", f"rev:{history.commits[1]}", "--head", "rev:HEAD"]
    assert history.run(*flags, verb="ab") == 1
    assert "+10.0%" in capsys.readouterr().out
    assert history.run(*flags[:4], verb="ab") == 0
    assert "SAME" in capsys.readouterr().out


@pytest.mark.slow
def test_the_first_slower_revision_is_found_between_those_that_can_be_tested(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run_git(history.project, "status", "--porcelain", "--branch")
    assert history.run("--good", history.commits[1], "--bad", "HEAD", "--cell", CELL) == 3
    out, err = capsys.readouterr()
    assert "mended, and slower" in out
    assert "broken" in out
    assert "one of these is the first slower commit" in out
    assert f"{history.commits[3][:12]} can't be tested: missing" in err
    assert run_git(history.project, "status", "--porcelain", "--branch") == before
    assert "bisect" not in run_git(history.project, "worktree", "list")


@pytest.mark.slow
def test_without_a_broken_one_between_it_is_one_revision(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    tip = history.commits[4]
    later = run_git(
        history.project, "commit-tree", f"{tip}^{{tree}}", "-p", history.commits[2], "-m", "slower"
    )
    last = run_git(history.project, "commit-tree", f"{tip}^{{tree}}", "-p", later, "-m", "after")
    assert history.run("--good", history.commits[1], "--bad", last, "--cell", CELL) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{later} is the first slower commit"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--good and --cell are missing"),
        (["--cell", CELL], "--good is missing"),
        (["--good", "HEAD"], "--cell is missing"),
        (["--good", "nope", "--cell", CELL], "there is no revision 'nope'"),
        (["--good", "HEAD", "--bad", "nope", "--cell", CELL], "there is no revision 'nope'"),
        (["--good", "HEAD", "--cell", "x0_25"], "--cell x0_25: no cell's id"),
        (["--good", "HEAD", "--cell", CELL.replace("paddle", "padle")], "no runner 'padle'"),
        (["--good", "HEAD~1", "--cell", CELL], "HEAD isn't told slower than HEAD~1: same"),
    ],
)
def test_what_can_not_be_bisected_is_refused(flags: list[str], said: str, history: History) -> None:
    with pytest.raises(InputError) as raised:
        history.run(*flags)
    assert said in str(raised.value)


def test_a_revision_that_can_not_be_an_arm_says_why(history: History) -> None:
    with pytest.raises(InputError, match=r"has no bench/worker/__main__\.py"):
        history.run("--good", history.commits[0], "--cell", CELL)


def test_a_cell_s_digest_tells_its_settings(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = arm_tables()
    for settings in ({"onednn": "off"}, {"onednn": "on"}, {}):
        cell = fake_cell(settings)
        asked = chosen_cell(history.options("--cell", cell), tables)
        assert asked.settings == settings
    assert chosen_cell(history.options("--cell", CELL), tables).settings is None
    assert capsys.readouterr().err == ""
    chosen_cell(history.options("--cell", f"{CELL}-0123456789ab"), tables)
    assert "of another net or setting" in capsys.readouterr().err
    with pytest.raises(UnknownName, match="no variant 'x9'"):
        chosen_cell(history.options("--cell", "x9-paddle-fp32-b1-t1-0123456789ab"), tables)


NAMES = ["net", "net-s", "net-paddle"]
RUNNERS = ["paddle", "lite", "paddle-lite"]


@pytest.mark.parametrize(
    ("text", "net"),
    [
        ("net-paddle", ("net", "paddle")),
        ("net-s-paddle", ("net-s", "paddle")),
        ("net-s-paddle-lite", ("net-s", "paddle-lite")),
        ("net-paddle-paddle", ("net-paddle", "paddle")),
    ],
)
def test_a_cells_id_is_read_where_names_have_dashes(text: str, net: tuple[str, str]) -> None:
    assert split_net(text, NAMES, RUNNERS) == net


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("net-paddle-lite", "that is net-paddle on lite or net on paddle-lite"),
        ("net-t-paddle", "no variant 'net-t'"),
        ("net-s-padle", "no runner 'padle'"),
        ("other-padle", "no runner 'padle'"),
    ],
)
def test_a_cells_id_that_is_none_or_two_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        split_net(text, NAMES, RUNNERS)


def compared(history: History, cell: str) -> AbRecord:
    """The one cell that a bisection of `cell` compares first, between two like revisions."""
    store = Store(history.root / "results")
    before = {it.path for it in AbFolder.all(store)}
    flags = ["--good", "HEAD~1", "--cell", cell]
    with pytest.raises(InputError, match="isn't told slower than HEAD~1: same"):
        history.run(*flags, tables=with_int8(arm_tables(paddle="Coarse")))
    (new,) = [it for it in AbFolder.all(store) if it.path not in before]
    (record,) = new.records()
    return record


def test_the_cell_is_measured_in_its_own_precision(history: History) -> None:
    record = compared(history, CELL.replace("fp32", "int8"))
    assert [it.precision for it in record.cells.values()] == ["int8", "int8"]
    told = {arm.facts["artifact"] for one in record.sessions for arm in one.arms.values()}
    assert told == {"model.nb"}


def test_a_precision_that_the_runner_has_not_is_refused(history: History) -> None:
    with pytest.raises(UnknownName, match="runner paddle has no precision 'bf16'"):
        history.run("--good", "HEAD~1", "--cell", CELL.replace("fp32", "bf16"))


@pytest.mark.parametrize("settings", [{}, {"onednn": "off"}])
def test_the_cell_is_measured_with_its_own_settings_and_no_others(
    settings: dict[str, str], history: History
) -> None:
    cell = fake_cell(settings)
    record = compared(history, cell)
    assert (record.pair_id, record.cells["base"].settings) == (cell, settings)


def fake_cell(settings: dict[str, str]) -> str:
    from bench.config.catalog import Weights, load_catalogue, resolve
    from bench.core.cell import Cell

    model = resolve(load_catalogue(fakes.MODELS), "x0_25", fakes.MODELS, Weights())
    return Cell(
        variant="x0_25", model_hash=model.hash, runner="paddle", batch=1, threads=1,
        input=model.input_text, settings=tuple(settings.items()),
    ).id  # fmt: skip
