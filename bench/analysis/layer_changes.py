"""Which layers of two engines of one net run other kernels. Pure.

Layers are matched by their names: what was fused otherwise has another one, and no partner. An
engine that is built several times picks its kernels anew each time, so that either side may have
several engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.storage.schema.layers import EngineLayers, Layer

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """A layer, and what ran it in the engines of either side."""

    layer: str
    base: tuple[str, ...]
    head: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChanges:
    """How the engines of HEAD differ from those of BASE.

    Of `layers` that both have, those in `changed` run in no engine of HEAD as in one of BASE, those
    in `mixed` in some; `base_only` and `head_only` were fused otherwise.
    """

    layers: int
    changed: tuple[LayerChange, ...]
    mixed: tuple[LayerChange, ...]
    base_only: tuple[str, ...]
    head_only: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether every layer runs as in the other side."""
        return not (self.changed or self.mixed or self.base_only or self.head_only)


def layer_changes(base: Sequence[EngineLayers], head: Sequence[EngineLayers]) -> LayerChanges:
    """Return how the engines `head` differ from the engines `base`."""
    before, after = _kernels(base), _kernels(head)
    common = [name for name in before if name in after]
    apart = [
        LayerChange(layer=name, base=before[name], head=after[name])
        for name in common
        if set(before[name]) != set(after[name])
    ]
    changed = tuple(it for it in apart if not set(it.base) & set(it.head))
    return LayerChanges(
        layers=len(common),
        changed=changed,
        mixed=tuple(it for it in apart if it not in changed),
        base_only=tuple(name for name in before if name not in after),
        head_only=tuple(name for name in after if name not in before),
    )


def sentence(changes: LayerChanges, base: str = "BASE", head: str = "HEAD") -> str:
    """Return the changes as clauses; `base` and `head` are what the reader calls the two sides."""
    if changes.is_same:
        return f"the same kernels run in {_all_layers(changes.layers)}, so tactics don't explain it"
    return "; ".join(_clauses(changes, base, head))


def _clauses(changes: LayerChanges, base: str, head: str) -> Iterator[str]:
    of = f"of {changes.layers} layers"
    if changes.changed:
        yield f"{head} runs {len(changes.changed)} {of} by other kernels: {_named(changes.changed)}"
    if changes.mixed:
        yield f"in {len(changes.mixed)} {of} some engines do: {_named(changes.mixed)}"
    for side, names in ((base, changes.base_only), (head, changes.head_only)):
        if names:
            yield f"fused so in {side} alone: {_first(names)}"


def _all_layers(count: int) -> str:
    return "the one layer" if count == 1 else f"all {count} layers"


def _named(changes: Sequence[LayerChange]) -> str:
    return _first(
        [f"{it.layer}: {' or '.join(it.base)} -> {' or '.join(it.head)}" for it in changes]
    )


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more (--format json)" if more > 0 else "")


def _kernels(engines: Sequence[EngineLayers]) -> Mapping[str, tuple[str, ...]]:
    """Return what runs each layer, each way of it once, in the order of the engines."""
    found: dict[str, dict[str, None]] = {}
    for engine in engines:
        for layer in engine.layers:
            found.setdefault(layer.name, {})[_text(layer)] = None
    return {name: tuple(texts) for name, texts in found.items()}


def _text(layer: Layer) -> str:
    """Return what runs a layer: `sm75_winograd (0x1, fp32)`."""
    about = ", ".join(text for text in (layer.tactic, layer.precision) if text)
    return f"{layer.kernel or layer.type or 'unknown'}{about and f' ({about})'}"
