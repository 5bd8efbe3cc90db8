"""status against every state that a host can be in, in words that LSB, Heartbeat and Pacemaker read alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from support import clusters, heartbeat, hosts
from support.clusters import cluster, service

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place

BRIDGE = "status"


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    with hosts.one_a_role(place, BRIDGE) as nodes:
        yield nodes


SECOND = clusters.cluster("dr", service("192.168.0.240", "192.168.0.11"))


@pytest.mark.parametrize(
    ("role", "text", "changes", "code", "first", "told"),
    [
        ("director", clusters.DR, [], 0, "is running", "192.168.0.219:80 wrr"),
        ("director", clusters.DR, ["ip address del 192.168.0.219/32 dev eth0"], 1, "is partly set up", "192.168.0.219"),
        ("director", clusters.DR, ["ipvsadm -D -t 192.168.0.221:80"], 1, "is partly set up", "192.168.0.221:80"),
        ("director", clusters.NAT, ["sysctl -qw net.ipv4.ip_forward=0"], 1, "is partly set up", "net.ipv4.ip_forward"),
        ("director", clusters.DR, ["sysctl -qw net.ipv4.ip_forward=0"], 0, "is running", "note: net.ipv4.ip_forward"),
        (
            "director", clusters.DR, ["ipvsadm -e -t 192.168.0.219:80 -r 192.168.0.11 -g -w 0"], 0, "is running",
            "has weight 0, was set to 1",
        ),
        (
            "director", clusters.DR, ["ipvsadm -d -t 192.168.0.219:80 -r 192.168.0.11"], 0, "is running",
            "192.168.0.11:80",
        ),
        ("director", clusters.DR, ["ip route del 192.168.0.219 dev eth0"], 0, "is running", "note: "),
        ("director", clusters.DR, ["ipvsadm -A -t 192.168.0.9:99 -s rr"], 0, "is running", "192.168.0.9:99"),
        ("director", clusters.DR, ["rm /var/lock/subsys/lvs-director"], 0, "is running", "note: the lock file"),
        ("director", clusters.DR, ["sed -i s/1/1/;$a# /etc/lvs/lvs.toml"], 0, "is running", "has changed since"),
        (
            "director", clusters.DR,
            ["ipvsadm -C", "ip address del 192.168.0.219/32 dev eth0", "ip address del 192.168.0.221/32 dev eth0"],
            2, "is dead but subsys locked", "",
        ),
        ("realserver", clusters.DR, [], 0, "is running", ""),
        ("realserver", clusters.DR, ["ip address del 192.168.0.219/32 dev lo"], 1, "is partly set up", "192.168.0.219"),
        (
            "realserver", clusters.DR, ["sysctl -qw net.ipv4.conf.all.arp_ignore=0"], 1, "is partly set up",
            "arp_ignore is 0",
        ),
        ("realserver", clusters.DR, ["sysctl -qw net.ipv4.conf.all.arp_ignore=2"], 0, "is running", ""),
        ("realserver", clusters.TUN, [], 0, "is running", ""),
        ("realserver", clusters.TUN, ["ip link set tunl0 down"], 1, "is partly set up", "tunl0"),
        (
            "realserver", clusters.NAT, [], 0, "is running",
            "note: the default gateway is 192.168.0.254 and must be the DIP 192.168.10.10",
        ),
    ],
)  # fmt: skip
def test_status_of_what_was_started(
    nodes: dict[str, Node], role: str, text: str, changes: Sequence[str], code: int, first: str, told: str
) -> None:
    node = nodes[role]
    runs = [
        [role, "start"],
        *(["do", change] for change in changes),
        [role, "status"],
        [role, "stop"],
        [role, "status"],
    ]
    lived = node.call("support.restoring:life", files={"lvs": text}, runs=runs)
    _, status, stop, after = lived["runs"]
    assert (status[0], status[1].splitlines()[0]) == (code, f"lvs-{role} {first}"), status
    assert told in status[1]
    assert heartbeat.agree(status[0], status[1]), status
    assert (stop[0], after[:2]) == (0, [3, f"lvs-{role} is stopped\n"])
    assert heartbeat.agree(3, after[1])
    node.run(["ipvsadm", "-C"]).check()


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_a_lock_file_alone_is_2_and_start_works(nodes: dict[str, Node], role: str) -> None:
    runs = [["do", f"touch /var/lock/subsys/lvs-{role}"], [role, "status"], [role, "start"], [role, "status"]]
    runs += [[role, "stop"], ["do", f"touch /var/lock/subsys/lvs-{role}"], [role, "stop"], [role, "status"]]
    nodes[role].run(["mkdir", "-p", "/var/lock/subsys"]).check()
    told = nodes[role].call("support.restoring:life", files={"lvs": clusters.DR}, runs=runs)["runs"]
    assert [run[0] for run in told] == [2, 0, 0, 0, 0, 3]
    assert told[0][1] == f"lvs-{role} is dead but subsys locked\n"
    assert heartbeat.agree(2, told[0][1])


def test_one_of_two_clusters_that_is_incomplete_makes_it_partial(nodes: dict[str, Node]) -> None:
    runs = [["director", "start"], ["director", "web", "start"], ["director", "status"]]
    runs += [["do", "ip address del 192.168.0.240/32 dev eth0"], ["director", "status"], ["director", "web", "status"]]
    runs += [["director", "lvs", "status"], ["director", "start"], ["director", "web", "start"], ["director", "status"]]
    runs += [["director", "stop"], ["director", "status"]]
    files = {"lvs": clusters.DR, "web": SECOND}
    told = nodes["director"].call("support.restoring:life", files=files, runs=runs)["runs"]
    assert [run[0] for run in told] == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 3]
    assert told[3][1].startswith("lvs-director is partly set up\n")
    for run in told[2:7:1]:
        if "status" in run:
            assert heartbeat.agree(run[0], run[1])


def test_clear_ipvs_and_flush_iptables_act_only_on_the_way_up(nodes: dict[str, Node]) -> None:
    """They do what the classic scripts did; a stop does not bring back what they removed."""
    node = nodes["director"]
    text = cluster("dr", service("192.168.0.219", "192.168.0.11"), director="clear_ipvs = true\nflush_iptables = true")
    foreign = ["do", "ipvsadm -A -t 192.168.0.1:25 -s rr"]
    rule = ["do", "iptables -A INPUT -s 192.168.0.66 -j DROP"]
    up = node.call("support.restoring:life", files={"lvs": text}, runs=[foreign, rule, ["director", "start"]])
    assert up["runs"][0][0] == 0
    assert [line for line in up["after"]["ipvs"]["rules"] if "192.168.0.1:25" in line] == []
    assert up["after"]["iptables"]["iptables-save"] == []
    runs = [foreign, rule, *(["director", verb] for verb in ("start", "restart", "reload", "stop"))]
    down = node.call("support.restoring:life", files={"lvs": text}, runs=runs)
    assert [run[0] for run in down["runs"]] == [0] * 4
    assert down["after"]["ipvs"]["rules"] == ["-A -t 192.168.0.1:25 -s rr"]
    assert any("192.168.0.66" in line for line in down["after"]["iptables"]["iptables-save"])
    node.run(["ipvsadm", "-C"]).check()
    node.run(["iptables", "-F"]).check()


def test_a_start_that_fails_brings_back_what_it_cleared(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    text = cluster("dr", service("192.168.0.219", "192.168.0.11"), director="clear_ipvs = true\nflush_iptables = true")
    node.run(["ipvsadm", "-R"], stdin="-A -t 192.168.0.1:25 -s rr\n-a -t 192.168.0.1:25 -r 10.0.0.1 -m -w 5\n").check()
    node.run(["iptables", "-A", "INPUT", "-s", "192.168.0.66", "-j", "DROP"]).check()
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", text)
    for tool in ("ifconfig", "route"):
        node.call("support.wrapper:plan", how="fail", first=1, only=tool)
        assert node.script("lvs-director", "start").code == 1
        hosts.same(node, before)
    node.call("support.wrapper:remove")
    node.run(["ipvsadm", "-C"]).check()
    node.run(["iptables", "-F"]).check()


def test_flushing_is_refused_where_a_policy_would_lock_everybody_out(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    text = cluster("dr", service("192.168.0.219", "192.168.0.11"), director="flush_iptables = true")
    node.run(["iptables", "-P", "INPUT", "DROP"]).check()
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", text)
    refused = node.script("lvs-director", "start")
    assert (refused.code, "INPUT" in refused.stderr, "--force" in refused.stderr) == (1, True, True)
    hosts.same(node, before)
    assert node.script("lvs-director", "--force", "start").code == 0
    assert node.script("lvs-director", "stop").code == 0
    node.run(["iptables", "-P", "INPUT", "ACCEPT"]).check()


def test_clearing_is_refused_while_another_cluster_runs(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    web = cluster("dr", service("192.168.0.240", "192.168.0.11"), director="clear_ipvs = true")
    runs = [["director", "start"], ["director", "web", "start"], ["director", "status"], ["director", "stop"]]
    told = node.call("support.restoring:life", files={"lvs": clusters.DR, "web": web}, runs=runs)["runs"]
    assert [run[0] for run in told] == [0, 1, 0, 0]
    assert "clear_ipvs" in told[1][2]
