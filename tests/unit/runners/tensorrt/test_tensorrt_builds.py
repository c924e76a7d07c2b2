"""How the native TensorRT runner asks for engines, builds them, keeps them and takes them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.cell import TargetSpec
from bench.runners.tensorrt.native import TensorrtRunner
from tests.fakes.trt import FakeTensorrt, onnx
from tests.fakes.values import cell
from tests.unit.runners.conftest import Open


def test_a_first_session_builds_and_a_later_one_takes_what_is_there(
    trt: FakeTensorrt, open_session: Open
) -> None:
    told = []
    for _ in range(4):
        with open_session() as session:
            told.append((session.facts["build"], session.facts["engine_cache"], session.build_ns))
    assert [(build, how) for build, how, _ in told] == [
        ("0", "built"), ("1", "built"), ("2", "built"), ("0", "hit"),
    ]  # fmt: skip
    assert all(ns is not None and ns > 0 for _, _, ns in told[:3])
    assert told[3][2] is None
    assert trt.builds == 3


def test_a_cached_engine_that_no_longer_loads_is_built_again_and_said(
    trt: FakeTensorrt, open_session: Open
) -> None:
    for _ in range(3):
        with open_session():
            pass
    trt.stale, trt.takes_timings = {1, 2, 3}, False  # the driver is another one
    told = []
    for _ in range(4):
        with open_session() as session:
            told.append((session.facts["build"], session.facts["engine_cache"], session.build_ns))
    assert [(build, how.partition(":")[0]) for build, how, _ in told] == [
        ("0", "rebuilt"), ("1", "rebuilt"), ("2", "rebuilt"), ("0", "hit"),
    ]  # fmt: skip
    assert [ns is None for *_, ns in told] == [False, False, False, True]
    assert trt.builds == 6


def test_an_engine_is_of_the_tensors_beside_its_file_too(
    trt: FakeTensorrt, open_session: Open, tmp_path: Path
) -> None:
    beside = onnx(tmp_path).with_name("model.onnx.data")
    for weights in (b"1", b"2", b"1"):
        beside.write_bytes(weights)
        for _ in range(3):
            with open_session():
                pass
    assert trt.builds == 6


def test_builds_of_other_numbers_do_not_share_timings_and_other_nets_builds_do(
    trt: FakeTensorrt, open_session: Open, tmp_path: Path
) -> None:
    for batch in (1, 4):
        target = TargetSpec(kind="nvidia-gpu", gpu_name="T4", engines=str(tmp_path / "engines"))
        for _ in range(2):
            asked = cell(runner="tensorrt", batch=batch)
            with TensorrtRunner(target).open(asked, onnx(tmp_path)):
                pass
    assert trt.timings == [b"", b"", b"t", b"t"]


def test_a_hit_tells_what_was_in_force_when_it_was_built(
    trt: FakeTensorrt, open_session: Open
) -> None:
    facts = []
    for _ in range(4):
        with open_session(tactics="own") as session:
            facts.append(session.facts)
    same = ("precision", "tf32", "tactics", "engine", "threads", "gpu", "cuda")
    assert {name: facts[3][name] for name in same} == {name: facts[0][name] for name in same}
    assert facts[3]["tactics"] == "own"
    assert (facts[3]["tf32"], facts[3]["cuda"], facts[3]["gpu"]) == ("off", "11.8", "Tesla T4")


@pytest.mark.parametrize(
    ("version", "tactics", "flags", "sources", "told"),
    [
        ("8.5.3.1", "all", 1, 0b11111, "all"),
        ("8.5.3.1", "own", 1, 0b11000, "own"),
        ("10.3.0", "all", 0, 0b11000, "all"),
        ("10.3.0", "own", 0, 0b11000, "own"),
        ("11.0.0", "all", 0, 0b11, "all"),
        ("11.0.0", "own", 0, 0b11, "own"),
    ],
)
def test_names_that_versions_differ_in_are_asked_for_where_they_are(
    version: str, tactics: str, flags: int, sources: int, told: str,
    use: Callable[..., FakeTensorrt], open_session: Open,
) -> None:  # fmt: skip
    trt = use(version=version)
    with open_session(tactics=tactics) as session:
        assert session.facts["tactics"] == told
        assert session.facts["engine"] == f"TensorRT {version}"
        own = "edge_mask_convolutions+jit_convolutions"
        libraries = "cublas+cublas_lt+cudnn+" if sources == 0b11111 else ""
        assert session.facts["tactic_sources"] == libraries + own
    assert trt.flags == [flags]
    [config] = trt.configs
    assert config.sources == sources
    assert config.limits == {int(trt.MemoryPoolType.WORKSPACE): 1 << 30}
    assert config.on == set(), "TF32 is cleared"


def test_a_version_without_the_tf32_flag_says_so(
    use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    trt = use()
    trt.BuilderFlag = object()
    with open_session() as session:
        assert session.facts["tf32"] == "no such flag"
