"""Addresses as canonical text.

Inside the program an address is the text that ``ipaddress`` would print: one form for one address, so that it can be a
key, be compared and be stored without another parse. Text from outside becomes one here and nowhere else.
"""

from __future__ import annotations

import ipaddress


def canonical(text: str) -> str:
    """The canonical form of an IPv4 or IPv6 address. Raises ValueError where it is none; resolves no names.

    A zone (``fe80::1%eth0``) is refused: IPVS has no place for one.
    """
    if "%" in text:
        raise ValueError(f"'{text}' has a zone, which a virtual or real server's address cannot have")
    return str(ipaddress.ip_address(text))


def family_of(address: str) -> int:
    """4 or 6, for canonical text."""
    return 6 if ":" in address else 4


def full_prefix(address: str) -> int:
    """The prefix length that means this address alone: 32 or 128."""
    return 128 if ":" in address else 32


def network_of(address: str, prefix: int) -> str:
    """``192.168.0.219``, 24 -> ``192.168.0.0/24``."""
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def inside(address: str, network: str) -> bool:
    """Whether the address lies in the network; False across families."""
    if family_of(address) != (6 if ":" in network else 4):
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def broadcast_of(address: str, prefix: int) -> str:
    """The broadcast address to set: the address itself for /31 and /32, the network's otherwise; "" for IPv6.

    Always set explicitly, because ifconfig derives one from the address class and ip sets none (semantics seen on
    Linux 6.1).
    """
    if ":" in address:
        return ""
    if prefix >= 31:
        return address
    return str(ipaddress.IPv4Network(f"{address}/{prefix}", strict=False).broadcast_address)


def netmask_of(prefix: int) -> str:
    """24 -> ``255.255.255.0``."""
    return str(ipaddress.IPv4Network(f"0.0.0.0/{prefix}").netmask)


def prefix_of(netmask: str) -> int:
    """``255.255.255.0`` -> 24. Raises ValueError for a mask with holes."""
    return ipaddress.IPv4Network(f"0.0.0.0/{netmask}").prefixlen
