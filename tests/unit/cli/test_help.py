"""The help of each verb, the version, and what a shell completes."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from bench import __version__
from bench.cli.commands import VERBS
from bench.cli.flags import Flag
from bench.cli.main import console, main
from bench.config.suite import FOLDER as SUITES


def test_no_verb_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: python -m bench [OPTIONS] VERB")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verbs_help_says_what_the_verb_does(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    assert VERBS[verb].text in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("verb", VERBS)
def test_each_flag_of_a_verb_is_in_its_help_once_with_a_field_of_its_own(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([verb, "--help"])
    lines = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    flags = [option.opts[0] for option in VERBS[verb].params if option.opts[0].startswith("--")]
    assert [flag for flag in flags if lines.count(flag) != 1] == []
    fields = [option.name for option in VERBS[verb].params]
    assert len(set(fields)) == len(fields)


@pytest.mark.parametrize("verb", VERBS)
def test_the_words_of_a_verb_have_no_empty_line_and_a_model_is_explained(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([verb, "--help"])
    out = capsys.readouterr().out
    assert "\n  words" not in out.lower()
    assert ("A net's file (.onnx" in out) is ("[MODEL]..." in out) is ("Words:" in out)


def test_the_help_of_run_names_every_suite(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--help"])
    _, _, words = capsys.readouterr().out.partition("--suite NAME")
    names = " ".join(words.split()).partition(", or a .toml file")[0].split(", ")
    assert sorted(names) == sorted(file.stem for file in SUITES.glob("*.toml"))


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_file(verb: str) -> None:
    assert find_spec(f"bench.cli.commands.{verb}") is not None


def test_the_installed_program_calls_itself_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/bench", "run", "--help"])
    with pytest.raises(SystemExit) as left:
        console()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: bench run [OPTIONS]")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("_BENCH_COMPLETE", f"{shell}_source")
    assert main([]) == 0
    assert f"_BENCH_COMPLETE={shell}_complete".encode() in capsysbinary.readouterr().out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("bench bas", {"baseline"}),
        ("bench run --shared", {"--shared-gpu"}),
        ("bench run --transport d", {"direct"}),
        ("bench rnu --", {"--version"}),
    ],
)
def test_verbs_flags_and_choices_are_completed(
    words: str,
    completed: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setenv("_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert main([]) == 0
    lines = capsysbinary.readouterr().out.decode().split()
    assert {line.removeprefix("plain,") for line in lines if line != "plain,--help"} == completed


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"bench {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_an_option_is_described_as_it_is_taken(verb: str) -> None:
    """`A,B` stands for several by comma, `NAME` and `N` for one."""
    for option in VERBS[verb].params:
        if isinstance(option, Flag) and option.metavar in {"A,B", "N,M", "NAME", "N"}:
            assert ("by comma" in (option.help or "")) == ("," in option.metavar), option.opts
