"""NVML through nvidia-ml-py, each call wrapped: that a card or a driver lacks one is normal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.core.errors import Unavailable
from bench.core.program import install_hint

# NVML's numbers (nvml.h).
CLOCK_SM = 1
CLOCK_MEMORY = 2
TEMPERATURE_GPU = 0
POLICY_POWER = 0
POLICY_THERMAL = 1


class Nvml:
    """An initialised NVML; `close` it. `module` is pynvml, or what stands in for it."""

    def __init__(self, module: Any) -> None:
        self._module = module
        try:
            module.nvmlInit()
        except Exception as error:  # NVMLError, or what its binding or the loader makes of it
            raise Unavailable(
                f"the NVIDIA driver doesn't answer: {error}",
                hint="see whether `nvidia-smi` works; after an update of the driver, restart",
            ) from error

    def ask(self, *names: str, args: tuple[Any, ...] = ()) -> Any:
        """Return the answer of the first function in `names` that there is, None where none
        answers: not supported, not permitted, not in this driver.
        """
        for name in names:
            function = getattr(self._module, name, None)
            if function is None:
                continue
            answer = self._answer(function, args)
            if answer is not None:
                return answer
        return None

    def text(self, *names: str, args: tuple[Any, ...] = ()) -> str | None:
        """Return an answer as text: older bindings give bytes."""
        answer = self.ask(*names, args=args)
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer

    def _answer(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        try:
            return function(*args)
        except Exception:  # noqa: BLE001 - NVMLError, or a name that isn't UTF-8, say
            return None

    def close(self) -> None:
        self.ask("nvmlShutdown")


def open_nvml() -> Nvml:
    """Return NVML; raises Unavailable where its package or the driver is missing."""
    try:
        import pynvml
    except (ImportError, OSError) as error:
        raise Unavailable(
            "the package nvidia-ml-py is missing", hint=install_hint("gpu")
        ) from error
    return Nvml(pynvml)
