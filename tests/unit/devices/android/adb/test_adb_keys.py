"""The key pair by which devices know this computer."""

from __future__ import annotations

import base64
import os
import stat
import struct
import subprocess
import threading
from pathlib import Path

import pytest
from adb_shell.auth.sign_pythonrsa import PythonRSASigner  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench.core.errors import BrokenFile, Unavailable
from bench.devices.android.adb.keys import load_signer, load_signers


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pair."""
    folder = tmp_path_factory.mktemp("pair")
    load_signer(folder)
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_pair_is_made_where_none_is_and_only_its_owner_reads_the_private_half(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "home" / ".android"
    before = os.umask(0)
    try:
        load_signer(folder)
    finally:
        os.umask(before)
    assert sorted(path.name for path in folder.iterdir()) == ["adbkey", "adbkey.pub"]
    assert mode(folder / "adbkey") == 0o600
    assert mode(folder) & 0o022 == 0


def test_the_pair_that_is_there_is_used_and_left_as_it_is(pair: Path) -> None:
    before = {path: path.read_bytes() for path in pair.iterdir()}
    assert load_signer(pair).public == load_signer(pair).public
    assert {path: path.read_bytes() for path in pair.iterdir()} == before


def test_a_lost_public_half_is_written_again(pair: Path) -> None:
    path = pair / "adbkey.pub"
    before = path.read_bytes()
    path.unlink()
    load_signer(pair)
    assert path.read_bytes() == before


def test_the_public_half_is_the_numbers_that_android_computes_with(pair: Path) -> None:
    blob = base64.b64decode(load_signer(pair).public.split()[0])
    words, inverse, modulus, square, exponent = struct.unpack("<II256s256sI", blob)
    n = int.from_bytes(modulus, "little")
    assert (words, exponent) == (64, 65537)
    assert n.bit_length() == 2048
    assert (n * inverse + 1) % (1 << 32) == 0
    assert int.from_bytes(square, "little") == pow(2, 4096, n)


def test_a_token_is_signed_as_adb_shells_own_signer_does(pair: Path) -> None:
    token = bytes(range(20))
    other = PythonRSASigner.FromRSAKeyPath(str(pair / "adbkey"))
    assert load_signer(pair).sign(token) == other.Sign(token)


def test_two_that_make_a_pair_at_once_get_the_same(tmp_path: Path) -> None:
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(load_signer(tmp_path).public)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert set(made) == {load_signer(tmp_path).public}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adbkey", "adbkey.pub"]


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_a_file_that_is_no_key_of_this_kind_says_so(tmp_path: Path) -> None:
    curve = pem(ec.generate_private_key(ec.SECP256R1()))
    short = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    for content, problem in (
        (b"nonsense", "is no private key"), (curve, "is no RSA key"), (short, "of 2048 bits"),
    ):  # fmt: skip
        (tmp_path / "adbkey").write_bytes(content)
        with pytest.raises(BrokenFile, match=problem) as raised:
            load_signer(tmp_path)
        assert "move it away" in raised.value.hint
        assert (tmp_path / "adbkey").read_bytes() == content


def test_a_folder_that_cannot_hold_a_pair_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="Not a directory") as raised:
        load_signer(tmp_path / "file" / ".android")
    assert "HOME" in raised.value.hint


def test_further_keys_come_from_the_variable_that_adb_reads(pair: Path, tmp_path: Path) -> None:
    vendor, single = tmp_path / "vendor", tmp_path / "single"
    second = load_signer(vendor)
    (vendor / "adbkey").rename(vendor / "x.adb_key")
    third = load_signer(single)
    (vendor / "broken.adb_key").write_text("nonsense")
    named = f"{vendor}:{single / 'adbkey'}:{tmp_path / 'absent'}"

    signers = load_signers(pair, environment={"ADB_VENDOR_KEYS": named})

    assert [each.public for each in signers] == [
        load_signer(pair).public, second.public, third.public
    ]  # fmt: skip
    assert len(load_signers(pair, environment={})) == 1


def test_openssl_reads_the_pair(pair: Path) -> None:
    try:
        read = subprocess.run(
            ["openssl", "rsa", "-in", str(pair / "adbkey"), "-check", "-noout"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no openssl here to judge the key")
    assert read.returncode == 0, read.stderr
