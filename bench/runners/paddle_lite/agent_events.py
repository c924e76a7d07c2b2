"""A line of the device program: a JSON object whose members are what they have to be.

Standard library and numpy only; `paddle_lite/agent/LINES.md` has the contract.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from bench.core.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


class AgentFailed(BenchError):
    """The device program gave a `reason` why it can't measure; of two models, `arm` says which."""

    kind = "agent"

    def __init__(self, reason: str, arm: str | None = None) -> None:
        super().__init__(
            f"the device program gave up: {reason}",
            hint="see that model, library and device program are of one version",
        )
        self.arm = arm


class GarbledAgent(BenchError):
    """What came from the device is no whole session of the device program."""

    kind = "garbage-reply"

    def __init__(self, problem: str) -> None:
        super().__init__(
            problem, hint="run it again; if it stays, run bench_agent by hand in `adb shell`"
        )


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of a line; each member is what it has to be, or the line is refused."""

    line: str
    values: Mapping[str, Any]

    def refuse(self, why: str) -> NoReturn:
        raise GarbledAgent(f"a line of the device program {why}: {self.line[:80]!r}")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else self.refuse(f"has no text '{name}'")

    def text_or_none(self, name: str) -> str | None:
        return self.text(name) if name in self.values else None

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value if isinstance(value, bool) else self.refuse(f"has no truth '{name}'")

    def whole(self, name: str) -> int:
        value = self.values.get(name)
        return value if is_whole(value) else self.refuse(f"has no whole number '{name}'")

    def wholes(self, name: str) -> list[int]:
        return self.items(name, is_whole)

    def items(self, name: str, valid: Callable[[object], bool]) -> list[Any]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(map(valid, value)):
            self.refuse(f"has no proper list '{name}'")
        return value

    def objects(self, name: str) -> list[Fields]:
        items = self.items(name, lambda item: isinstance(item, dict))
        return [Fields(self.line, item) for item in items]


def read(line: str) -> Fields:
    """Return the object of one line; raises GarbledAgent."""
    fields = Fields(line.strip(), {})
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        fields.refuse("isn't JSON")
    if not isinstance(values, dict):
        fields.refuse("isn't an object")
    return Fields(fields.line, values)


def read_output(fields: Fields) -> Array:
    """Return the logits of an `output` line, float32, NaN for what wasn't finite."""
    import numpy as np

    shape, data = fields.items("shape", is_whole), fields.items("data", _is_value)
    if not data or math.prod(shape) != len(data):
        fields.refuse(f"has {len(data)} values for the shape {shape}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite: the check of the output tells
        return np.array(data, dtype=np.float64).astype(np.float32).reshape(shape)


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether `value` is a whole number from 0 on that 63 bits hold."""
    return type(value) is int and 0 <= value < 1 << 63


def _is_value(value: object) -> bool:
    return value is None or type(value) is float or (type(value) is int and abs(value) < 1 << 63)
