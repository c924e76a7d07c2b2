"""What a stored run says of the code that measured it."""

from __future__ import annotations

import platform

import pytest

from bench import __version__
from bench.core.cell import TargetSpec
from bench.experiments import provenance as origin
from bench.experiments.context import Options
from bench.launcher.git import GitState
from bench.storage.schema.common import HARNESS, Provenance
from bench.targets.cpu import CpuTarget


def provenance(commit: str | None, harness: dict[str, str]) -> Provenance:
    return Provenance(
        commit=commit, dirty=None, command=[], harness=harness, environments={}, host="",
        conditions={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("commit", "harness", "code"),
    [
        ("0badc0de" + "f" * 32, {HARNESS: "1.2"}, "0badc0de"),
        (None, {HARNESS: "1.2", "numpy": "2"}, "version 1.2"),
        (None, {"numpy": "2"}, "unknown"),
    ],
)
def test_the_code_is_a_commit_or_else_a_version(
    commit: str | None, harness: dict[str, str], code: str
) -> None:
    assert provenance(commit, harness).code == code


def test_an_installed_harness_records_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = GitState(commit=None, dirty=None)
    monkeypatch.setattr(origin, "git_state", lambda _: nothing)
    stored = origin.make_provenance({}, Options(command=["run"]), CpuTarget(TargetSpec(kind="cpu")))
    assert (stored.commit, stored.code) == (None, f"version {__version__}")


def test_the_kernel_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "release", lambda: "6.1.0-28-amd64")
    stored = origin.make_provenance({}, Options(command=["run"]), CpuTarget(TargetSpec(kind="cpu")))
    assert stored.operating_system == "Linux 6.1.0-28-amd64"
