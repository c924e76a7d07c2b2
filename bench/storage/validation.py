"""Where text from outside becomes values: TOML and JSON through pydantic, faults in a sentence."""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator

from bench.core.errors import BrokenFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


MOST_BYTES = 64 << 20
"""What a file or a journal's line may have: a long session of all figures has a quarter of it."""
_MOST_TOML_BYTES = 1 << 20
_MOST_QUICK_BYTES = 1 << 20
_MOST_PARTS = 32
_PART = r"(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')"
_LONG_KEY = re.compile(rf"(?<![\w.\"'-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{_MOST_PARTS}}}")
_MOST_SHOWN = 200
_UNKNOWN = "unknown_field"
MOST_WHOLE = (1 << 63) - 1
MOST_NUMBER = 1e100  # its square is finite too
MOST_NS = 1 << 53  # 104 days, and the last whole number that a float tells from its neighbours

Stored = TypeVar("Stored", bound=BaseModel)

Whole = Annotated[int, Field(ge=-MOST_WHOLE, le=MOST_WHOLE)]
Count = Annotated[int, Field(ge=0, le=MOST_WHOLE)]
Positive = Annotated[int, Field(gt=0, le=MOST_WHOLE)]
Number = Annotated[float, Field(ge=-MOST_NUMBER, le=MOST_NUMBER)]
Seconds = Annotated[float, Field(ge=0, le=1e6)]


def _be_strict(schema: Any) -> None:
    """Have each list and mapping end at its first wrong item, and take no switch for a number."""
    if isinstance(schema, dict):
        if schema.get("type") in ("list", "dict", "tuple"):
            schema["fail_fast"] = True
        if schema.get("type") in ("int", "float"):
            schema["strict"] = True
        for part in schema.values():
            _be_strict(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _be_strict(part)


class Strict(BaseModel):
    """A frozen value that knows all of its fields: an unknown one is an error that names it.

    No number is infinite or NaN: JSON has no word for them. A text or a switch is no number. Of a
    list's or a mapping's wrong items the first one ends the reading: a file of a million would take
    minutes and gigabytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _knows(cls, values: Any) -> Any:
        known = cls.__pydantic_fields__.keys()
        if isinstance(values, dict) and not values.keys() <= known:
            name = next(name for name in values if name not in known)
            raise PydanticCustomError(_UNKNOWN, "unknown", {"name": name})
        return values

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = handler(source)
        _be_strict(schema)
        return schema


def parsed(kind: type[Stored], text: bytes) -> Stored:
    """Return JSON as a `kind`; raises ValidationError.

    Most texts have no fault, and looking for unknown fields from Python takes a third of the time.
    So a text is first read without; one that isn't taken so is read again for its first fault. One
    of more than a MiB might have a million faults at once, and is read as `kind` does.
    """
    if len(text) <= _MOST_QUICK_BYTES:
        with suppress(ValidationError):
            value: Stored = _quick(kind).validate_json(text)
            return value
    return kind.model_validate_json(text)


@cache
def _quick(kind: type[BaseModel]) -> SchemaValidator:
    """Return what reads a `kind` and doesn't ask `_knows`."""
    return SchemaValidator(_without_knows(kind.__pydantic_core_schema__))


def _without_knows(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_knows(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    asks = schema.get("type") == "function-before"
    if asks and getattr(schema["function"]["function"], "__name__", "") == "_knows":
        return _without_knows(schema["schema"])
    return {name: _without_knows(part) for name, part in schema.items()}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in `path`; raises BrokenFile where it is missing or isn't TOML.

    A key of many parts takes the square of them in memory, so that it is refused before.
    """
    text = read_text(path, most=_MOST_TOML_BYTES)
    try:
        if _LONG_KEY.search(text):
            raise ValueError(f"a key has more than {_MOST_PARTS} parts")
        table: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise BrokenFile(path, "it is nested too deep", hint="write it in fewer levels") from None
    except ValueError as error:
        raise BrokenFile(path, f"not TOML: {short(str(error))}", hint="mend that line") from error
    return table


def read_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """Return the text that a person wrote, without a byte order mark, its lines ended by `\\n`.

    Raises BrokenFile where the file is missing, can't be read, isn't UTF-8 or has more bytes than
    `most`.
    """
    try:
        text = read_bytes(path, most=most).decode("utf-8-sig")
    except FileNotFoundError:
        raise BrokenFile(path, "there is no such file", hint="check the path") from None
    except OSError as error:
        hint = "name the right file" if error.errno == errno.EFBIG else "make it readable"
        raise BrokenFile(path, str(error.strerror), hint=hint) from error
    except UnicodeDecodeError as error:
        raise BrokenFile(path, "it isn't UTF-8", hint="save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_bytes(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Return what a file holds; raises OSError, also where that is more than `most` bytes."""
    with path.open("rb") as file:
        whole = min(os.fstat(file.fileno()).st_size, most)  # 0 of what has no size, as a device
        data = file.read(whole + 1)
        if len(data) > whole:  # read(most + 1) alone takes memory for all of `most`
            data += file.read(most - whole)
    return within(data, "it", most)


def within(data: bytes, what: str, most: int = MOST_BYTES) -> bytes:
    """Return `data`; raises OSError where it has more than `most` bytes."""
    if len(data) > most:
        raise OSError(errno.EFBIG, f"{what} has more than {most >> 20} MiB")
    return data


def short(text: str) -> str:
    """Return a text from outside for a message: one line, its middle left out where it is long."""
    line = " ".join(text.split())
    if len(line) <= _MOST_SHOWN:
        return line
    return f"{line[: _MOST_SHOWN // 2]}…{line[-_MOST_SHOWN // 2 :]}"


def explain(error: ValidationError) -> str:
    """Return the first fault of `error` in a clause that names its field."""
    first = error.errors(include_url=False)[0]
    name = (first["ctx"]["name"],) if first["type"] == _UNKNOWN else ()
    where = short(".".join(str(part) for part in (*first["loc"], *name))) or "the file"
    more = error.error_count() - 1
    also = f" (and {more} more)" if more else ""
    if first["type"] == _UNKNOWN:
        return f"unknown field '{where}'{also}"
    if first["type"] == "missing":
        return f"field '{where}' is missing{also}"
    if first["type"] == "json_invalid":
        return "not whole JSON (truncated, or another kind of file)"
    message = first["msg"].removeprefix("Value error, ")
    return f"field '{where}': {message[0].lower()}{message[1:]}{also}"
