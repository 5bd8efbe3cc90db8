"""corosync.conf for a pair: Heartbeat's links, and the quorum of two. See corosync.conf(5), votequorum(5)."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.config.cluster import Cluster
from lvs_init.model.ha import HighAvailability, Link

MOST_LINKS = 8  # knet's
#: Between two losses that Corosync itself takes for one (totem.consensus is 1.2 tokens at least).
_SLOWEST_TOKEN = 30000


def rings(ha: HighAvailability) -> list[Link]:
    """The links with an address for each node, which knet needs."""
    return [link for link in ha.links if all(node in link.addresses for node in ha.nodes)]


def text(cluster: Cluster, ha: HighAvailability) -> str:
    """/etc/corosync/corosync.conf, the same on both nodes."""
    return "\n".join(_lines(cluster, ha)) + "\n"


def _lines(cluster: Cluster, ha: HighAvailability) -> Iterator[str]:
    yield f"# Made by 'lvsctl ha pacemaker' from {cluster.file}. It must be the same on {' and '.join(ha.nodes)}."
    yield from (
        "totem {",
        "    version: 2",
        f"    cluster_name: {cluster.name}",
        "    transport: knet",
        "    # What comes without the key of /etc/corosync/authkey (corosync-keygen) is dropped.",
        "    crypto_cipher: aes256",
        "    crypto_hash: sha256",
        "    # How long a node may be silent, in milliseconds: deadtime of [ha].",
        f"    token: {min(round(ha.deadtime * 1000), _SLOWEST_TOKEN)}",
        "}",
        "nodelist {",
    )
    for number, node in enumerate(ha.nodes, 1):
        yield "    node {"
        yield f"        name: {node}"
        yield f"        nodeid: {number}"
        for ring, link in enumerate(rings(ha)[:MOST_LINKS]):
            yield f"        ring{ring}_addr: {link.addresses[node]}"
        yield "    }"
    yield from (
        "}",
        "quorum {",
        "    provider: corosync_votequorum",
        "    # Of two nodes one goes on alone, but at boot it waits until it has seen the other (wait_for_all).",
        "    two_node: 1",
        "}",
        "logging {",
        "    to_syslog: yes",
        "}",
    )
