"""`bench ab` from its flags to its files, with real processes of fake runners."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.verdicts import Comparison
from bench.cli.commands import ab as verb
from bench.cli.console import tell
from bench.cli.main import main
from bench.core.errors import UnknownName
from bench.experiments.ab.experiment import Seams
from bench.launcher.client import Worker, open_worker
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbMeasured, AbUnfinished
from bench.storage.store import Store
from tests.cli.turns import Ab, Opened
from tests.fakes import tables as fakes
from tests.fakes.arm_tables import QUICK, arm_tables
from tests.fakes.workshop import spoil


@dataclass(frozen=True)
class Compared:
    """A comparison that is over: where it lies, its status, and what it printed."""

    root: Path
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """An arm compared with itself: copy it before you change it."""
    root, out, err = tmp_path_factory.mktemp("same"), io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = Ab(root, None)("--format", "json")  # type: ignore[arg-type]
    return Compared(root=root, status=status, out=out.getvalue(), err=err.getvalue())


@pytest.fixture
def kept(same: Compared, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ab:
    """That comparison in a folder of its own."""
    return Ab(Path(shutil.copytree(same.root, tmp_path / "kept")), capsys)


def test_an_arm_compared_with_itself_is_the_same_and_everything_is_kept(
    same: Compared, kept: Ab
) -> None:
    ab, status, told = kept, same.status, json.loads(same.out)
    assert (status, told["exit_status"], told["advice"]) == (0, 0, False)
    assert [cell["verdict"] for cell in told["cells"]] == ["SAME"]
    manifest = ab.only.manifest()
    assert (manifest.status, manifest.target, manifest.kind) == ("complete", "cpu", "ab")
    assert {arm.title for arm in manifest.arms.values()} == {"as it is"}
    assert manifest.arms["base"].environments["harness"]["pydantic"]
    assert all(sha for files in manifest.arms["head"].artifacts.values() for sha in files.values())
    (record,) = ab.only.records()
    assert record.outcome == AbMeasured(stopped="narrow")
    assert len(record.sessions) == 3
    assert len({arm.pid for one in record.sessions for arm in one.arms.values()}) == 6
    assert (ab.root / "results/systems" / f"{manifest.system_id}.json").is_file()


def test_an_arm_faster_than_any_core_fails_with_the_bound(ab: Ab) -> None:
    assert ab(tables=fakes.of_large_nets(arm_tables())) == 3
    assert "x0_25 has 100000 M MACs a call" in ab.capsys.readouterr().out


@pytest.mark.slow
def test_all_models_are_compared_unless_some_are_named(ab: Ab) -> None:
    _, told = ab.json(all_=True)
    assert [cell["label"].partition(" ")[0] for cell in told["cells"]] == ["x0_25", "x0_5"]


@pytest.mark.parametrize(
    ("flags", "verdict", "status"),
    [
        (["--head", "runner:other"], "SLOWER", 1),
        (["--base", "runner:other"], "FASTER", 0),
        (["--head", "set:onednn=off"], "SLOWER", 1),
        (["--head", "set:threads=2"], "FASTER", 0),
        (["--runner", "other"], "SAME", 0),
        (["--runner", "all"], "SAME", 0),
    ],
)
def test_an_arm_may_be_another_runner_or_another_setting(
    flags: list[str], verdict: str, status: int, ab: Ab
) -> None:
    found, told = ab.json(*flags, tables=arm_tables(paddle="Steady", other="Slower"))
    assert (found, told["cells"][0]["verdict"]) == (status, verdict)
    assert told["head"] == (flags[1] if flags[0] == "--head" else "as it is")


def test_both_arms_of_one_thread_share_a_core_and_others_have_all(kept: Ab) -> None:
    (record,) = kept.only.records()
    assert all(len(one.cores) == 1 for one in record.sessions)
    for one in record.sessions:
        assert {arm.facts["affinity"] for arm in one.arms.values()} == {str(one.cores[0])}


@pytest.mark.slow
def test_an_arm_may_be_a_folder_of_models_or_an_exported_file(ab: Ab) -> None:
    models = ab.root / "models"
    models.mkdir()
    (models / "catalog.toml").write_text(
        '[models.x0_25]\nfactory = "other:net"\ninput = [3, 8, 8]\n'
    )
    for suffix in (".json", ".pdiparams"):
        (models / "own").with_suffix(suffix).write_text("exported")
    for arm in (models, models / "own.json"):
        assert ab("--head", f"model:{arm}") == 0
    hashes = [
        {name: arm.models["x0_25"] for name, arm in it.manifest().arms.items()}
        for it in AbFolder.all(Store(ab.root / "results"))
    ]
    assert len({it["base"] for it in hashes}) == 1
    assert len({it["head"] for it in hashes} | {hashes[0]["base"]}) == 3
    assert not any(
        str(ab.root) in it.manifest().model_dump_json()
        for it in AbFolder.all(Store(ab.root / "results"))
    )


def test_two_nets_by_their_files_are_compared_without_a_catalogue(ab: Ab) -> None:
    for name in ("one", "other/inference"):
        for suffix in (".json", ".pdiparams"):
            path = (ab.root / name).with_suffix(suffix)
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"exported {name}")
    arms = ("--base", f"model:{ab.root / 'one.json'}", "--head", f"model:{ab.root / 'other'}")
    assert ab(*arms, all_=True) == 0
    (kept,) = AbFolder.all(Store(ab.root / "results"))
    models = {name: arm.models for name, arm in kept.manifest().arms.items()}
    assert {name: list(it) for name, it in models.items()} == {"base": ["one"], "head": ["other"]}


@pytest.mark.parametrize(("arm", "verdict"), [("head", "MISSING"), ("base", "INCOMPARABLE")])
def test_an_arm_that_crashes_in_a_burst_is_a_cell_without_a_verdict(
    arm: str, verdict: str, ab: Ab
) -> None:
    tables = arm_tables(paddle="Steady", bad="CrashesInABurst")
    status, told = ab.json(f"--{arm}", "runner:bad", tables=tables)
    assert (status, told["cells"][0]["verdict"]) == (3, verdict)
    assert "the child died of SIGSEGV" in told["cells"][0]["reason"]


WAVERING = arm_tables(paddle="Steady", other="Slower")


def wavering() -> Seams:
    """HEAD is a tenth slower in one session and a tenth faster in the next."""
    heads = 0

    def opening(request: Any, **how: Any) -> AbstractContextManager[Worker]:
        nonlocal heads
        if request["runner"].endswith("Slower"):
            heads += 1
            if heads % 2 == 0:
                request = {**request, "runner": "tests.fakes.arms:Faster"}
        return open_worker(request, **how)

    return replace(QUICK, open_worker=opening)


def test_arms_that_waver_grow_to_the_cap_and_are_inconclusive(ab: Ab) -> None:
    flags = ["--head", "runner:other", "--sessions", "4"]
    status, told = ab.json(*flags, tables=WAVERING, seams=wavering())
    (record,) = ab.only.records()
    assert record.outcome == AbMeasured(stopped="cap")
    assert len(record.sessions) == 4
    assert (status, told["cells"][0]["verdict"]) == (3, "INCONCLUSIVE")


def test_a_wider_interval_may_do(ab: Ab) -> None:
    ab("--head", "runner:other", "--half-width", "0.5", tables=WAVERING, seams=wavering())
    (record,) = ab.only.records()
    assert (record.outcome, len(record.sessions)) == (AbMeasured(stopped="narrow"), 3)


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A comparison in which HEAD is slower."""
    told: list[Comparison] = []

    def keep(comparison: Comparison, _: str) -> int:
        told.append(comparison)
        return comparison.exit_status

    ab = Ab(tmp_path_factory.mktemp("slower"), None)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verb, "tell", keep)
        ab("--head", "runner:other", tables=arm_tables(paddle="Steady", other="Slower"))
    (comparison,) = told
    return comparison


