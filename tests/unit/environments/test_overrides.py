from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import InputError
from bench.environments.interpreters import LOCKS, Environments
from bench.environments.overrides import Pin, locked_packages, parse_pin, pinned

LOCK = """# made by something
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
beta.b==2.0 ; python_version < '3.11' \\
    --hash=sha256:cc
beta.b==3.0 ; python_version >= '3.11' \\
    --hash=sha256:dd
gamma==4.0 \\
    --hash=sha256:ee
"""


def test_a_pin_takes_the_place_of_all_versions_and_the_others_keep_their_hashes() -> None:
    assert pinned(LOCK, [Pin("beta-b", "9.1")]) == (
        "alpha==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "gamma==4.0 \\\n    --hash=sha256:ee\n"
        "beta-b==9.1\n"
    )


def test_a_package_that_the_lock_does_not_hold_is_not_put_in() -> None:
    assert locked_packages(pinned(LOCK, [Pin("delta", "1")])) == {"alpha", "beta-b", "gamma"}


def test_names_are_compared_as_indexes_compare_them() -> None:
    assert parse_pin(" Beta_B==9.1 ") == Pin("beta-b", "9.1")
    assert str(parse_pin("beta.b==1.0.post1+cpu")) == "beta-b==1.0.post1+cpu"


@pytest.mark.parametrize(
    "text", ["beta", "beta=1", "beta==", "==1", "beta>=1", "a==1; b==2", "-r==1"]
)
def test_what_pins_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="pins no package"):
        parse_pin(text)


def test_the_real_lock_of_paddle_can_be_pinned() -> None:
    lock = (LOCKS / "paddle.txt").read_text()
    changed = pinned(lock, [Pin("paddlepaddle", "3.2.2")])
    assert "paddlepaddle==3.2.2\n" in changed
    assert "paddlepaddle==3.3.1" not in changed
    assert locked_packages(changed) == locked_packages(lock)
    assert changed.count("--hash") > 100


def test_an_environment_with_a_pin_has_a_folder_of_its_own(tmp_path: Path) -> None:
    plain = Environments(tmp_path)
    other = Environments(tmp_path, pins=[Pin("paddlepaddle", "3.2.2")])
    assert plain._folder("paddle") != other._folder("paddle")
    assert plain._folder("lite") != plain._folder("paddle")
    assert Environments(tmp_path, pins=[Pin("no-such", "1")]).lock("paddle").count("no-such") == 0
