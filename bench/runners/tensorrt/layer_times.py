"""What each layer of an engine takes, as TensorRT's own profiler reports it: time on the device.

`trt` is the module tensorrt. A context with a profiler waits for each of its runs. Names are the
engine inspector's, which tells the kernels too.
Source: TensorRT 8.5.3, 10 and 11 Python API references, IProfiler and IExecutionContext.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.core.units import NS_PER_MS
from bench.runners.base import time_calls
from bench.runners.profiling import OperatorTime, Profile, Tally
from bench.runners.tensorrt.context import Context
from bench.runners.tensorrt.inspector import numbered, plain_name


def take_profile(
    trt: Any,
    context: Context,
    feeds: Mapping[str, Any],
    count: int,
    layers: Sequence[Mapping[str, str]],
) -> Profile:
    """Return the profile of `count` runs on `feeds` of `context`, which is for this alone.

    `layers` are the inspector's.
    """
    heard = Heard()
    context.report_to(heard.profiler(trt))

    def one() -> None:
        heard.begin()
        context.copy_in(feeds)
        context.enqueue()
        context.copy_out()

    one()  # on its first run TensorRT allocates
    heard.clear()
    samples = time_calls(one, count)
    return Profile(samples_ns=samples, operators=list(heard.operators(layers)))


class Heard:
    """What a profiler of TensorRT was told."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all runs."""
        self._tally, self._names = Tally(), Counter[str]()

    def begin(self) -> None:
        """Begin the next run."""
        self._tally.begin()
        self._names.clear()

    def layer(self, name: str, ms: float) -> None:
        """Take what a layer took in this run; several layers may have the same name."""
        self._tally.add(numbered(plain_name(name), self._names), ms * NS_PER_MS)

    def profiler(self, trt: Any) -> Any:
        """Return an IProfiler that tells this."""
        tell = self.layer

        class Profiler(trt.IProfiler):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.IProfiler.__init__(self)

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                tell(layer_name, ms)

        return Profiler()

    def operators(self, layers: Sequence[Mapping[str, str]]) -> Iterator[OperatorTime]:
        """Yield the layers in the order in which they ran, with their kernels."""
        known = {layer["name"]: layer for layer in layers}
        for name in map(str, self._tally):
            layer = known.get(name, {"type": "", "kernel": ""})
            yield self._tally.operator(name, name=name, kind=layer["type"], kernel=layer["kernel"])
