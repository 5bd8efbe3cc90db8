"""Every command of every verb fails once: what went before is undone, and the admin is told which it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from support import clusters, hosts

pytestmark = pytest.mark.xdist_group("guest-1")
Count = Callable[[str, dict[str, int]], None]

BRIDGE = "faults"
VERBS = ("start", "reload", "stop")


@pytest.fixture(scope="module")
def wire(place: Place) -> Iterator[str]:
    place.bridge(BRIDGE)
    yield BRIDGE
    place.unbridge(BRIDGE)


@pytest.fixture(scope="module")
def nodes(place: Place, wire: str) -> Iterator[dict[str, Node]]:
    """One host a role: every sweep returns it as it found it."""
    both = {"director": hosts.director(place, wire), "realserver": hosts.real_server(place, wire)}
    yield both
    for node in both.values():
        node.close()


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_every_command_of_direct_routing_fails_once(nodes: dict[str, Node], role: str, count_cases: Count) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(
        nodes[role], "failing", role=role, first=clusters.DR, second=clusters.DR_CHANGED, verbs=VERBS, with_sh=["start"]
    )
    count_cases(f"{role} (dr), a command fails", cases)
    hosts.same(nodes[role], before)
