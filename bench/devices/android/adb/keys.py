"""The key pairs by which a device knows this computer: those of `adb` itself, in ~/.android."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adb_shell.auth.keygen import encode_pubkey  # type: ignore[import-untyped]
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from bench.core.atomic import temporary_beside
from bench.core.errors import BrokenFile, Unavailable

ANDROID_FOLDER = Path("~/.android")
KEY_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key, and its public half in the form that devices read."""

    key: rsa.RSAPrivateKey
    public: bytes

    def sign(self, token: bytes) -> bytes:
        """Return the signature over a device's token, which stands for a SHA-1 digest."""
        return self.key.sign(token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))  # noqa: S303  # nosec B303


def load_signer(folder: Path = ANDROID_FOLDER) -> Signer:
    """Return the signer of `folder`/adbkey; makes the pair, readable by this user only, if missing.

    Raises BrokenFile where the file holds no such key, Unavailable where it can't be made.
    """
    path = folder.expanduser() / "adbkey"
    try:
        if not path.exists():
            _make_key(path)
        signer = _read(path)
        public = path.with_name(f"{path.name}.pub")
        if not public.exists():
            with temporary_beside(public, mode=0o600) as made:
                made.write_bytes(signer.public + b"\n")
                made.chmod(0o644)
                made.replace(public)
    except OSError as error:
        raise Unavailable(
            f"{path} can't serve as this computer's key ({error.strerror})",
            hint=f"make {path.parent} writable, or set HOME to a folder that is",
        ) from error
    return signer


def load_signers(
    folder: Path = ANDROID_FOLDER, *, environment: Mapping[str, str] = os.environ
) -> list[Signer]:
    """Return this computer's own signer, then those of the files that ADB_VENDOR_KEYS names.

    As for adb, that is a list of key files, or of folders of *.adb_key, joined by `:`. What can't
    be read as a key there is left out.
    """
    signers = [load_signer(folder)]
    for path in map(Path, filter(None, environment.get("ADB_VENDOR_KEYS", "").split(os.pathsep))):
        for file in sorted(path.glob("*.adb_key")) if path.is_dir() else [path]:
            with suppress(OSError, BrokenFile):
                signers.append(_read(file))
    return signers


def _read(path: Path) -> Signer:
    hint = "move it away, and a new one is made"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BrokenFile(path, "is no private key", hint=hint) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != KEY_BITS:
        raise BrokenFile(path, f"is no RSA key of {KEY_BITS} bits", hint=hint)
    return Signer(key=key, public=base64.b64encode(encode_pubkey(path)) + b" bench@localhost")


def _make_key(path: Path) -> None:
    """Make a key at `path`, whole or not at all; one that another process made first stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with temporary_beside(path, mode=0o600) as made, suppress(FileExistsError):
        made.write_bytes(pem)
        os.link(made, path)
