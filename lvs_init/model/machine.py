"""What a machine is like before we touch it, as far as deciding needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.model.network import AddressKey, Alias


@dataclass(frozen=True)
class Interface:
    """A network device. ``mtu`` in bytes; ``noarp``: it never speaks ARP (tunl0); ``hardware``: MAC, "" for none."""

    name: str
    up: bool = True
    loopback: bool = False
    noarp: bool = False
    mtu: int = 1500
    hardware: str = ""


@dataclass(frozen=True)
class Machine:
    """A node as it would be without us.

    ``node``: ``uname -n``. ``sysctls``: path with slashes -> value, where keys that we set show what was there before.
    ``gateways``: addresses of the default routes' gateways.
    """

    node: str
    interfaces: Mapping[str, Interface]
    addresses: Mapping[AddressKey, Alias]
    sysctls: Mapping[str, str] = field(default_factory=dict)
    gateways: tuple[str, ...] = ()
