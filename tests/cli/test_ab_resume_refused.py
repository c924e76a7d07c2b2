"""What `bench ab --resume` won't go on with, each in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.core.errors import InputError, UnknownName
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.ab.experiment import Seams
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.revisions import RevisionTables
from bench.storage.run_folders import AbFolder
from tests.cli.turns import Ab, Opened
from tests.fakes.arm_tables import arm_tables
from tests.fakes.repository import commit, copy_of_the_project

ANEW = "or leave --resume out to start a new one"


def test_one_that_is_complete_or_unknown_is_not_gone_on_with(ab: Ab) -> None:
    assert ab() == 0
    name = ab.only.path.name
    complete = f"comparison {name} is complete: leave --resume out to start a new one"
    assert ab.not_resumed() == complete
    with pytest.raises(UnknownName) as raised:
        ab("--resume", name[:-1])
    assert f"there is no comparison '{name[:-1]}': did you mean '{name}'?" in str(raised.value)


def rewrite(folder: AbFolder, change: Callable[[Any], None]) -> None:
    path = folder.path / AbFolder.kind.file
    values = json.loads(path.read_text())
    values.pop("digest", None)
    change(values)
    path.write_text(json.dumps(values))


def changed(*keys: str, to: object) -> Callable[[Any], None]:
    """A change of one value of the manifest."""

    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        (
            changed("system_id", to="m-01"),
            "the system was m-01 when comparison {} began, and is ",
            "resume it there, ",
        ),
        (
            changed("arms", "base", "commit", to="b" * 40),
            "the commit of base was bbbbbbbbbbbb when comparison {} began, and is ",
            "check bbbbbbbbbbbb out, or give --base rev:bbbbbbbbbbbb, ",
        ),
        (
            changed("arms", "head", "code", to="b" * 16),
            "the code of head isn't what comparison {} began with",
            "undo the changes in bench/, ",
        ),
        (
            changed("arms", "head", "models", "x0_25", to="b" * 16),
            "the net x0_25 of head isn't what comparison {} began with",
            "give the same --weights, --models and --head as then, ",
        ),
        (
            changed("arms", "base", "environments", "harness", "numpy", to="0.1"),
            "numpy of base's environment 'harness' was 0.1 when comparison {} began, and is ",
            "give the same --env as then, ",
        ),
        (
            changed("arms", "head", "environments", to={}),
            "of head's environment 'harness' was not there when comparison {} began, and is ",
            "give the same --env as then, ",
        ),
    ],
)
def test_one_that_would_not_be_the_same_is_refused(
    change: Callable[[Any], None], problem: str, remedy: str, ab: Ab
) -> None:
    name = ab.cut_off()
    rewrite(ab.only, change)
    if "m-01" in problem:
        ab.only.path.parent.rename(ab.only.path.parent.with_name("m-01"))
    said = ab.not_resumed()
    assert problem.format(name) in said
    assert said.endswith(f": {remedy}{ANEW}")


def test_files_that_the_engines_load_must_be_the_same(ab: Ab) -> None:
    name = ab.cut_off()
    cell = ab.only.manifest().pairs[0]
    rewrite(ab.only, changed("arms", "base", "artifacts", cell, to={"model.json": "b" * 64}))
    assert ab.not_resumed() == (
        f"the artifact that base loads for {cell} isn't what comparison {name} began with: "
        f"give the same --cache as then, {ANEW}"
    )


def test_another_net_other_cells_and_other_bursts_are_refused(ab: Ab) -> None:
    name = ab.cut_off()
    assert f"the net x0_25 of base isn't what comparison {name} began with" in ab.not_resumed(
        "--weights", "pretrained"
    )
    said = ab.not_resumed("--head", "set:threads=2")
    assert f"the list of cells isn't what comparison {name} began with" in said
    assert f": give the same --base and --head as then, {ANEW}" in said
    said = ab.not_resumed(rule=Rule(pairs=4))
    assert f"the sessions of comparison {name} have other bursts than are taken now" in said


def test_one_of_before_what_was_asked_for_was_stored_is_read_and_refused(ab: Ab) -> None:
    name = ab.cut_off()

    def strip(values: Any) -> None:
        del values["axes"]
        for arm in values["arms"].values():
            del arm["code"]

    rewrite(ab.only, strip)
    assert f"comparison {name} is of an earlier version" in ab.not_resumed()


@pytest.mark.slow
def test_a_branch_that_has_moved_is_refused_and_its_commit_of_then_will_do(ab: Ab) -> None:
    project, tables = copy_of_the_project(ab.root / "project"), arm_tables()
    first = commit(project)
    told = RevisionTables(runners=tables.runners, formats=tables.formats, environments=ENVIRONMENTS)

    def seams(opened: Opened) -> Seams:
        return replace(opened.seams, project=project, read_tables=lambda _: told)

    assert ab("--head", "rev:main", seams=seams(Opened(most=2))) == 130
    second, opened = commit(project), Opened()
    with pytest.raises(InputError) as raised:
        ab("--resume", "latest", seams=seams(opened))
    assert opened.runners == []
    then = f"rev:{first[:12]}"
    assert str(raised.value) == (
        f"the commit of head was {first[:12]} when comparison {ab.only.path.name} began, and is "
        f"{second[:12]} now: check {first[:12]} out, or give --head {then}, {ANEW}"
    )
    assert ab("--resume", "latest", "--head", then, seams=seams(opened)) == 0
    assert len(opened.runners) == 4
    assert ab.only.manifest().arms["head"].asked == ["rev:main"]


@pytest.mark.slow
def test_an_arm_that_was_given_by_a_path_is_given_again(ab: Ab) -> None:
    for suffix in (".json", ".pdiparams"):
        (ab.root / "own").with_suffix(suffix).write_text("exported")
    flags = ["--head", f"model:{ab.root / 'own.json'}", "--base", "set:threads=1"]
    name = ab.cut_off(*flags)
    command = ab.capsys.readouterr().err.rpartition("  python -m bench ")[2]
    assert command.startswith(f"ab --resume {name} --head model:{ab.root / 'own.json'} --results ")
    assert ab.not_resumed() == (
        f"head of comparison {name} was model:…/own.json, and paths aren't stored: "
        "give all of it again with --head"
    )
    (ab.root / "own.json").write_text("another")
    assert "the net x0_25 of head isn't what" in ab.not_resumed(*flags[:2])
    (ab.root / "own.json").write_text("exported")
    assert ab("--resume", "latest", *flags[:2]) == 0
