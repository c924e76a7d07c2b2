"""Subnormal numbers (below 1.2e-38), at which many chips are slow: flushed to zero, for all alike.

Some engines flush them by themselves, some by a setting of theirs, some never. A thread inherits
the mode from the one that starts it: set before an engine is opened, it holds for its threads too.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of glibc's fenv_t: at which byte a chip's mode lies, and the bits that flush.
_MODES = {"x86_64": (28, 0x8040), "aarch64": (0, 1 << 24)}
_ENOUGH = 64  # bytes; fenv_t has 32 at most


@contextmanager
def flushed() -> Iterator[None]:
    """Flush subnormals to zero in this thread and those that it starts, where the system can.

    `effective` reads whether it does. What was in effect before is so again afterwards.
    """
    mode = _MODES.get(platform.machine())
    libm = _libm() if mode else None
    if mode is None or libm is None:
        yield
        return
    before, within = (ctypes.create_string_buffer(_ENOUGH) for _ in range(2))
    libm.fegetenv(before)
    libm.fegetenv(within)
    register = ctypes.c_uint32.from_buffer(within, mode[0])
    register.value |= mode[1]
    libm.fesetenv(within)
    try:
        yield
    finally:
        libm.fesetenv(before)


def effective() -> str:
    """Return what becomes of subnormals in this thread, by computing one: "flushed" or "kept"."""
    smallest = sys.float_info.min
    return "kept" if smallest / 2 else "flushed"


def _libm() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libm.so.6")  # glibc's
    except OSError:
        return None
