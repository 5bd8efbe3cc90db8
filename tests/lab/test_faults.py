"""Every command of every verb fails once: what went before is undone, and the admin is told which it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Callable

import pytest
from support import clusters, heartbeat, hosts

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place

Nodes = dict[str, Node]
Count = Callable[[str, dict[str, int]], None]

BRIDGE = "faults"
VERBS = ("start", "reload", "stop")


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[Nodes]:
    """One host a role: every sweep returns it as it found it."""
    with hosts.one_a_role(place, BRIDGE) as nodes:
        yield nodes


DR = {"first": clusters.DR, "second": clusters.DR_CHANGED}
OTHERS = {
    ("nat", "director"): (clusters.NAT, clusters.NAT_CHANGED, ("start", "reload")),
    ("tun", "realserver"): (clusters.TUN, clusters.TUN_CHANGED, ("start", "stop")),
    ("10 VIPs", "director"): (clusters.MANY, clusters.MANY_CHANGED, ("stop",)),
    ("10 VIPs", "realserver"): (clusters.MANY, clusters.MANY_CHANGED, ("reload",)),
    ("fwmark", "director"): (clusters.MARK, clusters.MARK_CHANGED, ("start",)),
}


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_every_command_of_direct_routing_fails_once(nodes: Nodes, role: str, count_cases: Count) -> None:
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "failing", role=role, verbs=VERBS, with_sh=["start"], **DR)
    count_cases(f"{role} (dr), a command fails", cases)
    hosts.same(nodes[role], before)


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_all_commands_fail_from_one_on(nodes: Nodes, role: str, count_cases: Count) -> None:
    cases = hosts.sweep(nodes[role], "failing", role=role, verbs=["start", "stop"], for_good=True, stride=2, **DR)
    count_cases(f"{role} (dr), all commands fail from every second one on", cases)


@pytest.mark.parametrize(("what", "role"), OTHERS)
def test_some_commands_fail_once(nodes: Nodes, what: str, role: str, count_cases: Count) -> None:
    first, second, verbs = OTHERS[what, role]
    before = hosts.snapshot(nodes[role])
    cases = hosts.sweep(nodes[role], "failing", role=role, first=first, second=second, verbs=verbs, stride=2)
    count_cases(f"{role} ({what}), every second command fails", cases)
    hosts.same(nodes[role], before)


@pytest.mark.either_channel
@pytest.mark.parametrize(("how", "verbs"), [("refused", VERBS), ("lost", ["start"])])
def test_every_change_over_netlink_fails_once(nodes: Nodes, how: str, verbs: Sequence[str], count_cases: Count) -> None:
    """Refused by the kernel, or done without an answer."""
    before = hosts.snapshot(nodes["director"])
    cases = hosts.sweep(nodes["director"], "telling", role="director", verbs=verbs, how=how, **DR)
    count_cases(f"director (dr), a change over netlink is {how}", cases)
    hosts.same(nodes["director"], before)


@pytest.mark.either_channel
@pytest.mark.parametrize(
    ("how", "role", "verbs", "only"),
    [
        ("hang", "director", ["start"], ""),
        ("hang", "realserver", ["stop"], ""),
        ("rubbish", "director", ["start"], ""),
        ("rubbish", "realserver", ["stop"], ""),
        ("noise", "director", ["reload"], "ipvsadm -R"),
        ("half", "director", ["reload"], "ipvsadm -R"),
    ],
)
def test_a_command_does_otherwise(
    nodes: Nodes, how: str, role: str, verbs: Sequence[str], only: str, count_cases: Count
) -> None:
    """It hangs, says what it does not do, complains though it does, or does half of it and says nothing."""
    stride = 1 if only else 2
    cases = hosts.sweep(
        nodes[role], "failing", role=role, verbs=verbs, how=how, only=only, channel="ipvsadm", stride=stride, **DR
    )
    count_cases(f"{role} (dr), {only or 'every second command'} {how}", cases)


@pytest.mark.either_channel
@pytest.mark.parametrize("only", ["ipvsadm -R", "ip -batch"])
def test_half_of_a_large_bulk_is_applied(nodes: Nodes, only: str, count_cases: Count) -> None:
    verbs = ["start"] if only == "ipvsadm -R" else ["start", "stop"]
    cases = hosts.sweep(
        nodes["director"], "failing", role="director", first=clusters.MANY, second=clusters.MANY_CHANGED,
        verbs=verbs, how="half", only=only, channel="ipvsadm",
    )  # fmt: skip
    count_cases(f"director (10 VIPs), half of '{only}'", cases)


@pytest.mark.parametrize(("tool", "package"), [("ipvsadm", "ipvsadm"), ("sysctl", "procps")])
def test_a_tool_that_is_missing_is_named_with_its_package(nodes: Nodes, tool: str, package: str) -> None:
    node = nodes["director"]
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    node.run(["mv", f"/usr/sbin/{tool}", "/root/"]).check()
    try:
        ended = node.script("lvs-director", "start")
        again = node.script("lvs-director", "stop")
    finally:
        node.run(["mv", f"/root/{tool}", "/usr/sbin/"]).check()
    assert (ended.code, ended.stdout) == (5, "")
    assert f"install {package}" in ended.stderr
    assert again.code == 0
    hosts.same(node, before)


REFUSED = clusters.cluster("dr", clusters.service("192.168.0.219", "192.168.0.11", "192.168.0.255", "192.168.0.12"))


def test_a_real_server_that_the_kernel_refuses_is_left_out_and_named(nodes: Nodes) -> None:
    node = nodes["director"]
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", REFUSED)
    ended = node.script("lvs-director", "start")
    assert (ended.code, ended.stdout) == (0, "lvs-director is running (degraded): 1 service, 1 VIP, 3 real servers\n")
    assert "192.168.0.255" in ended.stderr
    status = node.script("lvs-director", "status")
    assert (status.code, status.stdout.splitlines()[0]) == (0, "lvs-director is running (degraded)")
    assert "192.168.0.255" in status.stdout
    assert heartbeat.agree(status.code, status.stdout)
    rules = hosts.snapshot(node)["ipvs"]["rules"]
    assert [rule.split()[4] for rule in rules if rule.startswith("-a")] == ["192.168.0.11:80", "192.168.0.12:80"]
    node.script("lvs-director", "stop").check()
    hosts.same(node, before)


def test_strict_takes_everything_back_for_a_real_server_that_the_kernel_refuses(nodes: Nodes) -> None:
    node = nodes["director"]
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", REFUSED)
    ended = node.script("lvs-director", "--strict", "start")
    assert (ended.code, ended.stdout) == (1, "")
    assert "192.168.0.255" in ended.stderr
    assert "everything is as it was before" in ended.stderr
    hosts.same(node, before)
