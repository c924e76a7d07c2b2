"""scripts/build_agent.sh: what it asks for, what it calls and what it leaves.

A compiler that only writes down its words stands in for the NDK's, which isn't here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.device.agent_build import LIBRARY, PROJECT, SCRIPT, built_agent, missing_tools

SOURCES = PROJECT / "bench" / "runners" / "paddle_lite/agent"
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 183) + bytes(44)
COMPILER = """#!/bin/sh
printf '%s\\n' "$@" > "{log}"
while [ "$1" != -o ]; do shift; done
cp "{elf}" "$2"
"""


def build(*words: object, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(script), *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    """A release of Paddle Lite in a folder with a space, its files empty."""
    folder = tmp_path / "paddle lite"
    for name in ("include/paddle_api.h", f"lib/{LIBRARY}"):
        (folder / "cxx" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cxx" / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def ndk(tmp_path: Path) -> Path:
    """An NDK whose compiler writes its words to `words` and copies an ELF header."""
    folder = tmp_path / "the ndk"
    prebuilt = folder / "toolchains" / "llvm" / "prebuilt" / "linux-x86_64"
    runtime = prebuilt / "sysroot" / "usr" / "lib" / "aarch64-linux-android" / "libc++_shared.so"
    compiler = prebuilt / "bin" / "aarch64-linux-android21-clang++"
    for path in (runtime, compiler):
        path.parent.mkdir(parents=True)
    runtime.write_bytes(b"the C++ runtime")
    (tmp_path / "elf").write_bytes(ELF)
    compiler.write_text(COMPILER.format(log=tmp_path / "words", elf=tmp_path / "elf"))
    compiler.chmod(0o755)
    (folder / "source.properties").write_text(
        "Pkg.Desc = Android NDK\nPkg.Revision = 21.4.7075529\n"
    )
    return folder


def compiler_of(ndk: Path) -> Path:
    return next(ndk.glob("toolchains/llvm/prebuilt/*/bin/aarch64-linux-android21-clang++"))


def runtime_of(ndk: Path) -> Path:
    return next(ndk.rglob("libc++_shared.so"))


def words_of(folder: Path) -> list[str]:
    return (folder / "words").read_text().splitlines()


def test_the_ndk_is_called_as_a_phone_needs_it(tmp_path: Path, ndk: Path, lite: Path) -> None:
    done = build(ndk, lite, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    words = words_of(tmp_path)
    assert {
        "-std=c++11", "-O3", "-fPIE", "-pie", "-fopenmp", "-static-openmp", "-llog", "-latomic",
        "-pthread", "-ldl", "-lz", "-lpaddle_light_api_shared", f"-L{lite}/cxx/lib",
    } <= set(words)  # fmt: skip
    assert words[words.index("-isystem") + 1] == f"{lite}/cxx/include"


def test_all_that_a_phone_needs_lies_in_the_folder_and_is_told(
    tmp_path: Path, ndk: Path, lite: Path
) -> None:
    out = tmp_path / "out"
    build(ndk, lite, out)
    facts = json.loads((out / "agent.json").read_text())
    names = {"bench_agent", LIBRARY, "libc++_shared.so"}
    assert {path.name for path in out.iterdir()} == names | {"agent.json"}
    assert facts["abi"] == "arm64-v8a"
    assert facts["files"] == {
        name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names
    }


def test_for_a_board_nothing_of_a_phone_is_linked(tmp_path: Path, ndk: Path, lite: Path) -> None:
    done = build("--cxx", compiler_of(ndk), lite, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert not {"-llog", "-static-openmp", "-fopenmp"} & set(words_of(tmp_path))
    assert not (tmp_path / "out" / "libc++_shared.so").exists()


def test_the_sources_digest_follows_every_source(tmp_path: Path, ndk: Path, lite: Path) -> None:
    project = tmp_path / "project"
    sources = project / "bench" / "runners" / "paddle_lite/agent"
    shutil.copytree(SOURCES, sources)
    (project / "scripts").mkdir()
    script = Path(shutil.copy(SCRIPT, project / "scripts"))

    def digest() -> str:
        done = build(ndk, lite, script=script)
        assert done.returncode == 0, done.stderr
        # No folder was named: build/agent of the project.
        facts = json.loads((project / "build" / "agent" / "agent.json").read_text())
        return str(facts["source_sha256"])

    digests = [digest(), digest()]
    for source in sorted([*sources.glob("*.hpp"), *sources.glob("*.cpp")]):
        source.write_text(source.read_text() + "\n")
        digests.append(digest())
    assert len(digests) == len(set(digests)) + 1
    assert len(digests) > 4


@pytest.mark.parametrize("words", [[], ["one"], ["1", "2", "3", "4"], ["--cxx", "g++"], ["--cxx"]])
def test_other_words_than_it_takes_are_refused_with_those_that_it_does(words: list[str]) -> None:
    done = build(*words)
    assert done.returncode == 2
    assert "its words are NDK_DIR PADDLE_LITE_DIR [OUT_DIR]" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def refused(*words: object) -> str:
    done = build(*words)
    assert done.returncode == 2
    assert not done.stdout
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_without_an_ndk_it_says_which_to_fetch(tmp_path: Path, lite: Path) -> None:
    assert "no Android NDK r21 or later" in refused(tmp_path / "nowhere", lite, tmp_path / "out")


@pytest.mark.parametrize("notes", ["Pkg.Revision = 20.1.5948944\n", "Pkg.Desc = Android NDK\n"])
def test_an_ndk_without_a_static_openmp_is_refused(
    tmp_path: Path, ndk: Path, lite: Path, notes: str
) -> None:
    (ndk / "source.properties").write_text(notes)
    assert "no Android NDK r21 or later" in refused(ndk, lite, tmp_path / "out")


def test_an_ndk_without_its_runtime_is_told(tmp_path: Path, ndk: Path, lite: Path) -> None:
    runtime_of(ndk).unlink()
    assert "libc++_shared.so" in refused(ndk, lite, tmp_path / "out")


@pytest.mark.parametrize("missing", ["include/paddle_api.h", f"lib/{LIBRARY}"])
def test_without_the_library_it_says_which_asset_to_fetch(
    tmp_path: Path, ndk: Path, lite: Path, missing: str
) -> None:
    (lite / "cxx" / missing).unlink()
    android = refused(ndk, lite, tmp_path / "out")
    linux = refused("--cxx", compiler_of(ndk), lite, tmp_path / "out")
    assert "inference_lite_lib.android.armv8.clang.c++_shared.with_extra.tar.gz" in android
    assert "inference_lite_lib.armlinux.armv8.gcc.with_extra.tar.gz" in linux
    assert missing in android
    assert missing in linux
    assert not (tmp_path / "out").exists()


def test_a_compiler_that_is_not_there_is_told(tmp_path: Path, lite: Path) -> None:
    assert "there is no compiler 'no-such-c++'" in refused("--cxx", "no-such-c++", lite, tmp_path)


def test_a_build_that_fails_leaves_no_word_of_an_earlier_one(
    tmp_path: Path, ndk: Path, lite: Path
) -> None:
    out = tmp_path / "out"
    build(ndk, lite, out)
    compiler_of(ndk).write_text("#!/bin/sh\necho 'error: no' >&2\nexit 1\n")
    done = build(ndk, lite, out)
    assert done.returncode != 0
    assert "error: no" in done.stderr
    assert not (out / "agent.json").exists()


def test_the_real_program_is_what_its_json_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    missing = missing_tools()
    if missing:
        pytest.skip(missing)
    folder = built_agent(tmp_path_factory.getbasetemp() / "device-program")
    facts = json.loads((folder / "agent.json").read_text())
    program = (folder / "bench_agent").read_bytes()
    kind, machine = struct.unpack("<HH", program[16:20])
    assert (facts["abi"], kind, machine) == ("arm64-v8a", 3, 183)
    assert facts["files"]["bench_agent"] == hashlib.sha256(program).hexdigest()
