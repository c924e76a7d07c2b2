"""Digests that a stored file and a journal's line bear of themselves.

They show that nothing was changed since the harness wrote it, by chance or by hand; who can write
a file can write its digest too, so they prove nothing of where it is from.
"""

from __future__ import annotations

import hashlib
import re

_IN_FILE = re.compile(rb'\A\{\n "digest": "([0-9a-f]{64})",\n')
_IN_LINE = re.compile(rb',"digest":"([0-9a-f]{64})"\}\Z')


class Altered(ValueError):
    """The digest isn't that of `text`."""

    def __init__(self, text: bytes) -> None:
        super().__init__("it was changed after it was written: its digest is another's")
        self.text = text


def with_digest(text: bytes) -> bytes:
    """Return JSON, an object written over several lines, with its own digest as the first field."""
    digest = hashlib.sha256(text).hexdigest().encode()
    return b'{\n "digest": "' + digest + b'",\n' + text.removeprefix(b"{\n")


def checked(data: bytes) -> tuple[bytes, str | None]:
    """Return the text of a file without its digest, and that; None: it bears none.

    Raises Altered where the digest is another text's.
    """
    match = _IN_FILE.match(data)
    if match is None:
        return data, None
    return _compared(b"{\n" + data[match.end() :], match[1])


def line_with_digest(line: bytes) -> bytes:
    """Return a line of JSON, an object, with its own digest as the last field."""
    return line[:-1] + b',"digest":"' + hashlib.sha256(line).hexdigest().encode() + b'"}'


def checked_line(line: bytes) -> bytes:
    """Return a line without its digest, if it bears one; raises Altered as `checked` does."""
    match = _IN_LINE.search(line)
    if match is None:
        return line
    return _compared(line[: match.start()] + b"}", match[1])[0]


def _compared(text: bytes, digest: bytes) -> tuple[bytes, str]:
    if hashlib.sha256(text).hexdigest().encode() != digest:
        raise Altered(text)
    return text, digest.decode()
