"""AArch64 programs on the stand-in run, and look like themselves."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.device.daemon import Device
from tests.device.peer import Said, pull, push, request, say, syncing
from tests.device.programs import QEMU
from tests.device.test_daemon import eventually

COMPILER = "aarch64-linux-gnu-gcc"
FOLDER = "/data/local/tmp/own"
LIBRARY = "int answer(void) { return 42; }\n"
PROGRAM = r"""
#include <stdio.h>
#include <unistd.h>
int answer(void);
int main(int count, char **words) {
    printf("%s|%s|%d\n", words[0], count > 1 ? words[1] : "", answer());
    fflush(stdout);
    if (count > 2) sleep(1000);
    return 3;
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    program: bytes
    library: bytes


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A program for AArch64 and a shared library that it needs."""
    for tool, package in ((QEMU, "qemu-user-static"), (COMPILER, "gcc-aarch64-linux-gnu")):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here: on Debian, apt install {package}")
    folder = tmp_path_factory.mktemp("built")
    (folder / "library.c").write_text(LIBRARY)
    (folder / "program.c").write_text(PROGRAM)
    gcc(folder, "-shared", "-fPIC", "library.c", "-o", "libanswer.so")
    gcc(folder, "program.c", "-L.", "-lanswer", "-o", "program")
    return Built(
        program=(folder / "program").read_bytes(), library=(folder / "libanswer.so").read_bytes()
    )


def gcc(folder: Path, *words: str) -> None:
    subprocess.run([COMPILER, *words], cwd=folder, check=True)


@pytest.fixture
def pushed(device: Device, built: Built) -> Device:
    with syncing(device.serial) as stream:
        push(stream, f"{FOLDER}/program", built.program, mode=0o100755)
        push(stream, f"{FOLDER}/libanswer.so", built.library)
    return device


def run(device: Device, words: str) -> Said:
    return say(device.serial, f"cd {FOLDER} && LD_LIBRARY_PATH=. {words}")


def test_a_program_runs_with_its_library_its_words_and_its_status(pushed: Device) -> None:
    said = run(pushed, "./program 'a  b'")
    assert (said.stdout, said.status) == (b"./program|a  b|42\n", 3)


def test_a_program_runs_after_it_was_moved_and_copied(pushed: Device) -> None:
    said = run(pushed, "true; mv program moved; cp moved copied; LD_LIBRARY_PATH=. ./copied x")
    assert said.stdout == b"./copied|x|42\n"


def test_without_its_library_it_says_what_is_missing(pushed: Device) -> None:
    said = say(pushed.serial, f"{FOLDER}/program")
    assert said.status == 127
    assert b"libanswer.so" in said.stderr


def test_whoever_asks_after_it_is_told_of_its_own_bytes(pushed: Device, built: Built) -> None:
    path, size = f"{FOLDER}/program", len(built.program)
    with syncing(pushed.serial) as stream:
        assert pull(stream, path) == built.program
        stream.write(request(b"STAT", path))
        assert int.from_bytes(stream.exactly(16)[8:12], "little") == size
    digest = hashlib.sha256(built.program).hexdigest()
    assert say(pushed.serial, f"sha256sum {path}").stdout.decode() == f"{digest}  {path}\n"
    assert say(pushed.serial, f"stat -c %s {path}").stdout.decode() == f"{size}\n"
    assert say(pushed.serial, f"wc -c {path}").stdout.decode().split()[0] == str(size)


def test_a_library_is_stored_as_it_is(pushed: Device, built: Built) -> None:
    assert pushed.path(f"{FOLDER}/libanswer.so").read_bytes() == built.library


def test_it_adds_no_file_of_its_own_and_goes_with_its_folder(pushed: Device) -> None:
    names = ["", "libanswer.so", "program"]
    assert pushed.files() == [f"{FOLDER}/{name}" for name in names]
    say(pushed.serial, f"rm -r {FOLDER}")
    assert pushed.files() == []


def test_pushed_again_it_is_the_new_one(pushed: Device, built: Built) -> None:
    other = built.program.replace(b"%s|%s|%d", b"%s!%s!%d")
    with syncing(pushed.serial) as stream:
        push(stream, f"{FOLDER}/program", other, mode=0o100755)
    assert run(pushed, "./program x").stdout == b"./program!x!42\n"


def test_the_program_of_a_process_is_found_as_on_a_phone(pushed: Device) -> None:
    started = "(cd /data/local/tmp/own; LD_LIBRARY_PATH=. ./program x y > out 2>&1 & echo $! > pid)"
    say(pushed.serial, started)
    assert eventually(lambda: bool(pushed.path(f"{FOLDER}/out").read_text()))
    said = say(pushed.serial, f"readlink /proc/$(cat {FOLDER}/pid)/exe")
    assert said.stdout.decode() == f"{pushed.path(FOLDER)}/program\n"
    say(pushed.serial, f"kill $(cat {FOLDER}/pid)")
    assert eventually(lambda: not pushed.processes())


@pytest.mark.parametrize("size", [30, 70])
def test_a_truncated_program_is_stored_as_it_is(device: Device, built: Built, size: int) -> None:
    with syncing(device.serial) as stream:
        assert push(stream, f"{FOLDER}/half", built.program[:size], mode=0o100755) == b"OKAY"
    assert device.path(f"{FOLDER}/half").read_bytes() == built.program[:size]
