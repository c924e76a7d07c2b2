"""Real files made hostile: cut off, flipped, spliced, with values that no program would write."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

VALUES = (
    b"null", b"true", b"-1", b"0", b"1.5", b"9007199254740993", b"9223372036854775808",
    b"-9223372036854775809", b"1" * 5000, b"0x" + b"f" * 300, b"1e101", b"1e308", b"1e309", b"nan",
    b"NaN", b"-Infinity", b"1979-05-27T07:32:00Z", b"[]", b"{}", b"[[[[1]]]]", b"[" * 100_000,
    b'{"a":' * 100_000, b"[" + b"1," * 50_000 + b"1]", b'""', b'"\\ud800"', b'"\\udcff\\u0000"',
    b'"\xff\xfe"', b'"../../x"', b'"a\\nb"', b'"\\u001b[31m"', b'"' + b"a" * 200_000 + b'"',
    b'{"' + b"k" * 100_000 + b'": 1}', b".".join([b"a"] * 5000),
)  # fmt: skip
"""What stands in a scalar's place: of each kind, each size and each depth."""

_SCALAR = re.compile(rb'-?\d[\d.e+-]*|"[^"\n]{0,200}"|\btrue\b|\bfalse\b|\bnull\b|\[[^\[\]\n]*\]:')


def _cut(data: bytes, _: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flip(data: bytes, _: bytes, chance: Random) -> bytes:
    flipped = bytearray(data)
    for _bit in range(chance.choice((1, 1, 2, 8)) if data else 0):
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def _splice(data: bytes, other: bytes, chance: Random) -> bytes:
    """Put a piece of another file, or of noise, over or between the bytes."""
    begin = chance.randrange(len(other) + 1)
    piece = other[begin : begin + chance.randrange(64)]
    if chance.random() < 0.3:
        piece = chance.randbytes(chance.randrange(1, 16))
    at = chance.randrange(len(data) + 1)
    return data[:at] + piece + data[at + chance.choice((0, len(piece))) :]


def _replace(data: bytes, _: bytes, chance: Random) -> bytes:
    scalars = list(_SCALAR.finditer(data))
    if not scalars:
        return chance.choice(VALUES)
    at = chance.choice(scalars)
    return data[: at.start()] + chance.choice(VALUES) + data[at.end() :]


def _repeat(data: bytes, _: bytes, chance: Random) -> bytes:
    """Have a line twice, as a key that stands there twice, or many times."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at = chance.randrange(len(lines))
    lines[at:at] = [lines[at]] * chance.choice((1, 1, 1, 1000))
    return b"".join(lines)


def _drop(data: bytes, _: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return b"".join(lines)


_MUTATIONS: Sequence[Callable[[bytes, bytes, Random], bytes]] = (
    _cut, _flip, _splice, _replace, _replace, _replace, _repeat, _drop,
)  # fmt: skip


def mutated(files: Sequence[bytes], chance: Random) -> bytes:
    """Return one of `files` after one to three mutations; each is seldom left as it is."""
    data = chance.choice(files)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_MUTATIONS)(data, chance.choice(files), chance)
    return data
