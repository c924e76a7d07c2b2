"""Signatures of files by OpenSSH's `ssh-keygen -Y`, of this project's own namespace."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.core.errors import BenchError, InputError, Unavailable
from bench.core.protocol import read_regular
from bench.launcher.process import request_folder

SUFFIX = ".sig"
NAMESPACE = "shufflenet-bench"  # a signature made for another purpose isn't taken for one
_TYPED_WITHIN_S = 300.0  # a passphrase, or a touch of a security key
_MOST_BYTES = 1 << 16


class NotSigned(BenchError):
    """A file has no signature by one of the signers."""


def sign(data: bytes, key: Path) -> bytes:
    """Return the signature of `data` by the private key in a file, or by an agent that holds it.

    Raises InputError where there is no such key, Unavailable where there is no ssh-keygen.
    """
    if not key.is_file():
        raise InputError(
            f"there is no key {key}",
            hint="name yours with --key, or make one with `ssh-keygen -t ed25519`",
        )
    done = _ssh_keygen("sign", "-f", str(key), "-n", NAMESPACE, data=data)
    if done.returncode != 0:
        raise InputError(
            f"{key} can't sign: {_last_words(done)}", hint="give the file of a private SSH key"
        )
    return done.stdout


def check_signature(path: Path, signers: Path) -> str:
    """Return whose signature `path` has beside it, by `signers`, a file of `allowed_signers`.

    Raises NotSigned where it has none by one of them, InputError where `signers` can't be read,
    Unavailable where there is no ssh-keygen.
    """
    if not signers.is_file():
        raise InputError(
            f"there is no file of signers {signers}",
            hint="write one, a line a signer: a name, a space and the public key",
        )
    try:
        data, signature = path.read_bytes(), read_regular(_beside(path), limit=_MOST_BYTES)
    except FileNotFoundError:
        raise NotSigned("it isn't signed", hint="whoever measured it can sign it") from None
    except OSError as error:
        raise NotSigned(
            f"its signature can't be read: {error.strerror}", hint="get it again from its signer"
        ) from error
    with request_folder() as folder:
        copy = folder / "signature"
        copy.write_bytes(signature)
        given = ("-f", str(signers), "-s", str(copy))
        found = _ssh_keygen("find-principals", *given)
        names = found.stdout.decode("utf-8", "replace").splitlines()
        if found.returncode != 0 or not names:
            raise NotSigned(
                f"its signature is of nobody in {signers} ({_last_words(found)})",
                hint="add the signer's public key there if you trust it",
            )
        done = _ssh_keygen("verify", *given, "-I", names[0], "-n", NAMESPACE, data=data)
    if done.returncode != 0:
        raise NotSigned(
            f"the signature by {names[0]} isn't of this file ({_last_words(done)})",
            hint="it was changed after it was signed: get it again from its signer",
        )
    return names[0]


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _ssh_keygen(what: str, *flags: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", "-Y", what, *flags]
    try:
        return subprocess.run(
            command, input=data, capture_output=True, timeout=_TYPED_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(
            f"ssh-keygen doesn't run: {error}",
            hint="install OpenSSH 8.2 or later (Debian: openssh-client)",
        ) from error


def _last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else f"status {done.returncode}"
