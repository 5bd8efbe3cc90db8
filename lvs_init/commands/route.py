"""route(8) of net-tools and /proc/net/route: IPv4 host routes and default gateways.

IPv6 needs no host routes of ours: with an address /128 Linux itself makes one in the main table, on any device
(addrconf.c, seen on Linux 6.1).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

from lvs_init.commands.command import Command
from lvs_init.model.network import Route, RouteKey

# uapi/linux/route.h
RTF_UP, RTF_GATEWAY, RTF_HOST, RTF_REJECT = 0x1, 0x2, 0x4, 0x200


def add_host(key: RouteKey, label: str) -> Command:
    """A host route through an alias: the label makes its address the preferred source."""
    return Command(("route", "add", "-host", key.address, "dev", label))


def delete_host(key: RouteKey) -> Command:
    return Command(("route", "del", "-host", key.address, "dev", key.interface))


def parse_proc(text: str) -> dict[RouteKey, Route]:
    """The host routes without a gateway in /proc/net/route, which shows the main table and no labels."""
    routes: dict[RouteKey, Route] = {}
    for interface, destination, _, flags, _, mask in _rows(text):
        if mask == "255.255.255.255" and flags & (RTF_UP | RTF_GATEWAY | RTF_REJECT) == RTF_UP:
            routes[RouteKey(interface, destination)] = Route()
    return routes


def parse_gateways(text: str) -> tuple[tuple[str, str], ...]:
    """The default routes' (interface, gateway) in /proc/net/route, the preferred one (lowest metric) first."""
    found = [
        (metric, interface, gateway)
        for interface, _, gateway, flags, metric, mask in _rows(text)
        if mask == "0.0.0.0" and flags & (RTF_UP | RTF_GATEWAY) == RTF_UP | RTF_GATEWAY
    ]
    return tuple((interface, gateway) for _, interface, gateway in sorted(found, key=lambda row: row[0]))


def _rows(text: str) -> Iterator[tuple[str, str, str, int, int, str]]:
    """Interface, destination, gateway, flags, metric and mask of each row (fib_trie.c fib_route_seq_show)."""
    for row in text.splitlines()[1:]:
        fields = row.split()
        if len(fields) >= 8:
            interface, destination, gateway, flags, _, _, metric, mask = fields[:8]
            yield interface, _address(destination), _address(gateway), int(flags, 16), int(metric), _address(mask)


def _address(hexadecimal: str) -> str:
    """``DB00A8C0`` -> ``192.168.0.219``: the address's bytes as a number of this machine's byte order."""
    return str(ipaddress.IPv4Address(struct.pack("=I", int(hexadecimal, 16))))
