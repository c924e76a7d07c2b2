"""A benchmarking harness for neural networks across hardware targets; ARCHITECTURE.md draws it."""

__version__ = "0.1.0"
