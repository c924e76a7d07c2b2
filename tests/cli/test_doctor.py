from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.environments.specs import ENVIRONMENTS
from tests.cli.printing import printed
from tests.fakes import tables as fakes


def doctor(tmp_path: Path, here: list[str], *flags: str) -> list[str]:
    """Flags of a doctor whose environments are interpreters that run, and nothing is built."""
    python = tmp_path / "python"
    if not python.exists():
        python.write_text('#!/bin/sh\necho \'{"paddlepaddle": "3", "paddlelite": "2"}\'\n')
        python.chmod(0o755)
    given = [flag for name in ENVIRONMENTS for flag in ("--env", f"{name}={python}")]
    return ["doctor", *here, "--cache", str(tmp_path / "cache"), *given, *flags]


def test_the_doctor_tells_what_can_run_and_what_brings_the_rest(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = json.loads(printed(capsys, *doctor(tmp_path, here, "--json")))
    by_item = {finding["item"]: finding for finding in findings}
    assert {"machine", "results", "suite cpu", "environment paddle", "environment lite"} <= set(
        by_item
    )
    assert by_item["environment paddle"]["detail"].startswith("ready (for ")
    assert {finding["state"] for finding in findings} <= {"ok", "note", "missing"}
    assert all(finding["remedy"] for finding in findings if finding["state"] == "missing")
    phone = [finding["detail"] for finding in findings if finding["item"] == "suite arm"]
    assert "no device is there" in phone


def test_the_doctors_text_has_a_line_for_each_finding_and_an_arrow_for_each_remedy(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = json.loads(printed(capsys, *doctor(tmp_path, here, "--json")))
    lines = printed(capsys, *doctor(tmp_path, here)).splitlines()
    assert [line.split()[0] for line in lines if "->" not in line] == [
        finding["state"] for finding in findings
    ]
    assert sum("->" in line for line in lines) == sum(bool(one["remedy"]) for one in findings)


def test_the_doctor_ends_1_where_paddles_interpreter_does_not_run(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = doctor(tmp_path, here, "--json", "--env", f"paddle={tmp_path / 'nowhere'}")
    findings = json.loads(printed(capsys, *flags, status=1))
    (paddle,) = [one for one in findings if one["item"] == "environment paddle"]
    assert paddle["state"] == "missing"
    assert "doesn't run" in paddle["detail"]
    assert paddle["remedy"] == "give a Python with --env paddle=PATH"


def test_the_doctor_ends_0_where_only_storage_sizes_lack_their_interpreter(
    here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = doctor(tmp_path, here, "--json", "--env", f"lite={tmp_path / 'nowhere'}")
    findings = json.loads(printed(capsys, *flags))
    assert [one["state"] for one in findings if one["item"] == "environment lite"] == ["missing"]


def test_the_doctor_ends_1_where_results_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    where = ["--models", str(fakes.MODELS), "--results", str(tmp_path / "file")]
    findings = json.loads(printed(capsys, *doctor(tmp_path, where, "--json"), status=1))
    assert [one["state"] for one in findings if one["item"] == "results"] == ["missing"]


def test_the_doctor_says_of_a_runner_in_cpp_what_its_program_does_not_fit(
    here: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PADDLE_INFERENCE", str(tmp_path))
    tables = fakes.tables()
    in_cpp = {"paddle": replace(tables.runners["paddle"], program="paddle", env="harness")}
    flags = doctor(tmp_path, here, "--json")
    assert main(flags, replace(tables, runners=in_cpp)) == 0
    findings = json.loads(capsys.readouterr().out)
    (found,) = [one for one in findings if one["item"] == "runner paddle"]
    assert found["state"] == "note"
    assert f"PADDLE_INFERENCE names {tmp_path}" in found["detail"]
    assert "unset PADDLE_INFERENCE" in found["remedy"]


@pytest.mark.parametrize("compiler", ["sh", "no-such-compiler"])
def test_the_doctor_says_whether_there_is_a_compiler_and_what_it_is_for(
    compiler: str,
    here: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", compiler)
    findings = json.loads(printed(capsys, *doctor(tmp_path, here, "--json")))
    (found,) = [one for one in findings if one["item"] == "C++ compiler"]
    assert (found["state"] == "ok", bool(found["remedy"])) == (compiler == "sh", compiler != "sh")
    assert compiler in found["detail"]
