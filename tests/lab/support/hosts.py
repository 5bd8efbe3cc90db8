"""The hosts of the suites that need no traffic, and what is asked of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from lvs_init.lab.snapshot import Snapshot, difference

MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wlc", "ip_vs_wrr", "ipip")


def director(place: Place, node: Node, bridge: str) -> Node:
    """eth0 towards clients, eth1 towards real servers under nat."""
    place.joins([(node, bridge, "eth0", None), (node, bridge, "eth1", None)])
    node.ip(
        "address add 192.168.0.1/24 brd + dev eth0",
        "address add 192.168.10.10/24 brd + dev eth1",
        "address add fd00::1/64 dev eth0 nodad",
        "address add fd00:10::10/64 dev eth1 nodad",
    )
    return _ready(node)


def real_server(place: Place, node: Node, bridge: str) -> Node:
    """eth0 with the RIPs of all clusters, a default gateway that is not the DIP."""
    place.join(node, bridge, "eth0")
    node.ip(
        "address add 192.168.0.11/24 brd + dev eth0",
        "address add 192.168.10.11/24 brd + dev eth0",
        "address add fd00::11/64 dev eth0 nodad",
        "route add default via 192.168.0.254",
    )
    return _ready(node)


@contextlib.contextmanager
def one_a_role(place: Place, bridge: str) -> Iterator[dict[str, Node]]:
    """A director and a real server, by role, on a bridge that is theirs."""
    place.bridge(bridge)
    both = {
        "director": director(place, place.node("director"), bridge),
        "realserver": real_server(place, place.node("rs1"), bridge),
    }
    yield both
    for node in both.values():
        node.close()
    place.unbridge(bridge)


def _ready(node: Node) -> Node:
    # A module that is loaded stays, and brings settings and devices: what is compared comes after that.
    node.run(["modprobe", "-a", *MODULES]).check()
    # A device has IPv6 settings from the first time on that it is up.
    node.ip("link set tunl0 up", "link set tunl0 down")
    # Nobody else is here, so an IPv6 address need not be asked for.
    node.run(["sysctl", "-qw", *(f"net.ipv6.conf.{name}.accept_dad=0" for name in ("all", "default", "eth0"))]).check()
    return node


def snapshot(node: Node) -> Snapshot:
    taken: Snapshot = node.call("support.state:full")
    return taken


def same(node: Node, before: Snapshot) -> None:
    """The host is as it was: fails with every difference."""
    found = difference(before, snapshot(node))
    assert not found, "\n".join(found)


def sweep(node: Node, kind: str, **arguments: Any) -> dict[str, int]:
    """Run a sweep of support.sweep in the host; the number of cases by verb. Fails with all that was wrong."""
    told = node.call(f"support.sweep:{kind}", timeout=300, **arguments)
    assert not told["wrong"], "\n".join(told["wrong"])
    cases: dict[str, int] = told["cases"]
    assert set(cases) == set(arguments["verbs"]), "nothing was tried"
    return cases
