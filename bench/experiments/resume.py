"""Resume is a difference of two manifests: the stored one and that of now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.errors import InputError
from bench.storage.directory import RunDirectory

ANEW = "leave --resume out to start a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """A part of the manifest that must be equal to resume a run.

    `path` leads to it, by dots; `*` stands for every key, and in `what`, the words for the part,
    and in `remedy` the keys are {0}, {1} and so on, the stored value {then}. `shown`: the values
    are short enough for a message. `grows`: a key that only the manifest of now has is no
    difference.
    """

    path: str
    what: str
    remedy: str
    shown: bool = False
    grows: bool = False


SYSTEM = Same(path="system_id", what="the system", remedy="resume it there", shown=True)
NETS = Same(
    path="models.*.model_hash",
    what="the net {0}",
    remedy="give the same --weights and --models as then",
)
PACKAGES = Same(
    path="provenance.environments.*.*",
    what="{1} of environment '{0}'",
    remedy="give the same --env as then",
    shown=True,
)
PASSED = Same(
    path="provenance.passed.*",
    what="the variable {0}",
    remedy="give the same --pass-env as then",
    shown=True,
)


def check_same(
    run: RunDirectory[Any, Any], now: Mapping[str, Any], identity: Sequence[Same]
) -> None:
    """Raise InputError at the first part of `identity` in which `run` differs from `now`.

    What isn't in `now` isn't known yet, and no difference.
    """
    stored = run.manifest().model_dump()
    began = f"{run.kind.title} {run.path.name} began"
    for same in identity:
        for keys, then, is_now in _differences(stored, now, same.path.split(".")):
            if same.grows and then is None:
                continue
            words = same.what.format(*keys)
            if same.shown:
                problem = f"{words} was {_short(then)} when {began}, and is {_short(is_now)} now"
            else:
                problem = f"{words} isn't what {began} with"
            remedy = same.remedy.format(*keys, then=_short(then))
            raise InputError(problem, hint=f"{remedy}, or {ANEW}")


def _differences(
    then: Any, now: Any, path: Sequence[str], keys: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the keys, the stored value and that of now wherever `path` leads to two values."""
    if not path:
        if then != now:
            yield keys, then, now
        return
    name, rest = path[0], path[1:]
    before, after = _mapping(then), _mapping(now)
    if name == "*":
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(before.get(key), after.get(key), rest, (*keys, key))
    elif name in after and name in before:
        yield from _differences(before[name], after[name], rest, keys)
    elif name in after:
        yield keys, None, after[name]


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a list as a mapping of its items to themselves."""
    if isinstance(value, Mapping):
        return value
    return {str(item): item for item in value or ()}


def _short(value: Any) -> str:
    """Return a value for a message; of a commit its first twelve digits."""
    text = "not there" if value is None else str(value)
    return text[:12] if len(text) == 40 else text
