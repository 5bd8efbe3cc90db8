"""A pair of directors, one of which is active: what ``[ha]`` says of it, the same on both nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.model.network import SysctlKey


@dataclass(frozen=True)
class Link:
    """A way for heartbeats. ``addresses``: node -> its address there, ucast's; ``group`` and ``ttl``: mcast's."""

    type: str  # ucast | bcast | mcast
    interface: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    ttl: int = 1


@dataclass(frozen=True)
class Stonith:
    """A device that turns a node off. ``node``: the one that it is for; "": it is for both.

    ``type``: a plugin of cluster-glue (``external/ipmi``) or an agent of fence-agents (``fence_ipmilan``).
    """

    type: str
    node: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def agent(self) -> bool:
        """Whether it is an agent, which Pacemaker alone can call; Heartbeat calls plugins alone."""
        return self.type.startswith("fence_")


@dataclass(frozen=True)
class Sync:
    """The IPVS sync daemon: who hears of connections, and how (ipvsadm(8) --start-daemon).

    ``maxlen``: bytes of a message; None: what fits the interface. ``settings``: net.ipv4.vs.sync_* and what goes with
    them, for both roles.
    """

    interface: str
    syncid: int = 0
    group: str = "224.0.0.81"
    port: int = 8848
    ttl: int = 1
    maxlen: int | None = None
    settings: Mapping[SysctlKey, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HighAvailability:
    """Times are seconds. ``vips``: who brings the VIPs, we ("lvs") or the resource script IPaddr2 ("ipaddr2")."""

    nodes: tuple[str, ...]  # two, the preferred one first
    links: tuple[Link, ...] = ()
    keepalive: float = 1
    warntime: float = 5
    deadtime: float = 10
    initdead: float = 60
    udpport: int = 694
    ping: tuple[str, ...] = ()
    auto_failback: bool = False
    stonith: tuple[Stonith, ...] = ()
    vips: str = "lvs"
    warm_standby: bool = True
    announce_count: int = 5
    announce_interval: float = 1
    sync: Sync | None = None
