"""A stand-in for an engine in C++, compiled as the real ones are."""

from __future__ import annotations

from pathlib import Path

from bench.environments.engine_libraries import NativeProgram

MIRROR = NativeProgram(
    source=str(Path(__file__).with_name("mirror.cpp")),
    package="json",
    include=(str(Path(__file__).parents[3] / "bench" / "runners" / "cpp"),),
)
