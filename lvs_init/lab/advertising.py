"""A router that advertises itself (RFC 4861, 4.2). Runs in a host (Node.serve)."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

_ADVERTISEMENT = 134
_LIFETIME = 1800  # seconds that it is a default router
_EVERY = 0.2  # seconds
_ALL_NODES = "ff02::1"


def advertise(interface: str) -> Iterator[None]:
    """Say on this interface that we are a default router, again and again."""
    # Type, code, checksum (the kernel's), hop limit, flags, lifetime; reachable time and retransmissions: unspecified.
    message = struct.pack("!BBHBBHII", _ADVERTISEMENT, 0, 0, 0, 0, _LIFETIME, 0, 0)
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as speaker:
        speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)  # less is not believed
        speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        speaker.sendto(message, (_ALL_NODES, 0, 0, index))
        yield
        while True:
            time.sleep(_EVERY)
            speaker.sendto(message, (_ALL_NODES, 0, 0, index))
