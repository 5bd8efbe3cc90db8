"""Who on the link says that an address is his: raw ARP and neighbour solicitations. Runs in a host (Node.call).

Both ask as a machine does that wants the address for itself (RFC 5227, RFC 4862), so neither the asker's address nor
a route of the one who answers matters, and nobody's neighbour table learns anything.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Callable

_ARP, _IPV6 = 0x0806, 0x86DD
_REPLY = 2
_SOLICITATION, _ADVERTISEMENT, _ICMPV6 = 135, 136, 58


def who_answers_arp(interface: str, address: str, seconds: float = 0.5) -> list[str]:
    """The MACs that answer an ARP probe for an IPv4 address within `seconds`, sorted, each once."""
    wanted = socket.inet_pton(socket.AF_INET, address)

    def frame(own: bytes) -> bytes:
        request = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, own, bytes(4), bytes(6), wanted)
        return b"\xff" * 6 + own + struct.pack("!H", _ARP) + request

    def answered(packet: bytes) -> bytes | None:
        operation, mac, sender = struct.unpack("!H6s4s", packet[20:32])
        return mac if operation == _REPLY and sender == wanted else None

    return _probe(interface, _ARP, frame, answered, seconds)


def who_answers_ns(interface: str, address: str, seconds: float = 0.5) -> list[str]:
    """The MACs that answer a neighbour solicitation for an IPv6 address within `seconds`, sorted, each once."""
    wanted = socket.inet_pton(socket.AF_INET6, address)
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + wanted[13:]

    def frame(own: bytes) -> bytes:
        message = struct.pack("!BBHI16s", _SOLICITATION, 0, 0, 0, wanted)
        pseudo = bytes(16) + group + struct.pack("!II", len(message), _ICMPV6)
        message = message[:2] + struct.pack("!H", _checksum(pseudo + message)) + message[4:]
        # RFC 4861: hop limit 255; no source, no source link-layer option: a question of duplicate address detection.
        header = struct.pack("!IHBB16s16s", 6 << 28, len(message), _ICMPV6, 255, bytes(16), group)
        return b"\x33\x33" + group[12:] + own + struct.pack("!H", _IPV6) + header + message

    def answered(packet: bytes) -> bytes | None:
        is_answer = packet[20] == _ICMPV6 and packet[54] == _ADVERTISEMENT and packet[62:78] == wanted
        return packet[6:12] if is_answer else None

    return _probe(interface, _IPV6, frame, answered, seconds)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _probe(
    interface: str,
    protocol: int,
    frame: Callable[[bytes], bytes],
    answered: Callable[[bytes], bytes | None],
    seconds: float,
) -> list[str]:
    found: set[str] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol)) as link:
        link.bind((interface, protocol))
        link.send(frame(link.getsockname()[4]))
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                packet, sender = link.recvfrom(2048)
            except socket.timeout:
                break
            if sender[2] != socket.PACKET_OUTGOING and len(packet) >= 42:
                mac = answered(packet.ljust(78, b"\0"))
                if mac:
                    found.add(mac.hex(":"))
    return sorted(found)
