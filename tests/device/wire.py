"""Packets of ADB over TCP, as both ends write them."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

CNXN, AUTH, OPEN, OKAY, WRTE, CLSE = (
    int.from_bytes(name, "little")
    for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE")
)
# From this version on a packet's checksum may be 0.
VERSION = 0x01000001
MAX_PAYLOAD = 1 << 20
HEADER = struct.Struct("<6I")
WORD = 0xFFFFFFFF


class BadPacket(Exception):
    """Bytes that are no packet: the connection is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One message; what the arguments mean depends on the command."""

    command: int
    arg0: int
    arg1: int
    data: bytes = b""

    def to_bytes(self, version: int = VERSION) -> bytes:
        """Return the packet for a peer of `version`; an older one is owed the checksum."""
        checksum = 0 if version >= VERSION else sum(self.data) & WORD
        head = (self.command, self.arg0, self.arg1, len(self.data), checksum)
        return HEADER.pack(*head, self.command ^ WORD) + self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first 24 bytes of a packet; raises BadPacket where they can't be."""

    command: int
    arg0: int
    arg1: int
    length: int
    checksum: int

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        command, arg0, arg1, length, checksum, magic = HEADER.unpack(raw)
        if magic != command ^ WORD or length > MAX_PAYLOAD:
            raise BadPacket(raw)
        return cls(command=command, arg0=arg0, arg1=arg1, length=length, checksum=checksum)

    def packet(self, data: bytes) -> Packet:
        if self.checksum and self.checksum != sum(data) & WORD:
            raise BadPacket(data[:40])
        return Packet(command=self.command, arg0=self.arg0, arg1=self.arg1, data=data)


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Return the next packet; raises BadPacket, and IncompleteReadError at the end."""
    head = Head.parse(await reader.readexactly(HEADER.size))
    return head.packet(await reader.readexactly(head.length))
