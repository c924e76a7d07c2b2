"""What can't be compared is refused before anything is measured."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from bench.cli.commands import ab as verb
from bench.cli.main import main
from bench.experiments.ab.spec import ArmOptions
from tests.cli.turns import Ab
from tests.fakes.arm_tables import arm_tables


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--head", "HEAD"], "'HEAD' describes no arm: write KIND:VALUE"),
        (["--head", "runner:padle"], "there is no runner 'padle': did you mean 'paddle'?"),
        (["--head", "set:onednn=maybe"], "paddle's onednn has no value 'maybe'"),
        (["--head", "set:gc=off"], "runner paddle has no setting 'gc'"),
        (["--head", "set:threads=2", "--threads", "1,2"], "set:threads is one value of an arm"),
        (["--head", "rev:no-such-revision"], "there is no revision 'no-such-revision'"),
        (["--head-env", "paddlepaddle=3"], "'paddlepaddle=3' pins no package"),
        (["--head-env", "paddlepaddle==3.2.2"], "no package paddlepaddle is in the environment of"),
        (
            ["--head", "runner:phone"],
            "the arms run on android and cpu: compare runners of one target",
        ),
        (["--variant", "x0_26"], "there is no variant 'x0_26'"),
        (["--half-width", "1"], "--half-width 1: not a share above 0"),
        (["--sessions", "1"], "--sessions 1: not a whole number from 2 on"),
        (["--format", "tabel"], "there is no --format 'tabel'"),
    ],
)
def test_what_can_not_be_compared_is_refused_before_anything_is_measured(
    flags: list[str], said: str, ab: Ab
) -> None:
    tables = arm_tables(paddle="Steady", phone="OnADevice")
    runners = {**tables.runners, "phone": replace(tables.runners["phone"], target="android")}
    assert said in ab.refused(*flags, tables=replace(tables, runners=runners))


def test_an_exported_file_must_stand_beside_one_net(ab: Ab) -> None:
    for suffix in (".json", ".pdiparams"):
        (ab.root / "own").with_suffix(suffix).write_text("exported")
    flags = ["--variant", "x0_25,x0_5", "--head", f"model:{ab.root / 'own.json'}"]
    assert "own.json is one net" in ab.refused(*flags)


def test_a_pin_and_an_interpreter_of_one_s_own_contradict_each_other(ab: Ab) -> None:
    tables = arm_tables()
    entry = replace(tables.runners["paddle"], env="paddle")
    flags = ["--head-env", "paddlepaddle==3.2.2", "--env", f"paddle={sys.executable}"]
    said = ab.refused(*flags, tables=replace(tables, runners={"paddle": entry}))
    assert "--env gives environment 'paddle', and head pins paddlepaddle==3.2.2" in said


def test_the_command_line_reaches_the_verb(
    ab: Ab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []

    def stand_in(options: Any, tables: Any) -> int:
        seen.append(options)
        return 3

    monkeypatch.setattr(verb, "run", stand_in)
    flags = ["--base", "rev:a", "--base", "set:threads=2", "--head-env", "numpy==2.0"]
    assert main(["ab", *ab.where, *flags, "--seed", "4", "--json"], arm_tables()) == 3
    (options,) = seen
    arms = options.of(ArmOptions)
    assert arms == ArmOptions(base=("rev:a", "set:threads=2"), head=("env:numpy==2.0",))
    assert (options.seed, arms.most_sessions, arms.half_width) == (4, None, 0.01)
    assert verb.growth_of(options).max_sessions == 10
    assert main(["ab", "--help"]) == 0
    assert "--half-width" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--device", "R58M"], "--device is for a phone, and this runs on this machine's CPU"),
        (["--transport", "direct"], "--transport is for a phone"),
        (["--gpu", "1"], "--gpu is for a GPU, and this runs on this machine's CPU"),
        (["--shared-gpu"], "--shared-gpu is for a GPU"),
    ],
)
def test_a_flag_of_another_target_is_refused_and_not_left_unread(
    flags: list[str], said: str, ab: Ab
) -> None:
    assert said in ab.refused("--runner", "paddle", *flags)
