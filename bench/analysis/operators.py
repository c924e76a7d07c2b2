"""Profiles by operator: what takes the time of one cell, and what two cells differ by. Pure.

The operators' times are of a profiled inference in the middle; the latency is the median of
inferences of the same process without the profile. What is outside the operators is the latency
without their sum: the engine's own work between them, copies of inputs and outputs, and what the
engine cuts off of each time. It is below zero where the profile slows the operators themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.analysis.series import CellKey, Series, View
from bench.storage.schema.profile import Operator, Profiled

# Two graphs are matched name by name where that covers this share of both sides' time: engines
# rename what they fuse.
_MATCHED = 0.5

# Engines call the same work by other names. The first family with a part of the type's name is its:
# ConvTranspose is a convolution, MultiHeadAttention no product, QuantizeLinear no matrix product.
_FAMILIES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("data movement", ("broadcast",)),
    ("layout change", ("reorder", "packing", "memcpy", "reformat", "copy", "cast", "convert")),
    ("attention", ("attention",)),
    ("convolution", ("conv",)),
    ("matrix product", (
        "gemm", "matmul", "matrixmul", "fullyconnected", "innerproduct", "::linear", "addmm",
        "bmm", "aten::mm",
    )),
    ("data movement", (
        "shuffle", "split", "concat", "slice", "crop", "transpose", "permute", "reshape",
        "flatten", "squeeze", "gather", "pad", "view", "aten::cat", "raster",
    )),
    ("pooling", ("pool", "reduce", "aten::mean")),
    ("normalisation", ("norm",)),
    ("elementwise", (
        "relu", "sigmoid", "swish", "clip", "gelu", "tanh", "silu", "add", "mul", "sub", "div",
        "eltwise", "elementwise", "binary", "unary", "activation", "softmax", "pointwise",
    )),
    ("quantisation", ("quantize",)),
)  # fmt: skip


def family(kind: str) -> str:
    """Return what work an operator of that type does, the type itself where that isn't known."""
    lower = kind.lower()
    parts = ((name, part) for name, parts in _FAMILIES for part in parts)
    return next((name for name, part in parts if part in lower), kind)


def latency_ns(profiled: Profiled) -> float:
    """Return the median of the inferences without the profile."""
    return median(profiled.plain_ns)


def cost(profiled: Profiled) -> float:
    """Return how many times as long an inference takes with the profile."""
    return median(profiled.profiled_ns) / latency_ns(profiled)


def together_ns(profiled: Profiled) -> float:
    """Return the sum of the operators' times."""
    return sum(operator.ns for operator in profiled.operators)


def by_family(operators: Iterable[Operator]) -> dict[str, float]:
    """Return the time of each kind of work in ns, the most first."""
    spent: dict[str, float] = {}
    for operator in operators:
        name = family(operator.type)
        spent[name] = spent.get(name, 0.0) + operator.ns
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def profiles_of(
    view: View, series: Series
) -> Iterator[tuple[tuple[str, int, int], CellKey, Profiled]]:
    """Yield the profiles of a series' figures: variant, batch and threads, run and cell, profile.

    A figure's profile is of the same run.
    """
    for variant, row in series.boxes.items():
        for (batch, threads), box in sorted(row.items()):
            key = box.run_id, box.cell_id
            profile = view.profiles.get(key)
            if profile is not None and isinstance(profile.outcome, Profiled):
                yield (variant, batch, threads), key, profile.outcome


@dataclass(slots=True, kw_only=True)
class Group:
    """Operators of one side that are compared as one: how many, their time, types and kernels."""

    count: int = 0
    ns: float = 0.0
    types: dict[str, None] = field(default_factory=dict)
    kernels: dict[str, None] = field(default_factory=dict)

    def add(self, operator: Operator) -> None:
        self.count += 1
        self.ns += operator.ns
        self.types[operator.type] = None
        if operator.kernel:
            self.kernels[operator.kernel] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What two profiles spend on one operator, or on one kind of work; None: one has none of it.

    `is_kind`: it is a kind of work.
    """

    name: str
    base: Group | None
    head: Group | None
    is_kind: bool

    @property
    def base_ns(self) -> float:
        return self.base.ns if self.base else 0.0

    @property
    def head_ns(self) -> float:
        return self.head.ns if self.head else 0.0

    @property
    def difference_ns(self) -> float:
        """How much more the head spends."""
        return self.head_ns - self.base_ns

    @property
    def ratio(self) -> float | None:
        """The head's time over the base's, None where either is none."""
        return self.head_ns / self.base_ns if self.base_ns and self.head_ns else None

    @property
    def kernels(self) -> tuple[str, str] | None:
        """The kernels of both sides where they differ, None: they don't, or aren't known."""
        if self.base is None or self.head is None or self.is_kind:
            return None
        both = ", ".join(self.base.kernels), ", ".join(self.head.kernels)
        return both if all(both) and both[0] != both[1] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorDiff:
    """Two profiles side by side, what differs most first.

    `by_name`: operators are matched by their names, and what is left by the kind of its work;
    else all are by the kind.
    """

    rows: Sequence[Row]
    by_name: bool
    base_ns: float
    head_ns: float
    resolution_ns: float

    @property
    def difference_ns(self) -> float:
        """How much longer an inference of the head takes, both without the profile."""
        return self.head_ns - self.base_ns

    @property
    def explained_ns(self) -> float:
        """How much more the head's operators take, all together."""
        return sum(row.difference_ns for row in self.rows)

    @property
    def unexplained_ns(self) -> float:
        """What of the difference no operator has."""
        return self.difference_ns - self.explained_ns


def diff(base: Profiled, head: Profiled) -> OperatorDiff:
    """Return two profiles side by side: by name where most of the time is matched so."""
    groups = [_grouped(one.operators, names=True) for one in (base, head)]
    shared = groups[0].keys() & groups[1].keys()
    by_name = all(
        sum(group[name].ns for name in shared) >= _MATCHED * together_ns(one)
        for group, one in zip(groups, (base, head), strict=True)
    )
    names = shared if by_name else set()
    named = [
        Row(name=name, base=groups[0][name], head=groups[1][name], is_kind=False) for name in names
    ]
    left = [
        _grouped((it for it in one.operators if it.name not in names), names=False)
        for one in (base, head)
    ]
    kinds = [
        Row(name=kind, base=left[0].get(kind), head=left[1].get(kind), is_kind=True)
        for kind in dict.fromkeys((*left[0], *left[1]))
    ]
    rows = sorted([*named, *kinds], key=lambda row: (-abs(row.difference_ns), row.name))
    return OperatorDiff(
        rows=rows,
        by_name=by_name,
        base_ns=latency_ns(base),
        head_ns=latency_ns(head),
        resolution_ns=max(one.resolution_ns * len(one.operators) for one in (base, head)),
    )


def _grouped(operators: Iterable[Operator], *, names: bool) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for operator in operators:
        key = operator.name if names else family(operator.type)
        groups.setdefault(key, Group()).add(operator)
    return groups
