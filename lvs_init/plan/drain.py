"""Drains: a real server that leaves gets weight 0 and goes when its connections are gone or its time is over.

Times are seconds of CLOCK_BOOTTIME: a drain lives in the record and so not longer than a boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import SysctlKey
from lvs_init.model.state import State

#: Seconds that a real server which was cut off with connections is remembered for: so long its clients are reset.
GRACE = 30.0
#: 1: a packet of a connection whose real server was deleted ends the connection, and is answered with a reset or, under
#: UDP, sent to another real server. 0: it is dropped without a word (Linux ip-sysctl of IPVS, ip_vs_core.c ip_vs_in).
RESET = SysctlKey("net/ipv4/vs/expire_nodest_conn")
#: 1: a persistent client's next connection goes past a real server of weight 0 (ip_vs_conn.c ip_vs_check_template).
FORGET = SysctlKey("net/ipv4/vs/expire_quiescent_template")
SETTINGS = (RESET, FORGET)


@dataclass(frozen=True)
class Moment:
    """The time and the traffic that something is decided at.

    ``now``: seconds of CLOCK_BOOTTIME. ``clock``: seconds since the epoch. ``connections``: how many each real server
    has, active and inactive; who is not there has none.
    """

    now: float = 0.0
    clock: float = 0.0
    connections: Mapping[RealServerKey, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drains:
    """What to want of the real servers that leave, and the deadlines to remember.

    A real server with a deadline and no value was cut off and counts for ``GRACE`` seconds more. ``again``: one that
    gets weight 0 now has no connection, so that it can go as soon as a second look has found none either.
    """

    values: Mapping[RealServerKey, RealServer | None]
    deadlines: Mapping[RealServerKey, float]
    again: bool

    @property
    def cut(self) -> bool:
        """Whether a real server was cut off with connections, now or shortly before."""
        return any(self.values.get(key) is None for key in self.deadlines)


def decide(
    leaving: Mapping[RealServerKey, float],
    services: Mapping[ServiceKey, Service],
    live: State,
    so_far: Mapping[RealServerKey, float],
    moment: Moment,
) -> Drains:
    """``leaving``: real servers that are in the table and shall not be -> the latest time for that.

    ``services``: those that they belong to. ``so_far``: the deadlines given at earlier moments; none is put off.
    """
    values: dict[RealServerKey, RealServer | None] = {}
    deadlines: dict[RealServerKey, float] = {}
    again = False
    for key, latest in leaving.items():
        server = live[key]
        deadline = min(latest, so_far.get(key, latest))
        if _cannot_drain(key, services):
            deadline = min(deadline, moment.now)
        connected = moment.connections.get(key, 0) > 0
        over = deadline <= moment.now
        if isinstance(server, RealServer) and not over and (server.weight or connected):
            values[key] = replace(server, weight=0)
            deadlines[key] = deadline
            again = again or not connected
        else:
            values[key] = None
            if connected:
                deadlines[key] = moment.now
    for key, deadline in so_far.items():
        if key not in live and deadline <= moment.now < deadline + GRACE:
            deadlines[key] = deadline
    return Drains(values, deadlines, again)


def _cannot_drain(key: RealServerKey, services: Mapping[ServiceKey, Service]) -> bool:
    """UDP has no end that a drain could wait for, and one-packet scheduling no connections.

    The scheduler dh goes on choosing a real server of weight 0 and then refuses the client (Linux ip_vs_dh.c).
    """
    service = services.get(key.service)
    return key.service.protocol == "udp" or (service is not None and (service.one_packet or service.scheduler == "dh"))


def settings(
    drains: Drains, drained: Iterable[RealServerKey], services: Mapping[ServiceKey, Service]
) -> list[SysctlKey]:
    """The settings that must be 1 for now. ``drained``: the real servers that we hold at weight 0."""
    found = [RESET] if drains.cut else []
    if any((service := services.get(key.service)) and service.persistence is not None for key in drained):
        found.append(FORGET)
    return found


def sharing(service: Service) -> Service:
    """The service while one of its real servers is drained.

    Without their fallback the schedulers sh and mh refuse the clients whose address belongs to that one (Linux
    ip_vs_sh.c, ip_vs_mh.c).
    """
    if service.scheduler not in ("sh", "mh"):
        return service
    return replace(service, flags=tuple(sorted({*service.flags, f"{service.scheduler}-fallback"})))
