"""What a person reads when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import (
    ArtifactError,
    BenchError,
    BrokenFile,
    BrokenResult,
    InputError,
    ResultsError,
    ResultsNotWritable,
    Unavailable,
    UnknownName,
)


def test_an_error_reads_as_the_problem_and_then_the_remedy() -> None:
    error = Unavailable("there is no adb", hint="install it")
    assert str(error) == "there is no adb: install it"
    assert (error.problem, error.hint) == ("there is no adb", "install it")


def test_an_unknown_name_brings_the_nearest_and_all_the_choices() -> None:
    error = UnknownName("suite", "cpo", ["gpu", "cpu", "arm"])
    assert str(error) == ("there is no suite 'cpo': did you mean 'cpu'? choose from arm, cpu, gpu")


def test_of_many_choices_the_nearest_are_named_and_how_many_more_there_are() -> None:
    cells = [f"x{size}-{engine}-b{batch}" for size in "012" for engine in ("mnn", "paddle")
             for batch in range(9)]  # fmt: skip
    words = str(UnknownName("cell", "x1-padle-b3", cells))
    assert words.startswith("there is no cell 'x1-padle-b3': did you mean 'x1-paddle-b3'? choose")
    assert words.endswith(" and 49 more")
    assert words.count("-b") == 7
    assert str(UnknownName("cell", "zzz", cells)).endswith(" and 49 more")


def test_a_name_that_is_near_to_none_brings_no_guess() -> None:
    assert str(UnknownName("suite", "zzz", ["cpu"])) == ("there is no suite 'zzz': choose from cpu")


def test_a_name_of_something_is_said_to_be_missing_there() -> None:
    error = UnknownName("preset", "quik", ["quick"], of="suite cpu")
    words = "suite cpu has no preset 'quik': did you mean 'quick'? choose from quick"
    assert str(error) == words


@pytest.mark.parametrize("kind", ["self-test", "cell", "run", "comparison"])
def test_where_there_is_none_yet_a_command_makes_one(kind: str) -> None:
    error = str(UnknownName(kind, "latest", []))
    assert error.startswith(f"there is no {kind} yet: ")
    assert " one: `python -m bench " in error


@pytest.mark.parametrize("kind", [BrokenFile, BrokenResult])
def test_an_error_about_a_file_begins_with_its_path(
    kind: type[BrokenFile] | type[BrokenResult],
) -> None:
    error = kind(Path("a/b.toml"), "not TOML", hint="mend it")
    assert str(error) == "a/b.toml: not TOML: mend it"
    assert error.path == Path("a/b.toml")


def test_a_failed_conversion_keeps_the_end_of_its_log() -> None:
    assert ArtifactError("it fell", hint="see the log", log_tail="Killed").log_tail == "Killed"
    assert ArtifactError("it fell", hint="see the log").log_tail == ""


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (InputError, BenchError), (UnknownName, InputError), (BrokenFile, InputError),
        (Unavailable, BenchError), (ArtifactError, BenchError), (ResultsError, BenchError),
        (BrokenResult, ResultsError), (ResultsNotWritable, ResultsError),
    ],
)  # fmt: skip
def test_the_tree_is_the_one_that_the_docstring_draws(
    kind: type[BenchError], parent: type[BenchError]
) -> None:
    assert kind.__bases__ == (parent,)
    assert kind.exit_status == 2
