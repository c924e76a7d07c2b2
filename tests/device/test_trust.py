"""Whom the stand-in trusts, with keys as adb makes them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1

from tests.device.daemon import Device, Policy, running_device
from tests.device.peer import Peer, connected
from tests.device.wire import AUTH, CNXN, Packet

TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3


@pytest.fixture(scope="module")
def keys() -> list[rsa.RSAPrivateKey]:
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def public(key: rsa.RSAPrivateKey) -> bytes:
    """Return the line of adbkey.pub."""
    n = key.public_key().public_numbers().n
    numbers = [(64, 4), (-pow(n, -1, 1 << 32) % (1 << 32), 4), (n, 256), ((1 << 4096) % n, 256)]
    raw = b"".join(value.to_bytes(size, "little") for value, size in [*numbers, (65537, 4)])
    return base64.b64encode(raw) + b" someone@somewhere\0"


def sign(peer: Peer, key: rsa.RSAPrivateKey, token: bytes) -> Packet:
    """Answer with a signature and return what comes back."""
    signature = key.sign(token, padding.PKCS1v15(), Prehashed(SHA1()))  # noqa: S303 (ADB's hash)
    peer.send(AUTH, SIGNATURE, 0, signature)
    return peer.receive()


@contextmanager
def asked(device: Device) -> Iterator[tuple[Peer, bytes]]:
    """Connect, and be asked to sign a token."""
    with connected(device.serial) as peer:
        packet = peer.greet()
        assert (packet.command, packet.arg0, len(packet.data)) == (AUTH, TOKEN, 20)
        yield peer, packet.data


def silent(peer: Peer) -> bool:
    peer.sock.settimeout(0.3)
    try:
        peer.receive()
    except TimeoutError:
        return True
    return False


def test_the_first_key_that_asks_is_allowed_and_known_from_then_on(
    tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    with running_device(tmp_path) as device:
        with asked(device) as (peer, token):
            again = sign(peer, keys[0], token)
            assert (again.command, again.arg0) == (AUTH, TOKEN)
            assert again.data != token
            peer.send(AUTH, PUBLIC_KEY, 0, public(keys[0]))
            assert peer.receive().command == CNXN
        with asked(device) as (peer, token):
            assert sign(peer, keys[0], token).command == CNXN


def test_a_known_key_opens_and_another_is_left_waiting(
    tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    known = [public(keys[0])]
    with running_device(tmp_path, auth=Policy.KNOWN_KEYS, known_keys=known) as device:
        with asked(device) as (peer, token):
            assert sign(peer, keys[0], token).command == CNXN
        with asked(device) as (peer, token):
            assert sign(peer, keys[1], token).command == AUTH
            peer.send(AUTH, PUBLIC_KEY, 0, public(keys[1]))
            assert silent(peer)


def test_a_signature_of_another_token_does_not_open(
    tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    known = [public(keys[0])]
    choosy = running_device(tmp_path, auth=Policy.KNOWN_KEYS, known_keys=known)
    with choosy as device, asked(device) as (peer, _):
        assert sign(peer, keys[0], b"x" * 20).command == AUTH


def test_one_that_never_trusts_leaves_even_a_known_key_waiting(
    tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    never = running_device(tmp_path, auth=Policy.NEVER, known_keys=[public(keys[0])])
    with never as device, asked(device) as (peer, token):
        assert sign(peer, keys[0], token).command == AUTH
        peer.send(AUTH, PUBLIC_KEY, 0, public(keys[0]))
        assert silent(peer)


def test_what_is_no_key_is_not_allowed(tmp_path: Path) -> None:
    with running_device(tmp_path) as device, asked(device) as (peer, _):
        peer.send(AUTH, PUBLIC_KEY, 0, b"bm8ga2V5 someone@somewhere\0")
        assert silent(peer)


def test_trust_can_be_withdrawn_while_it_runs(
    tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    with running_device(tmp_path, known_keys=[public(keys[0])]) as device:
        device.gate.policy = Policy.NEVER
        with asked(device) as (peer, token):
            assert sign(peer, keys[0], token).command == AUTH
