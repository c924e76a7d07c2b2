"""Where text from outside becomes values: TOML and JSON through pydantic, faults in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.errors import BrokenFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Strict(BaseModel):
    """A frozen value that knows all of its fields: an unknown one is an error that names it.

    No number is infinite or NaN: JSON has no word for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in `path`; raises BrokenFile where it is missing or isn't TOML."""
    try:
        table: dict[str, Any] = tomllib.loads(read_text(path))
    except ValueError as error:
        raise BrokenFile(path, f"not TOML: {error}", hint="mend that line") from error
    return table


def read_text(path: Path) -> str:
    """Return the text that a person wrote, without a byte order mark, its lines ended by `\\n`.

    Raises BrokenFile where the file is missing, can't be read or isn't UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BrokenFile(path, "there is no such file", hint="check the path") from None
    except OSError as error:
        raise BrokenFile(path, str(error.strerror), hint="make it readable") from error
    except UnicodeDecodeError as error:
        raise BrokenFile(path, "it isn't UTF-8", hint="save it as UTF-8") from error


def explain(error: ValidationError) -> str:
    """Return the first fault of `error` in a clause that names its field."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    more = error.error_count() - 1
    also = f" (and {more} more)" if more else ""
    if first["type"] == "extra_forbidden":
        return f"unknown field '{where}'{also}"
    if first["type"] == "missing":
        return f"field '{where}' is missing{also}"
    if first["type"] == "json_invalid":
        return "not whole JSON (truncated, or another kind of file)"
    message = first["msg"]
    return f"field '{where}': {message[0].lower()}{message[1:]}{also}"
