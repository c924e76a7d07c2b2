"""What a comparison that goes on has to know of its arms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from bench.experiments.ab.arms import WORKER, Arm, make_arm
from bench.experiments.ab.cells import source_of
from bench.experiments.ab.revisions import RevisionTables
from bench.experiments.ab.spec import parse_arm
from bench.experiments.ab.stored_arms import holds_path
from bench.experiments.context import Options, Tables
from bench.storage.schema.ab import ArmFields
from tests.fakes.repository import commit, make_repository


def arm(*texts: str, code: Path | None = None) -> Arm:
    plain = make_arm("head", parse_arm([]), Options(), Tables(), project=PROJECT)
    return replace(plain, spec=parse_arm(texts), code=code)


@pytest.mark.parametrize(
    ("texts", "lost"),
    [
        ([], False),
        (["rev:main"], False),
        (["models-rev:HEAD~3", "env:numpy==2.0", "runner:paddle", "set:threads=2"], False),
        (["weights:seeded"], False),
        (["weights:pretrained"], False),
        (["weights:net.pdparams"], True),
        (["model:old"], True),
        (["set:threads=2", "model:…/model.json"], True),
        (["rev::…/faster"], True),
    ],
)
def test_an_arm_is_taken_as_it_was_stored_unless_a_path_is_in_it(
    texts: list[str], lost: bool
) -> None:
    fields = ArmFields(
        asked=texts, title="", commit=None, dirty=None, environments={}, models={}, artifacts={}
    )
    assert holds_path(fields) is lost


def test_an_arm_s_code_is_told_also_where_no_commit_tells_it(tmp_path: Path) -> None:
    project = make_repository(tmp_path)
    (project / "bench").mkdir()
    (project / "bench/worker.py").write_text("one")
    done = commit(project)
    first = source_of(arm(code=project))
    assert (first.commit, first.dirty) == (done, False)
    (project / "readme").write_text("no code")
    assert replace(source_of(arm(code=project)), dirty=False) == first
    (project / "bench/worker.py").write_text("two")
    assert source_of(arm(code=project)).code != first.code
    (project / "bench/worker.py").write_text("one")
    (project / "bench/more.py").touch()
    assert source_of(arm(code=project)).code != first.code
    (project / "bench/more.py").unlink()
    assert source_of(arm(code=project)).code == first.code
    (project / "bench/program.cpp").touch()
    assert source_of(arm(code=project)).code != first.code


def test_a_revision_s_programs_in_cpp_are_compiled_of_its_own_sources(tmp_path: Path) -> None:
    project = make_repository(tmp_path)
    program = project / "bench/runners/cpp/engine.cpp"
    for path, text in ((project / WORKER, ""), (program, "then")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    commit(project)
    program.write_text("now")
    then = make_arm(
        "base",
        parse_arm(["rev:HEAD"]),
        Options(cache=tmp_path / "cache"),
        Tables(),
        project=project,
        read_tables=lambda _: RevisionTables(runners={}, formats={}, environments={}),
    )
    assert (then.environments.sources / "engine.cpp").read_text() == "then"
