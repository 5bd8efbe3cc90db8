"""The connections that a director of the lab knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lvs_init.lab.node import Node


@dataclass(frozen=True)
class Tracked:
    """A row of /proc/net/ip_vs_conn; its addresses as they stand there. ``seconds``: that it is still to be kept."""

    protocol: str
    client: str
    client_port: int
    vip: str
    port: int
    realserver: str
    state: str
    seconds: int


def tracked(node: Node) -> Iterator[Tracked]:
    """All of them (Linux net/netfilter/ipvs/ip_vs_conn.c ip_vs_conn_seq_show). Raises LabError without a table."""
    for line in node.read("/proc/net/ip_vs_conn").splitlines()[1:]:
        protocol, client, client_port, vip, port, realserver, _, state, seconds = line.split()[:9]
        yield Tracked(protocol, client, int(client_port, 16), vip, int(port, 16), realserver, state, int(seconds))
