"""Hears which networks a host calls its own, however briefly. Runs in a host (Node.serve)."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

_HEARD = "/run/lab-local-networks"
_RTMGRP_IPV4_ROUTE, _RTM_NEWROUTE = 0x40, 24  # linux/rtnetlink.h
_RTN_LOCAL, _RTA_DST = 2, 1


def local_networks() -> Iterator[str]:
    """Yield once it listens; then write down every local IPv4 route that comes."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.bind((0, _RTMGRP_IPV4_ROUTE))
        yield "listening"
        while True:
            packet = link.recv(65536)
            with open(_HEARD, "a", encoding="ascii") as file:
                file.writelines(f"{network}\n" for network in _networks(packet))


def heard(until: str, seconds: float = 60.0) -> list[str]:
    """The networks so far, once the one that comes last is among them. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError), open(_HEARD, encoding="ascii") as file:
            networks = file.read().split()
            if until in networks:
                return networks
        time.sleep(0.01)
    raise TimeoutError(until)


def _networks(packet: bytes) -> Iterator[str]:
    """A message's header (16 bytes), then struct rtmsg (12 bytes), then attributes: netlink(7), rtnetlink(7)."""
    while len(packet) >= 28:
        length, kind = struct.unpack_from("=IH", packet)
        width, route_type = packet[17], packet[23]
        if kind == _RTM_NEWROUTE and route_type == _RTN_LOCAL:
            attributes = packet[28:length]
            while len(attributes) >= 4:
                size, name = struct.unpack_from("=HH", attributes)
                if name == _RTA_DST:
                    yield f"{socket.inet_ntoa(attributes[4:8])}/{width}"
                attributes = attributes[(size + 3) & ~3 :]
        packet = packet[(length + 3) & ~3 :]
