"""A Snapshot: all that finding faults needs to know of one machine at one moment.

Frozen, typed, and JSON for other machines (``lvsctl doctor --collect``). What could not be seen is None, never a guess,
and told of in ``unseen``; an empty tuple or mapping means that it was seen and nothing was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lvs_init.doctor.plain import Reader, to_plain
from lvs_init.model import firewall
from lvs_init.model.firewall import Firewall

#: Goes up when a Snapshot of the version before would be misunderstood.
VERSION = 1


@dataclass(frozen=True)
class Interface:
    """A device. ``up``: set up; ``carrier``: has a link; ``kind``: of a virtual one ("veth", "ipip", "dummy"), else "".

    ``type``: as ip(8) prints it: "ether", "loopback", "ipip", "sit", "tunnel6". ``local``, ``remote``: a tunnel's ends,
    "" for any. ``lro``: whether it merges what it receives (ethtool's large-receive-offload).
    """

    name: str
    up: bool = True
    loopback: bool = False
    noarp: bool = False
    mtu: int = 1500
    type: str = "ether"
    hardware: str = ""
    carrier: bool | None = None
    kind: str = ""
    master: str = ""
    local: str = ""
    remote: str = ""
    lro: bool | None = None


@dataclass(frozen=True)
class Address:
    """An address on a device. ``scope``: "global", "link", "host", "site"; ``label``: the device's name for none."""

    interface: str
    address: str
    prefix: int
    scope: str = "global"
    label: str = ""
    broadcast: str = ""
    secondary: bool = False
    tentative: bool = False
    dadfailed: bool = False
    deprecated: bool = False


@dataclass(frozen=True)
class Route:
    """A route. ``to``: "default" or a network with its prefix; ``table``: "main", "local", "100"; ``type``: "unicast",
    "local", "broadcast", "unreachable", ..."""

    to: str
    table: str = "main"
    type: str = "unicast"
    via: str = ""
    device: str = ""
    source: str = ""
    scope: str = ""
    metric: int = 0
    mtu: int = 0
    family: int = 4


@dataclass(frozen=True)
class PolicyRule:
    """A rule of ``ip rule``: what it looks at, and the table it sends to. "" and "all" for anything."""

    priority: int
    table: str = ""
    source: str = "all"
    to: str = ""
    iif: str = ""
    oif: str = ""
    mark: str = ""
    action: str = ""
    family: int = 4


class RouteQuestion(NamedTuple):
    """``ip route get TO [from SOURCE] [iif IIF] [mark MARK]``."""

    to: str
    source: str = ""
    iif: str = ""
    mark: int = 0


@dataclass(frozen=True)
class RouteAnswer:
    """The kernel's answer to a RouteQuestion, which stands in the first four.

    ``kind``: "unicast", "local", "broadcast", ..., or "error" with the reason in ``error`` ("Network is unreachable",
    "Invalid cross-device link" for what source validation refuses). ``preferred``: the source address it would take.
    ``redirected``: a router's ICMP redirect has changed the way.
    """

    to: str
    source: str = ""
    iif: str = ""
    mark: int = 0
    kind: str = "unicast"
    via: str = ""
    device: str = ""
    preferred: str = ""
    redirected: bool = False
    mtu: int = 0
    error: str = ""

    @property
    def question(self) -> RouteQuestion:
        """What was asked."""
        return RouteQuestion(self.to, self.source, self.iif, self.mark)


@dataclass(frozen=True)
class Neighbour:
    """An entry of the ARP or neighbour cache. ``state``: "REACHABLE", "STALE", "FAILED", "INCOMPLETE", "PERMANENT"."""

    address: str
    device: str
    hardware: str = ""
    state: str = ""


@dataclass(frozen=True)
class LiveServer:
    """A real server of the kernel's table. ``forwarding``: "nat", "dr", "tun" or "local".

    ``in_packets``, ``out_packets``, ``connections``: counted since it was added. None: only netlink tells, and we could
    not ask.
    """

    address: str
    port: int
    forwarding: str
    weight: int
    active: int = 0
    inactive: int = 0
    upper: int | None = None
    lower: int | None = None
    tunnel: str | None = None
    connections: int | None = None
    in_packets: int | None = None
    out_packets: int | None = None


@dataclass(frozen=True)
class LiveService:
    """A service of the kernel's table. ``protocol``: "tcp", "udp", "sctp" or "fwmark"; ``address`` "" for the latter.

    ``netmask``: prefix length that groups persistent clients. What only netlink tells is None where we could not ask;
    ``family`` of a firewall mark then, too.
    """

    protocol: str
    address: str
    port: int
    fwmark: int
    family: int | None
    scheduler: str
    persistent: bool = False
    persistence: int | None = None
    netmask: int | None = None
    flags: tuple[str, ...] | None = None
    engine: str | None = None
    one_packet: bool | None = None
    connections: int | None = None
    in_packets: int | None = None
    out_packets: int | None = None
    servers: tuple[LiveServer, ...] = ()


@dataclass(frozen=True)
class SyncDaemon:
    """A connection-synchronisation daemon of the kernel's. ``role``: "master" or "backup"."""

    role: str
    interface: str
    syncid: int
    maxlen: int = 0
    group: str = ""
    port: int = 0
    ttl: int = 0


@dataclass(frozen=True)
class Connections:
    """What /proc/net/ip_vs_conn holds, summed up.

    ``total``: entries; ``states``: state -> how many; ``of_servers``: "VIP:port RIP:port" -> connections;
    ``templates``: "RIP:port" -> persistence templates; ``synced``: how many came from a sync daemon.
    """

    total: int = 0
    states: Mapping[str, int] | None = None
    of_servers: Mapping[str, int] | None = None
    templates: Mapping[str, int] | None = None
    synced: int | None = None


@dataclass(frozen=True)
class Listener:
    """A socket that waits for packets: ``protocol`` "tcp" or "udp"; ``address`` "0.0.0.0" or "::" for any.

    ``v6only``: whether a "::" takes no IPv4; None where that is not told.
    """

    protocol: str
    address: str
    port: int
    v6only: bool | None = None


@dataclass(frozen=True)
class Program:
    """A process of a name that matters here, in our network namespace."""

    pid: int
    name: str
    since: str = ""


@dataclass(frozen=True)
class PersistedSetting:
    """A line of sysctl.d, in the order in which they are read: the last of a path counts. ``path`` has slashes and may
    hold a ``*``."""

    file: str
    path: str
    value: str


@dataclass(frozen=True)
class Ifcfg:
    """A Red Hat interface file. ``arpupdate``: the value of ARPUPDATE, "" where it is not set."""

    file: str
    device: str
    arpupdate: str = ""


@dataclass(frozen=True)
class Started:
    """What a record says: a role that was started here. ``addresses``: those of VIPs and DIP; ``services``: as text;
    ``sysctls``: path with slashes -> value that was set. ``stance``: "", "standby" or "active"."""

    role: str
    instance: str
    file: str = ""
    fingerprint: str = ""
    stance: str = ""
    addresses: tuple[Address, ...] = ()
    services: tuple[str, ...] = ()
    sysctls: Mapping[str, str] | None = None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answered:
    """What a probe heard: who says that an address is at its own MAC. ``interface``: where it was asked.

    ``gratuitous``: it was said unasked and about itself, and not in a question of somebody's.
    """

    address: str
    interface: str
    hardware: tuple[str, ...] = ()
    gratuitous: bool = False


@dataclass(frozen=True)
class Unseen:
    """What could not be seen, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Snapshot:
    """One machine. Paths of ``sysctls`` have slashes; ``modules``: name -> "loaded", "builtin", "available", "absent".

    ``fingerprint``: of the configuration file on this machine, "" where there is none; ``counters``: since boot, as
    "Ip.InAddrErrors", "TcpExt.IPReversePathFilter", "rt_cache.in_martian_src", "nf_conntrack.drop"; ``grown``: by how
    much while we looked. ``conn_buckets``: size of the connection table's hash. ``timeouts``: in seconds.
    ``module_options``: module -> the options that modprobe.d gives it. ``units``: of systemd's, those of interest that
    start at boot. ``clients``: some that are connected to a VIP. ``probed``: answers to the ARP and NDP probe;
    ``heard``: gratuitous ARP and requests in a VIP's name.
    """

    node: str
    kernel: str = ""
    uid: int | None = None
    container: bool | None = None
    interfaces: tuple[Interface, ...] | None = None
    addresses: tuple[Address, ...] | None = None
    routes: tuple[Route, ...] | None = None
    rules: tuple[PolicyRule, ...] | None = None
    answers: tuple[RouteAnswer, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    sysctls: Mapping[str, str] | None = None
    modules: Mapping[str, str] | None = None
    module_options: Mapping[str, str] | None = None
    services: tuple[LiveService, ...] | None = None
    timeouts: Mapping[str, int] | None = None
    daemons: tuple[SyncDaemon, ...] | None = None
    applications: tuple[str, ...] | None = None  # /proc/net/ip_vs_app: "ftp"
    conn_buckets: int | None = None
    connections: Connections | None = None
    clients: tuple[str, ...] = ()
    firewall: Firewall | None = None
    listeners: tuple[Listener, ...] | None = None
    programs: tuple[Program, ...] | None = None
    counters: Mapping[str, int] | None = None
    grown: Mapping[str, int] | None = None
    persisted: tuple[PersistedSetting, ...] | None = None
    modules_load: tuple[str, ...] | None = None
    ifcfg: tuple[Ifcfg, ...] | None = None
    units: tuple[str, ...] | None = None
    started: tuple[Started, ...] | None = None
    file: str = ""
    fingerprint: str = ""
    probed: tuple[Answered, ...] | None = None
    heard: tuple[Answered, ...] | None = None
    unseen: tuple[Unseen, ...] = ()


_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Address, Answered, Connections, Ifcfg, Interface, Listener, LiveServer, LiveService, Neighbour,
        PersistedSetting, PolicyRule, Program, Route, RouteAnswer, Snapshot, Started, SyncDaemon, Unseen,
        firewall.Chain, firewall.Firewall, firewall.Match, firewall.Rule, firewall.Table,
    )
}  # fmt: skip


def snapshot_to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """A JSON object, without what has its default value."""
    return {"version": VERSION, "snapshot": to_plain(snapshot)}


def snapshot_from_plain(data: Any) -> Snapshot:
    """The inverse, for JSON of unknown origin. Raises ValueError for what was never a Snapshot of this version."""
    if not isinstance(data, dict) or data.get("version") != VERSION or isinstance(data["version"], bool):
        raise ValueError(f"no snapshot of version {VERSION}: both nodes need the same version of lvsctl")
    from lvs_init.doctor.soundness import CHECKS

    snapshot: Snapshot = Reader(_KINDS, CHECKS).read("Snapshot", data.get("snapshot"))
    return snapshot
