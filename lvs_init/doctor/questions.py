"""What the kernel's routing is asked for a Snapshot: ``ip route get``, as rules will want to know it."""

from __future__ import annotations

from collections.abc import Iterable

from lvs_init.config.cluster import Cluster
from lvs_init.doctor.case import ELSEWHERE
from lvs_init.doctor.snapshot import RouteQuestion
from lvs_init.model.address import family_of

#: More VIPs or real servers than this are not each asked about: the first of them stand for the rest.
MOST = 256


def questions(
    cluster: Cluster, interfaces: Iterable[str] = (), clients: Iterable[str] = (), rips: Iterable[str] = ()
) -> list[RouteQuestion]:
    """Each once, in a stable order.

    ``interfaces``: devices that packets may come in by (not lo). ``clients``: some that were seen, besides ELSEWHERE.
    ``rips``: real servers of the kernel's table, which may be others than the file's.

    =================================================  ============================================================
    RouteQuestion(VIP)                                 is the VIP ours? DIR01, ARP07
    RouteQuestion(VIP, client, device)                 would a packet for it be taken, and its source be believed?
    RouteQuestion(RIP)                                 way, device and source address to a real server: DIR02, DIR16
    RouteQuestion(RIP, VIP)                            the same in the VIP's name
    RouteQuestion(client)                              the way back to clients: NAT02, DR06
    RouteQuestion(client, VIP) and (client, RIP)       the answers' way: DR04, DR05
    RouteQuestion(DIP)                                 a real server's way to its director
    =================================================  ============================================================
    """
    vips = list(dict.fromkeys(vip.address for vip in cluster.vips))[:MOST]
    own = [key.address for each in cluster.services for key, _ in each.realservers]
    servers = list(dict.fromkeys([*own, *rips]))[:MOST]
    dips = [dip.address for dip in (cluster.director.dip, *(node.dip for node in cluster.nodes.values())) if dip]
    families = sorted({family_of(address) for address in vips})
    callers = list(dict.fromkeys([*(ELSEWHERE[family] for family in families), *clients]))
    devices = sorted(interfaces)
    asked = [RouteQuestion(address) for address in (*vips, *servers, *dips, *callers)]
    asked += [
        RouteQuestion(vip, caller, device)
        for vip in vips
        for caller in callers
        for device in devices
        if family_of(vip) == family_of(caller)
    ]
    pairs = {(key.address, vip.address) for one in cluster.services for key, _ in one.realservers for vip in one.vips}
    known = {*vips, *servers}
    asked += [RouteQuestion(rip, vip) for rip, vip in sorted(pairs) if {rip, vip} <= known and _alike(rip, vip)]
    asked += [
        RouteQuestion(caller, source) for caller in callers for source in (*vips, *servers) if _alike(caller, source)
    ]
    return list(dict.fromkeys(asked))


def _alike(one: str, other: str) -> bool:
    return family_of(one) == family_of(other)
