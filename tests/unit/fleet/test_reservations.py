"""A lab's places are held while a job measures, by the program that the lab has for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.core.errors import BenchError, InputError, Unavailable
from bench.fleet import reservations
from bench.fleet.reservations import Reservation, parsed, reserved

STAND_IN = """#!/bin/sh
# A stand-in for labgrid-client: a place is taken where its file is there.
echo "$@" >> "$LAB/calls"
case "$3" in
acquire) mkdir "$LAB/$2" 2>/dev/null || {
    echo "place $2 is already acquired by lab/someone"; exit 1
} ;;
release) rmdir "$LAB/$2" ;;
esac
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab: the folder of its places, with its program on PATH."""
    program = tmp_path / "bin" / "labgrid-client"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.setenv("LAB", str(folder))
    monkeypatch.setattr(reservations, "TRIES_EVERY_S", 0.05)
    return folder


def calls(lab: Path) -> Sequence[str]:
    return (lab / "calls").read_text().splitlines()


def test_the_places_of_a_target_are_held_in_the_order_of_their_names(lab: Path) -> None:
    known = parsed(["labgrid:rack", "phone:ab12=labgrid:board", "phone:cd=labgrid:other"])
    with reserved(known, "phone:ab12", threading.Event()):
        assert {it.name for it in lab.iterdir() if it.is_dir()} == {"rack", "board"}
    assert calls(lab) == [
        "-p board acquire", "-p rack acquire", "-p rack release", "-p board release",
    ]  # fmt: skip


def test_a_place_is_given_back_after_an_error(lab: Path) -> None:
    with (
        pytest.raises(BenchError, match="it fell over"),
        reserved(parsed(["labgrid:rack"]), "host:a", threading.Event()),
    ):
        raise BenchError("it fell over", hint="")
    assert calls(lab)[-1] == "-p rack release"


def test_a_job_waits_while_somebody_else_has_its_place(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lab / "rack").mkdir()
    threading.Timer(0.5, (lab / "rack").rmdir).start()
    with reserved(parsed(["labgrid:rack"]), "host:a", threading.Event()):
        assert calls(lab).count("-p rack acquire") > 1
    said = capsys.readouterr().err
    assert said.count("waiting for labgrid's place rack: place rack is already acquired") == 1


def test_a_job_that_is_taken_back_waits_no_longer_and_releases_nothing_of_others(lab: Path) -> None:
    (lab / "rack").mkdir()
    given_up = threading.Event()
    given_up.set()
    known = (Reservation(provider="labgrid", place="rack"),)
    with pytest.raises(BenchError, match="taken back"), reserved(known, "host:a", given_up):
        pass
    assert (lab / "rack").is_dir()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("rack", InputError, "'rack' is no reservation"),
        ("labgrid:", InputError, "is no reservation"),
        ("=labgrid:rack", InputError, "is no reservation"),
        ("labgird:rack", BenchError, "did you mean 'labgrid'"),
    ],
)
def test_another_form_is_refused(lab: Path, text: str, error: type[BenchError], said: str) -> None:
    assert lab.is_dir()
    with pytest.raises(error) as refused:
        parsed([text])
    assert said in f"{refused.value.problem}: {refused.value.hint}"


def test_a_system_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="labgrid-client isn't on PATH"):
        parsed(["labgrid:rack"])
