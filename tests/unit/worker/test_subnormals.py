from __future__ import annotations

import platform
import sys
import threading
from pathlib import Path

import pytest

from bench.core.tensors import Tensors
from bench.worker import subnormals
from tests.fakes.diary import Diary, DiaryRunner, measuring

ABLE = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
needs_glibc = pytest.mark.skipif(not ABLE, reason="there is no way to flush on this system")


@needs_glibc
def test_a_thread_and_those_that_it_starts_flush_subnormals_inside_and_no_longer_outside() -> None:
    told = []
    assert subnormals.effective() == "kept"
    with subnormals.flushed():
        thread = threading.Thread(target=lambda: told.append(subnormals.effective()))
        thread.start()
        thread.join()
        told.append(subnormals.effective())
    assert told == ["flushed", "flushed"]
    assert subnormals.effective() == "kept"


@needs_glibc
def test_what_was_in_effect_before_comes_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="x"), subnormals.flushed():
        raise ValueError("x")
    assert subnormals.effective() == "kept"


@pytest.mark.parametrize("name", ["machine", "library"])
def test_where_there_is_no_way_nothing_changes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "machine":
        monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    else:
        monkeypatch.setattr(subnormals, "_libm", lambda: None)
    with subnormals.flushed():
        assert subnormals.effective() == "kept"


class Telling(Diary):
    """A session that notes what becomes of subnormals where it opens and infers."""

    told: list[str] = []

    def infer(self, feeds: Tensors) -> Tensors:
        self.told.append(subnormals.effective())
        return super().infer(feeds)


class TellingRunner(DiaryRunner):
    def session(self, artifact: Path) -> Diary:
        Telling.told.append(subnormals.effective())
        return Telling(artifact)


@needs_glibc
def test_an_engine_is_opened_and_run_with_subnormals_flushed_and_the_facts_tell(
    tmp_path: Path,
) -> None:
    Telling.told.clear()
    [reply] = measuring(tmp_path)(TellingRunner)
    assert set(Telling.told) == {"flushed"}
    assert reply["facts"]["subnormals"] == "flushed"
    assert subnormals.effective() == "kept"
