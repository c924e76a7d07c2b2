"""Which computers the stand-in trusts, by the RSA keys that adb makes."""

from __future__ import annotations

import base64
import enum
import struct
from dataclasses import dataclass, field

TOKEN_BYTES = 20
TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3
# Words, -1/n mod 2^32, modulus, R^2 mod n, exponent: libcrypto_utils' android_pubkey.c.
_KEY = struct.Struct("<II256s256sI")
# What precedes a SHA-1 digest in a PKCS #1 v1.5 signature (RFC 8017, 9.2).
_SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")


class Policy(enum.Enum):
    """OPEN asks for no key; the others ask, and trust as their names say."""

    OPEN = "open"
    ANY_KEY = "any key, as if its owner allowed the first one that asks"
    KNOWN_KEYS = "known keys only"
    NEVER = "never: the dialog stays unanswered"


@dataclass(slots=True, kw_only=True)
class Gate:
    """The policy, and the keys that are known: lines as in adbkey.pub. May change while in use."""

    policy: Policy = Policy.ANY_KEY
    known: list[bytes] = field(default_factory=list)

    def admits(self, signature: bytes, *, token: bytes) -> bool:
        """Return whether a known key signed `token`."""
        if self.policy is Policy.NEVER:
            return False
        return any(_signed(token, signature, key) for key in self.known)

    def trusts(self, key: bytes) -> bool:
        """Return whether `key` is allowed from now on, and remember it if so."""
        if self.policy is not Policy.ANY_KEY or _numbers(key) is None:
            return False
        self.known.append(key)
        return True


def _numbers(key: bytes) -> tuple[int, int] | None:
    """Return the modulus and the exponent of a line of adbkey.pub, None where it is no key."""
    try:
        raw = base64.b64decode(key.split()[0].rstrip(b"\0"), validate=True)
        _, _, modulus, _, exponent = _KEY.unpack(raw)
    except (ValueError, IndexError, struct.error):
        return None
    return int.from_bytes(modulus, "little"), exponent


def _signed(token: bytes, signature: bytes, key: bytes) -> bool:
    numbers = _numbers(key)
    if numbers is None:
        return False
    modulus, exponent = numbers
    opened = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(256, "big")
    tail = b"\0" + _SHA1 + token
    return opened == b"\0\1".ljust(256 - len(tail), b"\xff") + tail
