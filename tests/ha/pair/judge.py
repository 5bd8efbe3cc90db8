"""What is right for the two nodes of a pair when one of them is active."""

from __future__ import annotations

from support.heartbeat import agree, judges_running

from lvs_init.lab.node import Node
from pair.control import VIP
from pair.lab import Pair

RULES = {
    forwarding: {
        f"-A -t {VIP}:80 -s wlc",
        f"-a -t {VIP}:80 -r 192.168.{network}.11:80 {option} -w 1",
        f"-a -t {VIP}:80 -r 192.168.{network}.12:80 {option} -w 2",
    }
    for forwarding, network, option in (("dr", 0, "-g"), ("nat", 10, "-m"))
}


def assert_right(pair: Pair, active: str) -> None:
    """That node has the VIP, the table and the master daemon; whoever else is on is warm and has no VIP."""
    pair.await_holders(active)
    for name, node in pair.nodes.items():
        status = node.run(["/etc/init.d/lvs-director", "status"])
        assert (status.code, judges_running(status.stdout)) == ((0, True) if name == active else (3, False)), status
        assert agree(status.code, status.stdout), status
        assert rules(node) == RULES[pair.forwarding]
        role = "master" if name == active else "backup"
        assert [line.split()[0] for line in daemons(node)] == [role], daemons(node)


def rules(node: Node) -> set[str]:
    return {line.strip() for line in node.run(["ipvsadm", "-Sn"]).check().stdout.splitlines()}


def daemons(node: Node) -> list[str]:
    """A line each: "master sync daemon (mcast=hb0, syncid=7, ...)"."""
    return node.run(["ipvsadm", "-Ln", "--daemon"]).check().stdout.splitlines()
