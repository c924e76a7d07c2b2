"""Text from outside: read, refused, and the fault told in a clause that names its field."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError, model_validator

from bench.core.errors import BrokenFile
from bench.storage.validation import Strict, explain, read_toml


class Inner(Strict):
    count: int
    seconds: float | str = 0.0


class Outer(Strict):
    name: str
    inner: list[Inner] = []

    @model_validator(mode="after")
    def _named(self) -> Outer:
        if not self.name:
            raise ValueError("A name is needed")
        return self


def fault(values: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(values)
    return explain(caught.value)


@pytest.mark.parametrize("value", [True, "5", 5.0])
def test_a_whole_number_is_no_switch_text_or_fraction(value: object) -> None:
    said = fault({"name": "a", "inner": [{"count": value}]})
    assert said == "field 'inner.0.count': input should be a valid integer"


def test_a_table_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('title = "Größe"\n[x]\nn = [1, 2]\n', encoding="utf-8")
    assert read_toml(path) == {"title": "Größe", "x": {"n": [1, 2]}}


@pytest.mark.parametrize("content", [b"title = ", b"a = 1\na = 2"])
def test_what_is_not_toml_is_refused_by_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match="not TOML") as caught:
        read_toml(path)
    assert caught.value.path == path


def test_a_file_that_is_not_utf_8_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"t = '\xff'")
    with pytest.raises(BrokenFile, match="it isn't UTF-8: save it as UTF-8") as caught:
        read_toml(path)
    assert caught.value.path == path


def test_a_file_that_windows_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n[b]\r\nc = 2\r\n")
    assert read_toml(path) == {"a": 1, "b": {"c": 2}}


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("a = 1\nb =\n")
    with pytest.raises(BrokenFile, match="line 2"):
        read_toml(path)


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="there is no such file"):
        read_toml(tmp_path / "a.toml")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"[Dd]irectory"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("values", "clause"),
    [
        ({"name": "a", "nmae": 1}, "unknown field 'nmae'"), ({}, "field 'name' is missing"),
        ({"name": "a", "inner": [{"count": 1}, {}]}, "field 'inner.1.count' is missing"),
        ({"name": "a", "inner": [{"count": 1, "n": 2}]}, "unknown field 'inner.0.n'"),
        ({"name": 3}, "field 'name': input should be a valid string"),
        ({"name": "a", "inner": [{"count": 1, "seconds": float("inf")}]},
         "field 'inner.0.seconds.float': input should be a finite number (and 1 more)"),
        ({"inner": 1}, "field 'name' is missing (and 1 more)"),
        ({"inner": 1, "b": 2}, "unknown field 'b'"),
        ({"name": "a", "b": 1, "c": 2}, "unknown field 'b'"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field(values: dict[str, object], clause: str) -> None:
    assert fault(values) == clause


def test_a_fault_of_the_whole_names_the_file() -> None:
    assert fault({"name": ""}) == "field 'the file': a name is needed"


def test_text_that_ends_too_early_is_told_as_not_whole() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json('{"name": "a"')
    assert explain(caught.value).startswith("not whole JSON")


def test_a_value_from_outside_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Outer(name="a").name = "b"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a = " + b"[" * 100_000, "nested too deep"), (b"a = " + b"{b=" * 100_000, "nested too"),
        (b".".join([b"a"] * 100_000) + b" = 1", "a key has more than 32 parts"),
        (b"[x]\n[" + b" . ".join([b'"a"'] * 3000) + b"]", "a key has more than 32 parts"),
        (b"a." * 40 + b"'b' = 1", "a key has more than 32 parts"),
        (b"a = " + b"1" * 5000, "not TOML"), (b"a = 1\n" + b"b" * 5000, "not TOML"),
        (b"a = '" + b"b" * (1 << 20) + b"'", "it has more than 1 MiB"),
    ],
)  # fmt: skip
def test_toml_that_would_take_the_machine_is_refused_in_a_short_sentence(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match=problem) as caught:
        read_toml(path)
    assert caught.value.hint
    assert len(str(caught.value)) < len(str(path)) + 400
    assert "\n" not in str(caught.value)


def test_toml_of_every_day_has_dots_and_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    table = "t" + ".u" * 31
    note = "One day. Two. " * 50 + "1.2.3.4 e.g. a.b-c_d.py"
    path.write_text(f"note = '{note}'\nl = {'[' * 50}{']' * 50}\n[{table}]\nx = 1\n")
    assert read_toml(path)["note"] == note


def test_a_file_of_a_device_is_read_no_further_than_the_limit() -> None:
    with pytest.raises(BrokenFile, match="more than 1 MiB: name the right file"):
        read_toml(Path("/dev/zero"))


def test_of_a_million_wrong_items_one_is_told() -> None:
    fails = [
        fault({"name": "a", "inner": [1] * 1_000_000}),
        fault({"name": "a", **{f"b{n}": 1 for n in range(200_000)}}),
        fault({"name": "a", "inner": [{"count": "x"}] * 100_000}),
    ]
    assert fails[0].startswith("field 'inner.0': input should be")
    assert fails[1] == "unknown field 'b0'"
    assert fails[2].startswith("field 'inner.0.count'")
    assert not any("more)" in text for text in fails)


def test_a_long_name_is_cut_in_a_message() -> None:
    assert len(fault({"name": "a", "b" * 100_000: 1})) < 300
    assert fault({"name": "a", "b\nc": 1}) == "unknown field 'b c'"
