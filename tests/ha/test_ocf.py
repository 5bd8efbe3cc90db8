"""The resource agents on a real kernel: what each action does, answers and leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agents import FILES, VIP, build, call, reasons
from support import hosts

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from lvs_init.lab.snapshot import Snapshot

BRIDGE = "ocf"
#: What Pacemaker says to an instance of a promotable clone.
CLONE = {"config": "pair", "CRM_meta_promoted_max": "1", "CRM_meta_on_node": "node1"}
NOTED = "/run/noted"
#: Stands in for Pacemaker's: notes how it is called, and fails where it is told to.
CRM_ATTRIBUTE = f"""#!/bin/sh
echo "$@" >>{NOTED}
[ ! -e /run/deaf ] || {{ echo "cluster is not available" >&2; exit 102; }}
"""


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    place.bridge(BRIDGE)
    made = {role: build(place, role, BRIDGE) for role in ("director", "realserver")}
    made["director"].write("/usr/local/sbin/crm_attribute", CRM_ATTRIBUTE, 0o755)
    yield made
    for node in made.values():
        node.close()
    place.unbridge(BRIDGE)


@pytest.fixture(scope="module")
def untouched(nodes: dict[str, Node]) -> dict[str, Snapshot]:
    return {role: hosts.snapshot(node) for role, node in nodes.items()}


@pytest.fixture
def director(nodes: dict[str, Node], untouched: dict[str, Snapshot]) -> Iterator[Node]:
    """Afterwards it is as it was before."""
    node = nodes["director"]
    yield node
    for config, text in FILES.items():
        node.write(f"/etc/lvs/{config}.toml", text)
        assert call(node, "director", "stop", config=config).code == 0
    hosts.same(node, untouched["director"])


@pytest.fixture
def realserver(nodes: dict[str, Node], untouched: dict[str, Snapshot]) -> Iterator[Node]:
    node = nodes["realserver"]
    yield node
    assert call(node, "realserver", "stop", config="alone").code == 0
    hosts.same(node, untouched["realserver"])


def has_vip(node: Node) -> bool:
    return f" {VIP}/" in node.run(["ip", "-o", "address"]).check().stdout


def daemons(node: Node) -> list[str]:
    said = node.run(["ipvsadm", "-Ln", "--daemon"]).check().stdout
    return [line.split()[0] for line in said.splitlines()]


def monitor(node: Node, level: int = 0, **parameters: str) -> tuple[int, list[str]]:
    done = call(node, "director", "monitor", level, **parameters)
    return done.code, reasons(done)


def test_a_director_alone(director: Node) -> None:
    assert monitor(director, config="alone") == (7, [])
    for _ in range(2):
        started = call(director, "director", "start", config="alone")
        assert (started.code, started.stderr) == (0, "")
        assert monitor(director, config="alone") == (0, [])
    assert monitor(director, 10, config="alone") == (0, [])
    assert has_vip(director)
    assert daemons(director) == []
    for _ in range(2):
        assert call(director, "director", "stop", config="alone").code == 0
        assert monitor(director, config="alone") == (7, [])


def test_what_is_gone_is_told_and_start_brings_it_back(director: Node) -> None:
    assert call(director, "director", "start", config="alone").code == 0
    director.ip(f"address del {VIP}/32 dev eth0")
    assert monitor(director, config="alone") == (1, [f"address {VIP}/32 on eth0 is missing"])
    director.run(["ipvsadm", "-C"]).check()
    code, told = monitor(director, config="alone", CRM_meta_interval="0")
    assert code == 1, "not surely stopped: the settings are still ours"
    assert len(told) == 2
    assert call(director, "director", "start", config="alone").code == 0
    assert monitor(director, 10, config="alone") == (0, [])


def test_a_deep_monitor_asks_who_could_serve(director: Node) -> None:
    assert call(director, "director", "start", config="alone").code == 0
    for rip in ("192.168.0.11", "192.168.0.12"):
        director.run(["ipvsadm", "-e", "-t", f"{VIP}:80", "-r", rip, "-g", "-w", "0"]).check()
    assert monitor(director, config="alone") == (0, [])
    assert monitor(director, 10, config="alone") == (
        1,
        [f"service tcp {VIP}:80 has no real server with a weight above 0"],
    )
    director.run(["ipvsadm", "-e", "-t", f"{VIP}:80", "-r", "192.168.0.12", "-g", "-w", "1"]).check()
    assert monitor(director, 10, config="alone") == (0, [])


def test_a_deep_monitor_sees_a_pulled_cable(place: Place, director: Node) -> None:
    assert call(director, "director", "start", config="alone").code == 0
    (port,) = (
        line.split(":")[1].split("@")[0].strip()
        for line in place.switch.run(["ip", "-o", "link", "show", "master", BRIDGE]).check().stdout.splitlines()
        if f"@if{_index(director, 'eth0')}:" in line
    )
    place.switch.ip(f"link set {port} down")
    try:
        assert monitor(director, config="alone") == (0, [])
        assert monitor(director, 10, config="alone") == (1, ["interface eth0 has no carrier"])
    finally:
        place.switch.ip(f"link set {port} up")
    assert monitor(director, 10, config="alone") == (0, [])


def _index(node: Node, interface: str) -> str:
    return node.run(["cat", f"/sys/class/net/{interface}/ifindex"]).check().stdout.strip()


def test_one_of_a_pair(director: Node) -> None:
    """Unpromoted it has the table and hears of connections; promoted it tells of them and has the VIP."""
    for _ in range(2):
        started = call(director, "director", "start", **CLONE)
        assert (started.code, started.stderr) == (0, "")
        assert monitor(director, 10, **CLONE) == (0, [])
        assert (has_vip(director), daemons(director)) == (False, ["backup"])
    assert monitor(director, config="pair") == (7, []), "to who does not promote, a standby is stopped"
    for _ in range(2):
        assert call(director, "director", "promote", **CLONE).code == 0
        assert monitor(director, 10, **CLONE) == (8, [])
        assert (has_vip(director), daemons(director)) == (True, ["master"])
    for _ in range(2):
        assert call(director, "director", "demote", **CLONE).code == 0
        assert monitor(director, 10, **CLONE) == (0, [])
        assert (has_vip(director), daemons(director)) == (False, ["backup"])
    assert call(director, "director", "stop", **CLONE).code == 0
    assert monitor(director, **CLONE) == (7, [])
    assert daemons(director) == []
    assert call(director, "director", "demote", **CLONE).code == 1


def test_a_promoted_one_fails_as_such(director: Node) -> None:
    assert call(director, "director", "start", **CLONE).code == 0
    assert call(director, "director", "promote", **CLONE).code == 0
    director.run(["ipvsadm", "--stop-daemon", "master"]).check()
    assert monitor(director, **CLONE) == (8, [])
    assert monitor(director, 10, **CLONE) == (9, ["the master sync daemon is gone"])
    director.ip(f"address del {VIP}/32 dev eth0")
    assert monitor(director, **CLONE) == (9, [f"address {VIP}/32 on eth0 is missing"])
    assert call(director, "director", "demote", **CLONE).code == 0
    assert call(director, "director", "promote", **CLONE).code == 0
    assert monitor(director, 10, **CLONE) == (8, [])


def test_a_file_that_is_being_edited_stops_no_takeover(director: Node) -> None:
    assert call(director, "director", "start", **CLONE).code == 0
    director.write("/etc/lvs/pair.toml", "[cluster\n")
    assert call(director, "director", "promote", **CLONE).code == 0
    assert monitor(director, **CLONE) == (8, [])
    assert call(director, "director", "demote", **CLONE).code == 0
    assert call(director, "director", "stop", **CLONE).code == 0
    failed = call(director, "director", "start", **CLONE)
    assert failed.code == 2
    assert reasons(failed)[-1].startswith("/etc/lvs/pair.toml has a mistake: is not TOML")


def test_pacemaker_hears_where_to_promote(director: Node) -> None:
    director.write(NOTED, "")
    actions = ("start", "monitor", "promote", "demote", "stop")
    assert [call(director, "director", action, **CLONE).code for action in actions] == [0, 0, 0, 0, 0]
    score = "--node node1 --name master-lvs --lifetime reboot"
    assert director.read(NOTED).splitlines() == [
        f"{score} --update 50",
        f"{score} --update 100",
        f"{score} --update 50",
        f"{score} --delete",
    ]


def test_a_probe_tells_the_score_of_what_it_finds(director: Node) -> None:
    assert call(director, "director", "start", config="pair", promotable="true").code == 0
    director.write(NOTED, "")
    assert monitor(director, **CLONE, CRM_meta_interval="0") == (0, [])
    assert director.read(NOTED).endswith("--update 50\n")


def test_no_action_fails_for_the_score(director: Node) -> None:
    director.write("/run/deaf", "")
    try:
        started = call(director, "director", "start", **CLONE)
    finally:
        director.run(["rm", "/run/deaf"]).check()
    assert started.code == 0
    assert "the promotion score could not be told" in started.stderr
    assert "cluster is not available" in started.stderr


def test_a_machine_without_ipvsadm(director: Node) -> None:
    director.run(["mount", "--bind", "/dev/null", "/usr/sbin/ipvsadm"]).check()
    try:
        started = call(director, "director", "start", config="alone")
        assert (started.code, reasons(started)[-1]) == (5, "there is no program ipvsadm")
        assert call(director, "director", "validate-all", 10, config="alone").code == 5
        assert monitor(director, config="alone", CRM_meta_interval="0") == (7, [])
        assert call(director, "director", "stop", config="alone").code == 0
    finally:
        director.run(["umount", "/usr/sbin/ipvsadm"]).check()


def test_validation_asks_the_machine_where_it_is_told_to(director: Node) -> None:
    director.write("/etc/lvs/alone.toml", FILES["alone"].replace("eth0", "eth9"))
    assert call(director, "director", "validate-all", config="alone").code == 0
    deep = call(director, "director", "validate-all", 10, config="alone")
    assert deep.code == 2
    assert "this machine has no such interface (found: eth9)" in reasons(deep)[-1]


def test_a_real_server(realserver: Node) -> None:
    assert call(realserver, "realserver", "monitor", config="alone").code == 7
    for _ in range(2):
        started = call(realserver, "realserver", "start", config="alone")
        assert (started.code, started.stderr) == (0, "")
        assert call(realserver, "realserver", "monitor", config="alone").code == 0
    deaf = call(realserver, "realserver", "monitor", 10, config="alone")
    assert deaf.code == 1
    assert reasons(deaf) == [f"nobody takes connections at {VIP}:80: Connection refused"]
    serving = realserver.serve("lvs_init.lab.server:serve")
    try:
        assert call(realserver, "realserver", "monitor", 10, config="alone").code == 0
    finally:
        serving.kill()
    realserver.write("/proc/sys/net/ipv4/conf/all/arp_ignore", "0")
    loud = call(realserver, "realserver", "monitor", config="alone")
    assert loud.code == 1
    assert reasons(loud)[-1].startswith("arp_ignore is 0 on eth0 in effect")
    assert call(realserver, "realserver", "start", config="alone").code == 0
    assert call(realserver, "realserver", "promote", config="alone").code == 3


def test_a_machine_that_is_no_real_server_of_the_cluster(nodes: dict[str, Node]) -> None:
    """Its standing is one machine's affair: the others may well be."""
    failed = call(nodes["director"], "realserver", "start", config="alone")
    assert failed.code == 2
    assert reasons(failed)[-1] == "no real server of /etc/lvs/alone.toml has an address of this machine"
    assert call(nodes["director"], "realserver", "monitor", config="alone").code == 7
    assert call(nodes["director"], "realserver", "stop", config="alone").code == 0
