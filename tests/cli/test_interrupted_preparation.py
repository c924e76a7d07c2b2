"""Ctrl-C while artifacts are made: children end at once, half-made files go, the words to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from tests.fakes import tables as fakes
from tests.fakes.orphans import eventually

_HANGS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
from dataclasses import replace
from bench.cli.main import main
from tests.fakes import tables as fakes
tables = fakes.tables()
formats = {name: replace(it, converter="tests.fakes.converter:hangs", sources=("factory",),
                        imports=IMPORTS)
           for name, it in tables.formats.items()}
sys.exit(main(sys.argv[1:], replace(tables, formats=formats)))
"""


@pytest.mark.parametrize("imports", [(), ("csv",)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_artifacts_are_made_ends_it_at_once_and_says_how_to_go_on(
    number: signal.Signals, imports: tuple[str, ...], tmp_path: Path
) -> None:
    cache, temporary = tmp_path / "cache", tmp_path / "tmp"
    temporary.mkdir()
    words = ["run", "--preset", "quick", "--models", str(fakes.MODELS), "--cache", str(cache)]
    words += ["--suite", str(PROJECT / "tests/fakes/suite.toml")]
    words += ["--results", str(tmp_path / "results")]
    env = {**os.environ, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-c", _HANGS.replace("IMPORTS", repr(imports)), *words]
    with subprocess.Popen(command, cwd=PROJECT, env=env, stderr=subprocess.PIPE) as process:
        try:
            assert eventually(lambda: any(cache.glob("artifacts/.making-*/b1/model.json")), 60.0)
            process.send_signal(number)
            _, said = process.communicate(timeout=60.0)  # the children sleep for 600 s
        finally:
            process.kill()
    assert process.returncode == 130
    *_, why, last = said.decode().splitlines()
    assert why.startswith("bench: interrupted: nothing was measured yet, and what is whole stays")
    assert last.startswith("  ")
    assert last.endswith(f"bench {' '.join(words)}")
    assert "Traceback" not in said.decode()
    assert list((cache / "artifacts").iterdir()) == list(temporary.iterdir()) == []
