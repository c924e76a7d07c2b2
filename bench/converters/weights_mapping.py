"""The names of a weights file onto those of a net, where they differ and no doubt is left.

A trainer names layers its own way: PaddleClas's `_conv1._conv.weight` is `_conv1.0.weight` in
`paddle.vision`. Layers are paired in their order, every one of both, with all their tensors by name
and of equal shapes. The names have to bear that order out:

- numbered neighbours count up (`blocks.9`, `blocks.10`): the file isn't sorted by names;
- a word that both have at the same depth stands for itself;
- neighbours stand in the same order wherever they stand together, unless the net has one of these
  words too;
- no two neighbours could change places throughout, such as branches of equal shapes, unless they
  are numbered or the net has one of these words too.

What fails one of these is refused. Of a file with several nets (`Student.`, `Teacher.`) the one
that fits is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[generic]]

_NUMBERED = re.compile(r"(.*?)(\d+)")


class Misfit(Exception):
    """Why a file's weights aren't the net's; `classes`: how many it has, if only that differs."""

    def __init__(self, why: str, classes: int | None = None) -> None:
        super().__init__(why)
        self.classes = classes


@dataclass(frozen=True, slots=True)
class _Layer:
    """The tensors that a net holds under one name, such as the four of a batch norm."""

    path: tuple[str, ...]
    tensors: Mapping[str, Any]

    def name(self, leaf: str = "") -> str:
        return ".".join([*self.path, *([leaf] if leaf else [])])


_Layers = Sequence[_Layer]


def fit(wanted: Weights, given: Weights) -> dict[str, NDArray[generic]]:
    """Return the tensors of `given` by the names of `wanted`, every one of both; raises Misfit."""
    for name, tensor in given.items():
        if not (isinstance(name, str) and hasattr(tensor, "shape")):
            raise Misfit(f"'{name}' is a {type(tensor).__name__}, no tensor by a name")
    fits: dict[str, dict[str, Any]] = {}
    misfits = []
    for name, net in {"": given, **_inner_nets(given, len(wanted))}.items():
        try:
            fits[name] = _fitted(wanted, net)
        except Misfit as misfit:
            misfits.append(misfit)
        if "" in fits:
            break
    if len(fits) > 1:
        raise Misfit(f"it holds several nets that fit, {' and '.join(fits)}: save one of them")
    if fits:
        return next(iter(fits.values()))
    raise next((it for it in misfits if it.classes), misfits[-1])


def other_classes(wanted: Weights, given: Weights) -> int | None:
    """Return for how many classes `given` is, if nothing else keeps it from fitting `wanted`."""
    try:
        fit(wanted, given)
    except Misfit as misfit:
        return misfit.classes
    return None


def _inner_nets(given: Weights, count: int) -> dict[str, dict[str, Any]]:
    """Return the nets of `count` tensors that `given` holds, by the first word of their names."""
    found: dict[str, dict[str, Any]] = {}
    for name, tensor in given.items():
        first, _, rest = name.partition(".")
        found.setdefault(first, {})[rest] = tensor
    return {first: net for first, net in found.items() if len(net) == count and "" not in net}


def _fitted(wanted: Weights, given: Weights) -> dict[str, Any]:
    common = len(wanted.keys() & given.keys())
    if 2 * common > min(len(wanted), len(given)):  # the net's own names, in any order
        _check_names(wanted, given)
        given = {name: given[name] for name in wanted}
    ours, theirs = _layers(wanted), _layers(given)
    _check_layers(ours, theirs)
    if wanted.keys() != given.keys():
        _check_order(ours, theirs)
    pairs = zip(ours, theirs, strict=True)
    return {our.name(leaf): their.tensors[leaf] for our, their in pairs for leaf in our.tensors}


def _check_names(wanted: Weights, given: Weights) -> None:
    for name in wanted:
        if name not in given:
            raise Misfit(f"'{name}' is missing")
    for name in given:
        if name not in wanted:
            raise Misfit(f"the net has no '{name}'")


def _layers(weights: Weights) -> list[_Layer]:
    """Return the layers in order of their first tensors."""
    layers: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, tensor in weights.items():
        *path, leaf = name.split(".")
        layers.setdefault(tuple(path), {})[leaf] = tensor
    return [_Layer(path, tensors) for path, tensors in layers.items()]


def _check_layers(ours: _Layers, theirs: _Layers) -> None:
    """Raise Misfit unless the layers hold tensors of the same names, shapes and types in order."""
    if len(ours) != len(theirs):
        raise Misfit(f"it has {len(theirs)} layers with weights, and the net {len(ours)}")
    for our, their in zip(ours, theirs, strict=True):
        if difference := _difference(our, their):
            raise Misfit(difference, _classes(our, their) if our is ours[-1] else None)


