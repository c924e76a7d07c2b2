"""Give the swish ops of an exported program the attribute that Paddle Lite's opt looks for.

Paddle 2.6 and later leave `beta` out of a ProgramDesc because 1.0 is its default; opt 2.13 aborts
on it ("No attributes called beta found for swish"). With the attribute written out, Paddle loads
the file as before and gives the same output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

FLOAT = 1  # AttrType.FLOAT of Paddle's framework.proto
DEFAULT_BETA = 1.0


class Attribute(Protocol):
    """The fields of OpDesc.Attr that a float attribute uses."""

    name: str
    type: int
    f: float


class Attributes(Protocol):
    """A repeated field: iterable, and `add()` appends a new element and returns it."""

    def __iter__(self) -> Iterator[Attribute]: ...
    def add(self) -> Attribute: ...


class Op(Protocol):
    """The fields of OpDesc that matter here."""

    @property
    def type(self) -> str: ...
    @property
    def attrs(self) -> Attributes: ...


class Block(Protocol):
    """The field of BlockDesc that matters here."""

    @property
    def ops(self) -> Iterable[Op]: ...


class Program(Protocol):
    """The field of ProgramDesc that matters here."""

    @property
    def blocks(self) -> Iterable[Block]: ...


def add_beta(program: Program) -> int:
    """Set beta=1.0 on every swish op that has no beta, in place; return how many that were."""
    bare = [op for block in program.blocks for op in block.ops if _lacks_beta(op)]
    for op in bare:
        beta = op.attrs.add()
        beta.name = "beta"
        beta.type = FLOAT
        beta.f = DEFAULT_BETA
    return len(bare)


def _lacks_beta(op: Op) -> bool:
    return op.type == "swish" and all(attribute.name != "beta" for attribute in op.attrs)


def patch_file(model: Path) -> int:
    """Do the same to the .pdmodel file `model`; one that needs nothing stays byte for byte.

    Needs Paddle for the message classes.
    """
    from paddle.base.proto import framework_pb2

    program = framework_pb2.ProgramDesc.FromString(model.read_bytes())
    added = add_beta(program)
    if added:
        model.write_bytes(program.SerializeToString())
    return added