@pytest.mark.parametrize("name", ["table", "markdown", "json", "junit", "github"])
def test_every_format_tells_the_slower_cell(
    name: str, slower: Comparison, ab: Ab, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = ab.root / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert tell(slower, name) == slower.exit_status
    out = ab.capsys.readouterr().out
    assert "SLOWER" in out or "slower" in out
    assert summary.exists() == (name == "github")


def test_a_comparison_says_first_what_it_compares_and_for_how_long(same: Compared) -> None:
    first = same.err.splitlines()[0]
    assert first.startswith("compares the base, as it is, with itself: name another arm, as in ")
    assert "; 1 cell, 3 to 10 sessions each, at least " in first


def test_a_stored_comparison_is_shown_by_its_id(kept: Ab) -> None:
    where = ["--results", str(kept.root / "results"), "--models", str(fakes.MODELS)]
    assert main(["show", kept.only.path.name, *where]) == 0
    assert "x0_25 paddle batch 1, 1 thread" in kept.capsys.readouterr().out


def test_progress_goes_to_stderr_and_says_where_it_is_kept(same: Compared) -> None:
    assert " 0.0% after 3 sessions" in same.err
    assert f"kept in {Ab(same.root, None).only.path}" in same.err  # type: ignore[arg-type]


def test_a_comparison_is_no_run_of_latencies_for_any_other_verb(kept: Ab) -> None:
    ab = kept
    results = ["--results", str(ab.root / "results"), "--models", str(fakes.MODELS)]
    assert Store(ab.root / "results").runs() == []
    assert main(["report", *results]) == 0
    assert "x0_25" not in (ab.root / "results/report/latency.csv").read_text()
    assert main(["audit", *results]) == 0
    assert AbFolder.find(Store(ab.root / "results"), "latest").path == ab.only.path
    with pytest.raises(UnknownName, match="no comparison 'nope'"):
        AbFolder.find(Store(ab.root / "results"), "nope")


def test_an_artifact_that_no_longer_loads_is_made_anew(ab: Ab) -> None:
    tables = arm_tables(paddle="ReadsItsFile")
    assert ab(tables=tables) == 0
    spoil(ab.root / "cache")
    assert ab(tables=tables) == 0
    assert "anew: the one in the cache didn't load" in ab.capsys.readouterr().err


def test_an_interrupted_comparison_keeps_its_sessions(ab: Ab) -> None:
    assert ab(seams=Opened(most=4).seams) == 130
    assert "interrupted" in ab.capsys.readouterr().err
    assert ab.only.manifest().status == "interrupted"
    (record,) = ab.only.records()
    assert record.outcome == AbUnfinished()
    assert len(record.sessions) == 2


def test_a_live_comparison_is_no_run_for_compare(
    kept: Ab, capsys: pytest.CaptureFixture[str]
) -> None:
    results = ["--results", str(kept.root / "results")]
    assert main(["compare", kept.only.path.name, "latest", *results]) == 2
    assert "is a live comparison and no run" in capsys.readouterr().err
