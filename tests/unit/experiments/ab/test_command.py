"""What `--cmd` says -> a command; what of it is stored."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.core.digest import file_sha256
from bench.core.errors import InputError
from bench.experiments.ab.command import Command, parse_command, parse_commands


def test_a_command_is_split_as_a_shell_splits_words() -> None:
    assert parse_command("sh -c 'a | b' \"c d\"").words == ("sh", "-c", "a | b", "c d")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "--cmd is empty"),
        ("   ", "--cmd is empty"),
        ("sh -c 'a", "no closing quotation: quote it as for a shell"),
        ("true | false", r"no shell runs it, and \| is a shell's: give it one"),
        ("true && false", "and && is a shell's"),
        ("true > x", "and > is a shell's"),
        ("nosuchprogram x", "there is no program nosuchprogram that can be started"),
    ],
)
def test_what_is_no_command_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_command(text)


@pytest.mark.parametrize(("count", "says"), [(1, "given once"), (3, "given 3 times")])
def test_two_commands_are_compared(count: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_commands(["true"] * count)
    assert [it.words for it in parse_commands(["true", "true 1"])] == [("true",), ("true", "1")]


def test_paths_and_secrets_are_not_stored_and_yet_tell_commands_apart() -> None:
    one, other = (Command(words=(f"/opt/{name}/run", "--token=abc")) for name in "ab")
    assert one.shown == other.shown == ["…/run", "--token=…"]
    assert one.id != other.id
    assert "opt" not in one.title + one.label + str(one.to_json())


def test_a_label_is_one_short_line() -> None:
    label = Command(words=("python", "-c", "a\n  b" * 100)).label
    assert (len(label), label[-1], "\n" in label) == (60, "…", False)


def test_its_program_and_its_script_are_known_by_what_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "output"):
        (tmp_path / name).write_text(name)
    files = Command(words=(sys.executable, "-S", "a.py", "output", "x" * 5000, "\0")).files()
    assert list(files.values()) == [file_sha256(Path(sys.executable)), file_sha256(Path("a.py"))]
    assert [name.rpartition("/")[2] for name in files][1:] == ["a.py"]