def _difference(our: _Layer, their: _Layer) -> str:
    """Return how a layer differs from the net's, '' where it doesn't."""
    if our.tensors.keys() != their.tensors.keys():
        apart = min(our.tensors.keys() ^ their.tensors.keys())
        has, lacks = (their, our) if apart in their.tensors else (our, their)
        whose = "the net's " if lacks is our else "its "
        return f"'{has.name(apart)}' has none like it in {whose}'{lacks.name()}'"
    for leaf, tensor in our.tensors.items():
        given = their.tensors[leaf]
        for there, here in (
            (list(given.shape), list(tensor.shape)),
            (given.dtype, tensor.dtype),
        ):
            if there != here:
                return f"'{their.name(leaf)}' is {there} there and {here} in the net"
    return ""


def _classes(our: _Layer, their: _Layer) -> int | None:
    """Return how many classes a last, dense layer has that is like the net's but for them."""
    if our.tensors.keys() != their.tensors.keys():
        return None
    shapes = [(their.tensors[leaf].shape, tensor.shape) for leaf, tensor in our.tensors.items()]
    counts = {there[-1:] for there, _ in shapes}
    alike = len(counts) == 1 and all(there[:-1] == here[:-1] for there, here in shapes)
    return int(*counts.pop()) if alike and max(len(it) for it, _ in shapes) == 2 else None


def _check_order(ours: _Layers, theirs: _Layers) -> None:
    """Raise Misfit unless the names bear out that the layers are paired in their order."""
    shared = _shared_words(_bare(ours), _bare(theirs))
    fits_either_way: dict[frozenset[str], bool] = {}
    firsts: dict[frozenset[str], str] = {}
    for nodes in _nodes(theirs).values():
        for (one, forms), (other, other_forms) in combinations(nodes.items(), 2):
            pair, numbers = frozenset((one, other)), _numbers(one, other)
            if numbers is None and not pair & shared:
                if firsts.setdefault(pair, one) != one:
                    raise Misfit(f"its '{one}' and '{other}' stand in both orders in it")
                alike = forms == other_forms
                fits_either_way[pair] = fits_either_way.get(pair, True) and alike
            elif numbers is not None and numbers[0] > numbers[1]:
                raise Misfit(f"'{one}' stands before '{other}' in it: it isn't in the net's order")
    for pair, fits in fits_either_way.items():
        if fits:
            one, other = sorted(pair)
            raise Misfit(
                f"its '{one}' and '{other}' are of equal shapes, and the net calls them otherwise"
            )


def _bare(layers: _Layers) -> _Layers:
    """Return the layers without the words that stand before all of their names."""
    first, last = (order(layer.path[:-1] for layer in layers) for order in (min, max))
    count = next((at for at, it in enumerate(first) if last[at : at + 1] != (it,)), len(first))
    return [_Layer(layer.path[count:], layer.tensors) for layer in layers]


def _shared_words(ours: _Layers, theirs: _Layers) -> set[str]:
    """Return the words that both have at the same depth; raises Misfit where they are apart."""
    own = {(word, depth) for layer in ours for depth, word in enumerate(layer.path)}
    shared = set()
    for our, their in zip(ours, theirs, strict=True):
        for depth, word in enumerate(their.path):
            if word.isdigit() or (word, depth) not in own:
                continue
            if our.path[depth : depth + 1] != (word,):
                raise Misfit(
                    f"its layers are in another order: '{their.name()}' would be '{our.name()}', "
                    f"and the net has a '{word}' of its own"
                )
            shared.add(word)
    return shared


def _nodes(layers: _Layers) -> dict[tuple[str, ...], dict[str, list[Any]]]:
    """Return by the path above them the words that stand side by side, in their order.

    Each has the tensors' forms of the layers below it.
    """
    found: dict[tuple[str, ...], dict[str, list[Any]]] = {}
    for layer in layers:
        form = {leaf: (it.shape, it.dtype) for leaf, it in layer.tensors.items()}
        for depth, word in enumerate(layer.path):
            found.setdefault(layer.path[:depth], {}).setdefault(word, []).append(form)
    return found


def _numbers(one: str, other: str) -> tuple[int, int] | None:
    """Return the numbers at the end of two words that are alike but for them."""
    first, second = _NUMBERED.fullmatch(one), _NUMBERED.fullmatch(other)
    if first is None or second is None or first[1] != second[1]:
        return None
    return int(first[2]), int(second[2])
