"""Netlink attributes: kind, length and data, one after the other, each from a multiple of four on (linux/netlink.h)."""

from __future__ import annotations

import struct

NESTED = 0x8000  # or-ed with the kind of an attribute that holds others

_HEAD = struct.Struct("=HH")  # length with this head, kind
_KIND = 0x3FFF  # NLA_TYPE_MASK: the other bits tell of nesting and of the order of bytes


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, filled up to where the next one begins."""
    return _HEAD.pack(_HEAD.size + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """Kind -> data. Raises ValueError where a length is none."""
    found: dict[int, bytes] = {}
    position, end = 0, len(data)
    while end - position >= _HEAD.size:
        length, kind = _HEAD.unpack_from(data, position)
        if not _HEAD.size <= length <= end - position:
            raise ValueError(f"an attribute of {length} bytes where there are {end - position}")
        found[kind & _KIND] = data[position + _HEAD.size : position + length]
        position += (length + 3) & ~3
    return found
