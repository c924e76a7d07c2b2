from __future__ import annotations

from dataclasses import dataclass, field

from bench.converters.swish_beta import FLOAT, add_beta


@dataclass
class FakeAttribute:
    name: str = ""
    type: int = -1
    f: float = 0.0


class FakeAttributes(list[FakeAttribute]):
    def add(self) -> FakeAttribute:
        self.append(FakeAttribute())
        return self[-1]


@dataclass
class FakeOp:
    type: str
    attrs: FakeAttributes = field(default_factory=FakeAttributes)


@dataclass
class FakeBlock:
    ops: list[FakeOp]


@dataclass
class FakeProgram:
    blocks: list[FakeBlock]


def test_a_swish_without_beta_gets_a_float_attribute_of_one() -> None:
    swish = FakeOp("swish", FakeAttributes([FakeAttribute("use_mkldnn", 6)]))
    assert add_beta(FakeProgram([FakeBlock([swish])])) == 1
    assert swish.attrs == [FakeAttribute("use_mkldnn", 6), FakeAttribute("beta", FLOAT, 1.0)]


def test_a_swish_that_has_a_beta_keeps_it() -> None:
    swish = FakeOp("swish", FakeAttributes([FakeAttribute("beta", FLOAT, 1.5)]))
    assert add_beta(FakeProgram([FakeBlock([swish])])) == 0
    assert swish.attrs == [FakeAttribute("beta", FLOAT, 1.5)]


def test_other_ops_get_no_attribute() -> None:
    relu, hard_swish = FakeOp("relu"), FakeOp("hard_swish")
    assert add_beta(FakeProgram([FakeBlock([relu, hard_swish])])) == 0
    assert relu.attrs == []
    assert hard_swish.attrs == []


def test_every_block_is_searched() -> None:
    blocks = [FakeBlock([FakeOp("swish")]), FakeBlock([FakeOp("conv2d"), FakeOp("swish")])]
    assert add_beta(FakeProgram(blocks)) == 2


def test_a_second_pass_finds_nothing_to_do() -> None:
    program = FakeProgram([FakeBlock([FakeOp("swish")])])
    add_beta(program)
    assert add_beta(program) == 0
