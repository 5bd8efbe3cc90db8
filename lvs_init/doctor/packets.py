"""The packets that a cluster lives on, as questions to a firewall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lvs_init.config.cluster import VirtualService
from lvs_init.doctor.case import Case
from lvs_init.doctor.verdict import Packet
from lvs_init.model.address import family_of


class Request(NamedTuple):
    """What a client sends first, and what it sends then, with the state that the director's tracking gives it."""

    service: VirtualService
    vip: str
    first: Packet
    later: Packet


def ports_of(service: VirtualService) -> Iterator[tuple[str, int]]:
    """(protocol, port) of what a service takes; nothing where that is not told."""
    if service.key.protocol != "fwmark":
        if service.key.port:
            yield service.key.protocol, service.key.port
        return
    for match in service.match or ():
        if match.protocol and match.port:
            yield match.protocol, match.port


def requests(case: Case) -> Iterator[Request]:
    """One for each VIP and port. The director sees one direction only, or its tracking is told nothing of the other.

    So what follows a first packet of TCP is new to it as well, though it is no SYN (invalid without tcp_loose). With
    vs.conntrack, which remembers a SYN that was never answered, it is invalid (Linux 6.1
    net/netfilter/nf_conntrack_proto_tcp.c). Under nat vs.conntrack shows it both directions.
    """
    tracked = conntrack(case)
    for service in case.cluster.services:
        for protocol, port in ports_of(service):
            for vip in service.vips:
                first = Packet(
                    family_of(vip.address), protocol, destination=vip.address, dport=port, state="NEW",
                    syn=True if protocol == "tcp" else None, interface=entrance(case, vip.address),
                )  # fmt: skip
                state = "INVALID" if case.sysctl(_LOOSE) == "0" else "NEW"
                if tracked:
                    state = "ESTABLISHED" if service.forwardings == ("nat",) else "INVALID"
                later = first._replace(state=state, syn=False) if protocol == "tcp" else first
                yield Request(service, vip.address, first, later)


def entrance(case: Case, vip: str) -> str:
    """The device that packets for the VIP come in by; "" where it cannot be told."""
    devices = {each.interface for each in case.where(vip)}.difference(_INNER)
    found = devices or {case.facing(vip) or ""}
    return found.pop() if len(found) == 1 else ""


def conntrack(case: Case) -> bool:
    """Whether IPVS tells connection tracking of its connections: as it is, or as start will set it."""
    path = "net/ipv4/vs/conntrack"
    wanted = case.cluster.director.sysctl.get(path)
    live = case.sysctl(path)
    return (live if live is not None and case.serving("director") else wanted or live or "0") != "0"


_LOOSE = "net/netfilter/nf_conntrack_tcp_loose"  # whether it takes up a connection in the middle
_INNER = frozenset(("lo", "tunl0", "ip6tnl0"))
