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


def test_a_name_that_is_near_to_none_brings_no_guess() -> None:
    assert str(UnknownName("suite", "zzz", ["cpu"])) == ("there is no suite 'zzz': choose from cpu")


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
