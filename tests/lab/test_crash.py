"""kill -9 at any moment, then start or stop: the right state, nothing left over. SIGTERM and SIGINT: undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Callable

import pytest
from support import clusters, hosts

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place

Nodes = dict[str, Node]
Count = Callable[[str, dict[str, int]], None]

BRIDGE = "crashes"
VERBS = ("start", "reload", "stop")
ROLES = ("director", "realserver")
DR = {"first": clusters.DR, "second": clusters.DR_CHANGED}
NAT = {"first": clusters.NAT, "second": clusters.NAT_CHANGED}
MANY = {"first": clusters.MANY, "second": clusters.MANY_CHANGED}


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[Nodes]:
    """One host a role: every sweep returns it as it found it."""
    with hosts.one_a_role(place, BRIDGE) as nodes:
        yield nodes


@pytest.mark.parametrize("role", ROLES)
def test_killed_after_every_event_of_direct_routing(nodes: Nodes, role: str, count_cases: Count) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "killed_at_events", role=role, verbs=VERBS, **DR)
    count_cases(f"{role} (dr), killed after an event", cases)
    hosts.same(nodes[role], before)


@pytest.mark.parametrize(
    ("what", "role", "files"),
    [
        ("nat", "director", NAT),
        ("10 VIPs", "director", MANY),
        ("tun", "realserver", {"first": clusters.TUN, "second": clusters.TUN_CHANGED}),
    ],
)
def test_killed_after_some_events(
    nodes: Nodes, what: str, role: str, files: dict[str, str], count_cases: Count
) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "killed_at_events", role=role, verbs=VERBS, stride=5, **files)
    count_cases(f"{role} ({what}), killed after every fifth event", cases)
    hosts.same(nodes[role], before)


@pytest.mark.parametrize("role", ROLES)
def test_killed_before_some_commands(nodes: Nodes, role: str, count_cases: Count) -> None:
    """The command goes on alone, and whoever comes next must wait for it."""
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "killed_at_commands", role=role, verbs=VERBS, how="before", stride=3, **DR)
    count_cases(f"{role} (dr), killed before every third command", cases)
    hosts.same(nodes[role], before)


@pytest.mark.either_channel
@pytest.mark.parametrize(
    ("what", "role", "verbs", "only", "files"),
    [
        ("dr", "director", ["reload"], "ipvsadm -R", DR),
        ("10 VIPs", "director", ["start", "stop"], "ipvsadm -R", MANY),
        ("10 VIPs", "director", ["start"], "ip -", MANY),
        ("10 VIPs", "realserver", ["stop"], "ip -", MANY),
    ],
)
def test_killed_inside_a_bulk(
    nodes: Nodes, what: str, role: str, verbs: Sequence[str], only: str, files: dict[str, str], count_cases: Count
) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(
        nodes[role],
        "killed_at_commands",
        role=role,
        verbs=verbs,
        how="half-kill",
        only=only,
        channel="ipvsadm",
        **files,
    )
    count_cases(f"{role} ({what}), killed half-way through '{only}'", cases)
    hosts.same(nodes[role], before)


@pytest.mark.either_channel
@pytest.mark.parametrize("how", ["kill", "kill after"])
def test_killed_around_some_changes_over_netlink(nodes: Nodes, how: str, count_cases: Count) -> None:
    before = hosts.snapshot(nodes["director"])
    verbs = VERBS if how == "kill" else ["start"]
    cases = hosts.sweep(nodes["director"], "telling", role="director", verbs=verbs, how=how, stride=2, **DR)
    count_cases(f"director (dr), {how} every second change over netlink", cases)
    hosts.same(nodes["director"], before)


@pytest.mark.parametrize("role", ROLES)
def test_a_signal_between_steps_undoes_them(nodes: Nodes, role: str, count_cases: Count) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "signalled", role=role, verbs=VERBS, **DR)
    count_cases(f"{role} (dr), SIGTERM or SIGINT at an event", cases)
    hosts.same(nodes[role], before)
