"""What ``[ha]`` says of the interfaces of a pair. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lvs_init.config.cluster import Cluster, NodeOverride
from lvs_init.config.desired import split_label


def links_of(cluster: Cluster, node: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The interfaces over which a pair speaks, as they are called on this node, with the addresses of both nodes where
    the file has them."""
    if cluster.ha:
        yield from ((cluster.ha_interface(node, link.interface), link.addresses) for link in cluster.ha.links)
        if cluster.ha.sync:
            yield cluster.ha_interface(node, cluster.ha.sync.interface), {}


def renamed(cluster: Cluster, node: str, other: str) -> dict[str, str]:
    """An interface as it is called on a node -> what the other one calls it, where the file says so."""
    return {
        here: there for here, there in zip(_interfaces(cluster, node), _interfaces(cluster, other)) if here and there
    }


def _interfaces(cluster: Cluster, node: str) -> Iterator[str]:
    override = cluster.nodes.get(node, NodeOverride())
    yield split_label(override.interface or cluster.director.interface or "")[0]
    yield override.dip_interface or cluster.director.dip_interface or ""
    yield from (device for device, _ in links_of(cluster, node))
