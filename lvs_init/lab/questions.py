"""What a client asks of a service, and where real servers must listen for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lvs_init.config.cluster import Cluster, VirtualService
from lvs_init.model.ipvs import RealServerKey

#: Asked where a service takes every port.
_ANY_PORT = 80
#: The lab's client and servers speak these.
SPOKEN = ("tcp", "udp")


@dataclass(frozen=True)
class Question:
    """HTTP over tcp, or a datagram over udp, to a VIP."""

    protocol: str
    address: str
    port: int


def questions_of(service: VirtualService) -> tuple[Question, ...]:
    """One for each VIP, protocol and port of a service; none where it has no protocol that the lab speaks."""
    return tuple(
        Question(protocol, vip.address, port)
        for vip in service.vips
        for protocol, port in dict.fromkeys(_wanted(service))
        if protocol in SPOKEN
    )


def _wanted(service: VirtualService) -> Iterator[tuple[str, int]]:
    if service.key.protocol != "fwmark":
        yield service.key.protocol, service.key.port or _ANY_PORT
    elif service.match:
        for match in service.match:
            yield match.protocol or "tcp", match.port or _ANY_PORT
    else:
        yield "tcp", _ANY_PORT


def heard_at(key: RealServerKey, question: Question) -> int:
    """The port at which a real server of the service hears the question: nat alone can have another one."""
    return key.port or question.port


def ports_of(cluster: Cluster, rips: tuple[str, ...]) -> dict[str, list[int]]:
    """Protocol -> the ports, sorted, at which the machine with these RIPs is asked for anything."""
    found: dict[str, set[int]] = {protocol: set() for protocol in SPOKEN}
    for service in cluster.services:
        for key, _ in service.realservers:
            if key.address in rips:
                for question in questions_of(service):
                    found[question.protocol].add(heard_at(key, question))
    return {protocol: sorted(ports) for protocol, ports in found.items()}
