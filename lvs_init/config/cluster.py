"""A validated configuration as typed, canonical, frozen values. One file describes one cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

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
    vips: Tuple[Vip, ...]
    interface: Optional[str] = None  # overrides the director's
    match: Optional[Tuple[Match, ...]] = None  # None: the admin marks
    realservers: Tuple[Tuple[RealServerKey, RealServer], ...] = ()

    @property
    def forwardings(self) -> Tuple[str, ...]:
        """The forwarding methods that its real servers use, each once, sorted."""
        return tuple(sorted({value.forwarding for _, value in self.realservers}))


@dataclass(frozen=True)
class Director:
    """The director's own keys. Where something is None the machine decides."""

    interface: Optional[str] = None  # a device or, with a label, "eth0:1": the label of the first VIP
    dip: Optional[Vip] = None  # its prefix counts with dip_interface only
    dip_interface: Optional[str] = None
    flush_iptables: bool = False
    clear_ipvs: bool = False
    restore_ip_forward: bool = True
    duplicate_vip: str = "warn"  # warn | refuse
    timeouts: Mapping[str, int] = field(default_factory=dict)  # tcp, tcpfin, udp -> seconds
    sysctl: Mapping[str, str] = field(default_factory=dict)  # path with slashes -> value


@dataclass(frozen=True)
class RealServerRole:
    """The keys that only real servers read."""

    interface: Optional[str] = None  # the interface that faces the VIPs; None: every one that could answer for a VIP
    sysctl: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeOverride:
    """``[node.NAME]``: what is different on the machine whose ``uname -n`` is NAME. None: nothing."""

    interface: Optional[str] = None
    dip: Optional[Vip] = None
    dip_interface: Optional[str] = None
    realserver_interface: Optional[str] = None


@dataclass(frozen=True)
class Cluster:
    """The whole file."""

    name: str
    file: str
    forwarding: str
    director: Director
    realserver: RealServerRole
    services: Tuple[VirtualService, ...]
    nodes: Mapping[str, NodeOverride] = field(default_factory=dict)

    @property
    def vips(self) -> Tuple[Vip, ...]:
        """Every VIP once, in file order."""
        return tuple(dict.fromkeys(vip for service in self.services for vip in service.vips))
