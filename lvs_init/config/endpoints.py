"""Where the services of a real server can be asked for on that machine itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lvs_init.config.cluster import Cluster, VirtualService
from lvs_init.model.ipvs import RealServerKey


def endpoints(cluster: Cluster, rips: Collection[str], vips: Collection[str]) -> list[tuple[str, int]]:
    """Address and port of every TCP service that this machine serves, each once, in file order.

    ``rips``: the RIPs that it has, ``vips``: the VIPs. Under nat it serves on the RIP, otherwise on the VIP. A service
    for all ports, and marked packets that the file does not describe, have no port to ask at.
    """
    found = []
    for service in cluster.services:
        for key, server in service.realservers:
            if key.address not in rips:
                continue
            addresses = [vip.address for vip in service.vips if vip.address in vips]
            if server.forwarding == "nat":
                addresses = [key.address]
            found += [(address, port) for port in _ports(service, key) for address in addresses]
    return list(dict.fromkeys(found))


def _ports(service: VirtualService, key: RealServerKey) -> Iterator[int]:
    if service.key.protocol == "tcp" and key.port:
        yield key.port
    elif service.key.protocol == "fwmark":
        yield from (match.port for match in service.match or () if match.protocol == "tcp" and match.port)
