"""Unversioned names for the libraries of wheels, and the path that a child finds them by."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.devices.nvidia.libraries import libraries, library_path, make_links, site_packages

SHIPPED = (
    "nvidia/cudnn/lib/libcudnn.so.8", "nvidia/cudnn/lib/libcudnn_cnn_infer.so.8",
    "nvidia/cublas/lib/libcublas.so.11", "nvidia/cublas/lib/libcublasLt.so.11",
    "nvidia/cuda_runtime/lib/libcudart.so.11.0", "tensorrt/libnvinfer.so.8",
    "tensorrt/libnvinfer_plugin.so.8", "nvidia/cudnn/include/cudnn.h",
)  # fmt: skip


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment with the wheels' libraries; its interpreter is a link, as uv makes it."""
    packages = tmp_path / "env/lib/python3.10/site-packages"
    for name in SHIPPED:
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(name)
    base = tmp_path / "base/bin/python3.10"
    base.parent.mkdir(parents=True)
    base.touch()
    link = tmp_path / "env/bin/python"
    link.parent.mkdir()
    link.symlink_to(base)
    return link


def packages_of(python: Path) -> Path:
    found = site_packages(python)
    assert found is not None
    return found


def test_the_packages_are_the_environments_own_and_not_its_bases(python: Path) -> None:
    assert packages_of(python) == python.parent.parent / "lib/python3.10/site-packages"


def test_each_library_gets_a_link_without_a_version(python: Path, tmp_path: Path) -> None:
    folder = make_links(packages_of(python), tmp_path / "cache")
    assert folder is not None
    told = {link.name: link.read_text() for link in folder.iterdir()}
    assert told == {
        "libcudart.so": SHIPPED[4], "libcudnn.so": SHIPPED[0], "libcublas.so": SHIPPED[2],
        "libcublasLt.so": SHIPPED[3], "libnvinfer.so": SHIPPED[5],
        "libnvinfer_plugin.so": SHIPPED[6],
    }  # fmt: skip


def test_links_made_again_are_the_same_and_a_broken_one_is_mended(
    python: Path, tmp_path: Path
) -> None:
    folder = make_links(packages_of(python), tmp_path / "cache")
    assert folder is not None
    (folder / "libcudnn.so").unlink()
    (folder / "libcudnn.so").symlink_to(tmp_path / "nowhere")
    assert make_links(packages_of(python), tmp_path / "cache") == folder
    assert (folder / "libcudnn.so").read_text() == SHIPPED[0]


def test_another_environment_gets_a_folder_of_its_own(python: Path, tmp_path: Path) -> None:
    first = make_links(packages_of(python), tmp_path / "cache")
    moved = python.parent.parent.rename(tmp_path / "env2")
    assert make_links(packages_of(moved / "bin/python"), tmp_path / "cache") != first


def test_a_child_finds_links_first_then_the_wheels_folders_then_what_was_there(
    python: Path, tmp_path: Path
) -> None:
    told = library_path(python, tmp_path / "cache", {"LD_LIBRARY_PATH": "/usr/lib/wsl/lib"})
    links, *folders, last = told["LD_LIBRARY_PATH"].split(":")
    packages = packages_of(python)
    assert links == str(make_links(packages, tmp_path / "cache"))
    assert folders == [
        str(packages / name)
        for name in (
            "nvidia/cublas/lib", "nvidia/cuda_runtime/lib", "nvidia/cudnn/lib", "tensorrt",
        )
    ]  # fmt: skip
    assert last == "/usr/lib/wsl/lib"


@pytest.mark.parametrize("before", [{}, {"LD_LIBRARY_PATH": ""}])
def test_an_empty_path_is_not_carried_on(
    before: dict[str, str], python: Path, tmp_path: Path
) -> None:
    # An empty entry would mean the child's own folder.
    told = library_path(python, tmp_path, before)["LD_LIBRARY_PATH"]
    assert "" not in told.split(":")


def test_an_environment_without_such_wheels_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "env/lib/python3.10/site-packages/nvidia/cudnn/lib").mkdir(parents=True)
    assert library_path(tmp_path / "env/bin/python", tmp_path / "cache", {}) == {}
    assert library_path(Path("/nowhere/bin/python"), tmp_path / "cache", {}) == {}
    own = {"LD_LIBRARY_PATH": "/driver"}
    assert library_path(Path("/nowhere/bin/python"), tmp_path / "cache", own) == own
    assert not (tmp_path / "cache").exists()


def test_of_two_versions_the_shorter_name_is_taken(python: Path) -> None:
    folder = packages_of(python) / "nvidia/cudnn/lib"
    (folder / "libcudnn.so.8.6.0").write_text("")
    assert libraries(packages_of(python))["libcudnn"].name == "libcudnn.so.8"
