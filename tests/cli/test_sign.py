"""`bench sign` and `bench verify --signers`, with the real ssh-keygen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.verifying import Place, edit_run
from tests.fakes import tables as fakes

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing: install openssh-client"
)


def make_key(path: Path) -> Path:
    """Make a key without a passphrase."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def allow(key: Path, name: str, *options: str) -> Path:
    """Write the file of signers that trusts `key` as `name`."""
    signers = key.with_suffix(".signers")
    public = key.with_suffix(".pub").read_text().strip()
    signers.write_text(" ".join((name, *options, public)) + "\n")
    return signers


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder / name) for name in ("alice", "mallory")}


@pytest.fixture
def signed(place: Place, keys: dict[str, Path]) -> Place:
    """A run that Alice has signed."""
    assert sign(place, keys["alice"]) == 0
    return place


def sign(place: Place, key: Path, run: str = "latest") -> int:
    where = ["--results", str(place.root / "results")]
    return main(["sign", run, "--key", str(key), *where], fakes.tables())


def refusal(place: Place, status: int, *flags: str) -> str:
    """The one line that names the run as unsigned, for which `verify` ends with status 1."""
    lines = place.verify(*flags, status=status).splitlines()
    (line,) = (line for line in lines if line.startswith("unsigned"))
    return line


def test_a_signed_run_is_told_with_its_signer(signed: Place, keys: dict[str, Path]) -> None:
    signers = str(allow(keys["alice"], "alice@example.org"))
    *_, sentence = signed.verify("--signers", signers, status=0).splitlines()
    assert sentence.endswith("4 sealed as the run was completed, signed by alice@example.org")
    told = signed.told("--signers", signers, status=0)
    assert told["origin"] == {"signer": "alice@example.org", "problem": None}
    assert "shows no origin" in signed.verify(status=0)  # whose isn't asked


def test_the_signature_s_file_is_told_as_json_too(place: Place, keys: dict[str, Path]) -> None:
    argv = ["sign", place.run.name, "--key", str(keys["alice"]), *place.flags()[:2], "--json"]
    assert main(argv, fakes.tables()) == 0
    told = json.loads(place.capsys.readouterr().out)
    assert told == {"file": str(place.run / "run.json.sig"), "run": place.run.name}
    assert Path(told["file"]).read_text().startswith("-----BEGIN SSH SIGNATURE-----")


def test_an_unsigned_run_is_named_where_signers_are_given(
    place: Place, keys: dict[str, Path]
) -> None:
    signers = str(allow(keys["alice"], "alice"))
    assert "it isn't signed: whoever measured it can sign it" in refusal(
        place, 1, "--signers", signers
    )
    assert place.told("--signers", signers, status=1)["origin"]["signer"] is None


def test_a_signature_by_somebody_else_is_none(signed: Place, keys: dict[str, Path]) -> None:
    signers = str(allow(keys["mallory"], "mallory"))
    assert f"its signature is of nobody in {signers}" in refusal(signed, 1, "--signers", signers)


def test_a_signer_whose_time_is_over_is_none(signed: Place, keys: dict[str, Path]) -> None:
    signers = str(allow(keys["alice"], "alice", 'valid-before="20200101"'))
    assert "unsigned" in refusal(signed, 1, "--signers", signers)


def test_a_run_that_was_changed_and_sealed_anew_is_not_the_one_that_was_signed(
    signed: Place, keys: dict[str, Path]
) -> None:
    edit_run(signed, lambda run: run.update(seed=77))
    line = refusal(signed, 1, "--signers", str(allow(keys["alice"], "alice")))
    assert "the signature by alice isn't of this file" in line


def test_a_signature_for_another_purpose_is_none(place: Place, keys: dict[str, Path]) -> None:
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(keys["alice"])]
    subprocess.run([*command, str(place.run / "run.json")], check=True, capture_output=True)
    line = refusal(place, 1, "--signers", str(allow(keys["alice"], "alice")))
    assert "the signature by alice isn't of this file" in line


def _to_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:40]), lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\0" * 100_000), _to_link, _to_pipe,
    ],
)  # fmt: skip
def test_a_damaged_signature_is_none(
    signed: Place, keys: dict[str, Path], damage: Callable[[Path], object]
) -> None:
    damage(signed.run / "run.json.sig")
    line = refusal(signed, 1, "--signers", str(allow(keys["alice"], "alice")))
    assert "its signature" in line


def test_a_record_that_was_changed_after_the_run_was_signed_is_stale(
    signed: Place, keys: dict[str, Path]
) -> None:
    (path,) = (signed.run / "cells").glob("one-*-b1-*.json")
    values = json.loads(path.read_text())
    del values["digest"]
    path.write_text(json.dumps(values))
    argv = ["verify", *signed.flags(), "--signers", str(allow(keys["alice"], "alice"))]
    assert main(argv, fakes.tables()) == 1
    assert "it isn't the file that the run was completed with" in signed.capsys.readouterr().err


def test_what_can_not_be_signed_is_one_sentence(
    place: Place, keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(run: str = "latest", key: Path = keys["alice"]) -> str:
        assert sign(place, key, run) == 2
        return place.capsys.readouterr().err

    assert "there is no key" in said(key=tmp_path / "none")
    (tmp_path / "text").write_text("no key\n")
    assert "text can't sign: " in said(key=tmp_path / "text")
    assert "there is no run '2024'" in said("2024")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert "ssh-keygen doesn't run" in said()
    edit_run(place, lambda run: run.update(sealed={}))
    assert "of an earlier version, whose run.json covers no record" in said()
    edit_run(place, lambda run: run.update(status="interrupted"))
    assert "isn't complete: finish it first" in said()
    assert not (place.run / "run.json.sig").exists()


def test_signers_that_are_not_there_are_one_sentence(signed: Place, tmp_path: Path) -> None:
    argv = ["verify", *signed.flags(), "--signers", str(tmp_path / "none")]
    assert main(argv, fakes.tables()) == 2
    assert "there is no file of signers" in signed.capsys.readouterr().err


def test_a_verb_without_its_words_names_an_example(place: Place) -> None:
    where = ["--results", str(place.root / "results")]
    assert main(["sign", "latest", *where], fakes.tables()) == 2
    assert "sign latest --key KEY_FILE" in place.capsys.readouterr().err
