"""A validated configuration as typed, canonical, frozen values. One file describes one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.model.ha import HighAvailability
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey


@dataclass(frozen=True)
class Vip:
    """A virtual IP address as the file has it. ``prefix`` is 32 or 128 unless written otherwise."""

    address: str
    prefix: int


@dataclass(frozen=True)
class Match:
    """What the marking rules of a firewall-mark service catch: a protocol ("" for all) and port (0 for all)."""

    protocol: str = ""
    port: int = 0


@dataclass(frozen=True)
class VirtualService:
    """A service with its VIPs (one, or several for a firewall mark) and its real servers in file order."""

    path: str  # "service[0]": where it stands in the file
    key: ServiceKey
    service: Service
    vips: tuple[Vip, ...]
    interface: str | None = None  # overrides the director's
    match: tuple[Match, ...] | None = None  # None: the admin marks
    realservers: tuple[tuple[RealServerKey, RealServer], ...] = ()
    drain_timeout: int | None = None  # seconds; overrides the director's
    weights: str = "file"  # file | live

    @property
    def forwardings(self) -> tuple[str, ...]:
        """The forwarding methods that its real servers use, each once, sorted."""
        return tuple(sorted({value.forwarding for _, value in self.realservers}))


@dataclass(frozen=True)
class Director:
    """The director's own keys. Where something is None the machine decides."""

    interface: str | None = None  # a device or, with a label, "eth0:1": the label of the first VIP
    dip: Vip | None = None  # its prefix counts with dip_interface only
    dip_interface: str | None = None
    flush_iptables: bool = False
    clear_ipvs: bool = False
    restore_ip_forward: bool = True
    duplicate_vip: str = "warn"  # warn | refuse
    drain_timeout: int = 300  # seconds
    max_removal: float = 0.5  # the share of the real servers or services that a reload may take away at once
    timeouts: Mapping[str, int] = field(default_factory=dict)  # tcp, tcpfin, udp -> seconds
    sysctl: Mapping[str, str] = field(default_factory=dict)  # path with slashes -> value


@dataclass(frozen=True)
class RealServerRole:
    """The keys that only real servers read."""

    interface: str | None = None  # the interface that faces the VIPs; None: every one that could answer for a VIP
    sysctl: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeOverride:
    """``[node.NAME]``: what is different on the machine whose ``uname -n`` is NAME. None: nothing.

    ``ha_interfaces``: an interface as ``[ha]`` names it -> what it is called there.
    """

    interface: str | None = None
    dip: Vip | None = None
    dip_interface: str | None = None
    realserver_interface: str | None = None
    ha_interfaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """The whole file."""

    name: str
    file: str
    forwarding: str
    director: Director
    realserver: RealServerRole
    services: tuple[VirtualService, ...]
    nodes: Mapping[str, NodeOverride] = field(default_factory=dict)
    ha: HighAvailability | None = None

    @property
    def vips(self) -> tuple[Vip, ...]:
        """Every VIP once, in file order."""
        return tuple(dict.fromkeys(vip for service in self.services for vip in service.vips))

    def ha_interface(self, node: str, interface: str) -> str:
        """What an interface of ``[[ha.link]]`` or ``[ha.sync]`` is called on a node."""
        return self.nodes.get(node, NodeOverride()).ha_interfaces.get(interface, interface)
