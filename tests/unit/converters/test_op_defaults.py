from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bench.converters.op_defaults import Definition, complete

T = TypeVar("T")


class Repeated(list[T]):
    """A repeated field of a message: `add` appends an empty element and returns it."""

    def __init__(self, of: type[T], *elements: T) -> None:
        super().__init__(elements)
        self._of = of

    def add(self) -> T:
        self.append(self._of())
        return self[-1]


@dataclass
class Attribute:
    name: str = ""
    type: int = -1
    f: float = 0.0
    ints: list[int] = field(default_factory=list)


@dataclass
class Variable:
    name: str = ""
    type: str = ""

    def CopyFrom(self, other: Variable) -> None:  # noqa: N802 - protobuf's name
        self.__dict__ |= copy.deepcopy(other.__dict__)


@dataclass
class Output:
    parameter: str = ""
    arguments: list[str] = field(default_factory=list)


class Op:
    def __init__(self, kind: str, *attributes: Attribute) -> None:
        self.type = kind
        self.attrs = Repeated(Attribute, *attributes)
        self.outputs = Repeated(Output, Output("Out", [f"{kind}.tmp"]))


class Block:
    def __init__(self, *ops: Op) -> None:
        self.ops = ops
        self.vars = Repeated(Variable, *(Variable(f"{op.type}.tmp", "tensor") for op in ops))


class Program:
    def __init__(self, *blocks: Block) -> None:
        self.blocks = blocks


DEFINITIONS = {
    "relu6": Definition({"threshold": (1, 6.0)}, ("Out",)),
    "pool": Definition({"ksize": (3, [1, 1])}, ("Out", "Mask")),
    "relu": Definition({}, ("Out",)),
}


def completed(*blocks: Block) -> dict[str, int]:
    return complete(Program(*blocks), DEFINITIONS.get)


def test_an_attribute_that_an_op_lacks_is_written_with_its_type_and_default() -> None:
    relu6, pool = Op("relu6", Attribute("use_mkldnn", 6)), Op("pool")
    assert completed(Block(relu6, pool)) == {"pool.Mask": 1, "pool.ksize": 1, "relu6.threshold": 1}
    assert relu6.attrs == [Attribute("use_mkldnn", 6), Attribute("threshold", 1, 6.0)]
    assert pool.attrs == [Attribute("ksize", 3, ints=[1, 1])]


def test_an_attribute_that_an_op_has_keeps_its_value() -> None:
    relu6 = Op("relu6", Attribute("threshold", 1, 3.0))
    assert completed(Block(relu6)) == {}
    assert relu6.attrs == [Attribute("threshold", 1, 3.0)]


def test_an_output_that_an_op_lacks_gets_a_variable_like_that_of_its_first() -> None:
    block = Block(Op("relu"), Op("pool"))
    completed(block)
    assert block.ops[1].outputs[1:] == [Output("Mask", ["pool.tmp.Mask"])]
    assert block.vars[2:] == [Variable("pool.tmp.Mask", "tensor")]


@pytest.mark.parametrize("kind", ["relu", "an op of one's own"])
def test_an_op_that_lacks_nothing_or_is_not_known_stays(kind: str) -> None:
    block = Block(Op(kind))
    assert completed(block) == {}
    assert (len(block.ops[0].attrs), len(block.ops[0].outputs), len(block.vars)) == (0, 1, 1)


def test_every_block_is_gone_through_and_a_second_time_there_is_nothing_to_do() -> None:
    blocks: Any = Block(Op("relu6")), Block(Op("relu"), Op("relu6"))
    assert completed(*blocks) == {"relu6.threshold": 2}
    assert completed(*blocks) == {}


def test_where_an_op_was_called_for_is_no_part_of_the_program() -> None:
    op = Op("relu", Attribute("op_callstack", 5), Attribute("kept"), Attribute("op_callstack", 5))
    assert completed(Block(op)) == {}
    assert op.attrs == [Attribute("kept")]
