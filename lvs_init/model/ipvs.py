"""The IPVS table: virtual services, their real servers, the protocol timeouts; and the sync daemons.

Identity is a key, attributes are the value; counters are neither, so that equality never depends on traffic.
The attributes are those that ipvsadm 1.31 can set (ipvsadm(8)); 0 is a value, None is unset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

PROTOCOLS = ("tcp", "udp", "sctp")
FORWARDINGS = ("nat", "dr", "tun")

#: Scheduler -> the flags (``-b``) that it knows. Linux 6.1 net/netfilter/ipvs/Kconfig and ip_vs_sh.c, ip_vs_mh.c.
SCHEDULERS = {
    "rr": (), "wrr": (), "lc": (), "wlc": (), "lblc": (), "lblcr": (), "dh": (), "sed": (), "nq": (), "fo": (),
    "ovf": (), "twos": (), "sh": ("sh-fallback", "sh-port"), "mh": ("mh-fallback", "mh-port"),
}  # fmt: skip


# There are tens of thousands of these keys, in a dozen mappings: tuples are made, compared and hashed without Python.


class ServiceKey(NamedTuple):
    """What the kernel tells services apart by: protocol, address and port, or a firewall mark of a family."""

    protocol: str  # one of PROTOCOLS, or "fwmark"
    address: str = ""  # canonical; "" for a firewall mark
    port: int = 0
    fwmark: int = 0
    family: int = 4

    def __str__(self) -> str:
        if self.protocol == "fwmark":
            return f"fwmark {self.fwmark}" + (" (IPv6)" if self.family == 6 else "")
        return f"{self.protocol} {host_port(self.address, self.port)}"


def host_port(address: str, port: int) -> str:
    """``192.168.0.219:80`` or ``[fd00::1]:80``, as ipvsadm writes it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True)
class Service:
    """A virtual service's attributes."""

    scheduler: str = "wlc"
    flags: tuple[str, ...] = ()  # sorted
    persistence: int | None = None  # seconds
    netmask: int | None = None  # prefix length that groups persistent clients; None where persistence is None
    engine: str | None = None  # persistence engine: "sip"
    one_packet: bool = False


@dataclass(frozen=True)
class Tunnel:
    """How packets are wrapped for a tun real server. ``port``: gue's, 0 otherwise; ``checksum``: gue's and gre's."""

    type: str = "ipip"  # ipip, gue, gre
    port: int = 0
    checksum: str = "nocsum"  # nocsum, csum, remcsum


class RealServerKey(NamedTuple):
    """A real server within a service."""

    service: ServiceKey
    address: str
    port: int

    def __str__(self) -> str:
        return f"real server {host_port(self.address, self.port)} of {self.service}"


@dataclass(frozen=True)
class RealServer:
    """A real server's attributes. Thresholds count connections, 0 is "none"; weight 0 is drained."""

    forwarding: str = "dr"
    weight: int = 1
    upper: int = 0
    lower: int = 0
    tunnel: Tunnel | None = None  # only with forwarding "tun"


@dataclass(frozen=True)
class SyncDaemonKey:
    """A sync daemon: the "master" tells other directors of connections, the "backup" hears of theirs."""

    role: str

    def __str__(self) -> str:
        return f"{self.role} sync daemon"


@dataclass(frozen=True)
class SyncDaemon:
    """How a sync daemon speaks: ``maxlen`` in bytes, 0: as the interface has room for.

    The defaults are the kernel's (Linux net/netfilter/ipvs/ip_vs_sync.c start_sync_thread).
    """

    interface: str
    syncid: int = 0  # 0 to 255; a backup with 0 hears of all
    group: str = "224.0.0.81"  # IPv6 as well
    port: int = 8848
    ttl: int = 1
    maxlen: int = 0

    @property
    def told(self) -> str:
        """For people: ``eth0, syncid 1, to 224.0.0.81:8848``."""
        return f"{self.interface}, syncid {self.syncid}, to {host_port(self.group, self.port)}"

    def limited(self, maxlen: int) -> SyncDaemon:
        """The same with another ``maxlen``."""
        return replace(self, maxlen=maxlen)

    def alike(self, other: object) -> bool:
        """Whether it is the same daemon: the kernel shows a number where it was left to choose ``maxlen``."""
        if not isinstance(other, SyncDaemon):
            return False
        chosen = 0 in (self.maxlen, other.maxlen)
        return self == (other.limited(self.maxlen) if chosen else other)


@dataclass(frozen=True)
class TimeoutKey:
    """One of the three protocol timeouts: tcp, tcpfin, udp. Its value is an int of seconds."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} timeout"
