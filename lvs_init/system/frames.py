"""Ethernet frames that announce an address or ask who else has it. Bytes in, bytes out.

Formats: RFC 826 and 5227 (ARP), RFC 4861 and 4862 (neighbour discovery), RFC 8200 section 8.1 (checksum).
"""

from __future__ import annotations

import ipaddress
import struct

ARP, IPV6 = 0x0806, 0x86DD  # EtherTypes
REQUEST, REPLY = 1, 2
SOLICITATION, ADVERTISEMENT = 135, 136
ICMPV6 = 58
ROUTER, OVERRIDE = 0x80000000, 0x20000000

BROADCAST = b"\xff" * 6
ALL_NODES = ipaddress.IPv6Address("ff02::1").packed
ALL_NODES_HARDWARE = b"\x33\x33\x00\x00\x00\x01"
_UNKNOWN = bytes(16)

_ARP_HEAD = struct.pack("!HHBB", 1, 0x0800, 6, 4)  # Ethernet and IPv4


def gratuitous_arp(hardware: bytes, address: str, operation: int) -> bytes:
    """Tells everybody that ``address`` is at ``hardware``. Some receivers believe only the request, some the reply."""
    own = ipaddress.IPv4Address(address).packed
    target = hardware if operation == REPLY else bytes(6)
    return BROADCAST + hardware + struct.pack("!H", ARP) + _arp(operation, hardware, own, target, own)


def arp_probe(hardware: bytes, address: str) -> bytes:
    """Asks who has ``address`` without claiming it: the sender is 0.0.0.0 (RFC 5227), which no cache takes in."""
    asked = ipaddress.IPv4Address(address).packed
    return BROADCAST + hardware + struct.pack("!H", ARP) + _arp(REQUEST, hardware, bytes(4), bytes(6), asked)


def advertisement(hardware: bytes, address: str, *, router: bool) -> bytes:
    """The unsolicited neighbour advertisement that replaces what neighbours know.

    ``router``: whether we forward; saying no would take us off their list of default routers (RFC 4861, 7.2.5).
    """
    own = ipaddress.IPv6Address(address).packed
    body = struct.pack("!I", OVERRIDE | (ROUTER if router else 0)) + own + b"\x02\x01" + hardware
    return ALL_NODES_HARDWARE + hardware + _icmpv6(own, ALL_NODES, ADVERTISEMENT, body)


def solicitation(hardware: bytes, address: str) -> bytes:
    """Asks who has ``address`` as duplicate address detection does: from nowhere, to the solicited-node group."""
    asked = ipaddress.IPv6Address(address).packed
    group = ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + asked[13:]
    return b"\x33\x33" + group[12:] + hardware + _icmpv6(_UNKNOWN, group, SOLICITATION, bytes(4) + asked)


def claimed(frame: bytes) -> tuple[str, bytes] | None:
    """(address, MAC) that a received frame claims for its sender; None for every other frame, however broken."""
    kind = frame[12:14]
    if kind == struct.pack("!H", ARP) and len(frame) >= 42 and frame[14:20] == _ARP_HEAD:
        sender = frame[28:32]
        return (str(ipaddress.IPv4Address(sender)), frame[22:28]) if any(sender) else None
    if kind == struct.pack("!H", IPV6) and len(frame) >= 78 and frame[20] == ICMPV6 and frame[54] == ADVERTISEMENT:
        return str(ipaddress.IPv6Address(frame[62:78])), frame[80:86] if frame[78:80] == b"\x02\x01" else frame[6:12]
    return None


def unasked(frame: bytes) -> bool:
    """Whether a frame that claims an address announces it, and does not only ask for another one in its name."""
    return frame[12:14] != struct.pack("!H", ARP) or frame[20:22] == b"\0\2" or frame[28:32] == frame[38:42]


def _arp(operation: int, hardware: bytes, sender: bytes, target_hardware: bytes, target: bytes) -> bytes:
    return _ARP_HEAD + struct.pack("!H", operation) + hardware + sender + target_hardware + target


def _icmpv6(source: bytes, target: bytes, kind: int, body: bytes) -> bytes:
    length = 4 + len(body)
    pseudo = source + target + struct.pack("!II", length, ICMPV6)
    checksum = _checksum(pseudo + struct.pack("!BBH", kind, 0, 0) + body)
    # Hop limit 255: receivers drop neighbour discovery that could have crossed a router.
    head = struct.pack("!IHBB", 6 << 28, length, ICMPV6, 255) + source + target
    return struct.pack("!H", IPV6) + head + struct.pack("!BBH", kind, 0, checksum) + body


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
