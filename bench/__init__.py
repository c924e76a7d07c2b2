"""A benchmarking harness for neural networks across hardware targets; ARCHITECTURE.md draws it.

For notebooks and scripts, from `bench.cli.notebook`, which is loaded on the first use:

    bench.load("results")               what is stored, as a pandas DataFrame
    bench.run("net.onnx")               measure, as the verb `run` does
    bench.compare("RUN", "latest")      two stored runs, as the verb `compare` does
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without loading `typing`
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "compare", "load", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    # By name: a worker loads this module too, and must not come to load what a notebook needs.
    import importlib

    return getattr(importlib.import_module("bench.cli.notebook"), name)


def __dir__() -> list[str]:
    return __all__
