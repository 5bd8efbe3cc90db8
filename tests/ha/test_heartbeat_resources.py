"""Heartbeat's own ResourceManager calls our scripts, without its daemons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pair import ours
from pair.control import Settings
from pair.judge import RULES, daemons, rules
from pair.lab import LOG, Pair
from support import hosts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import CONFIGURATION

_MANAGER = "/usr/share/heartbeat/ResourceManager"


@pytest.fixture(scope="module")
def pair(place: Place) -> Iterator[Pair]:
    with Pair(place, ours.software(place, Settings())) as running:
        yield running


@pytest.fixture
def node(pair: Pair) -> Iterator[Node]:
    """Booted, so that it is the standby."""
    pair.switch_on("node1")
    yield pair.nodes["node1"]
    pair.kill("node1")


def environment(**more: str) -> dict[str, str]:
    """That Heartbeat gives it."""
    return {
        "PATH": "/usr/libexec/heartbeat:/usr/share/heartbeat:/sbin:/usr/sbin:/bin:/usr/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "OCF_ROOT": "/usr/lib/ocf",
        "HA_CURHOST": "node1",
        "HA_DIR": "/etc/ha.d",
        "HA_LOGFILE": LOG,
        "HA_DEBUGLOG": "/var/log/ha-debug",
        **more,
    }


def manage(node: Node, *words: str, **more: str) -> Completed:
    return node.run([_MANAGER, *words], env=environment(**more))


def test_taken_and_given_twice(pair: Pair, node: Node) -> None:
    before = hosts.snapshot(node)
    assert manage(node, "status", "lvs-director").code == 3
    assert manage(node, "verifyallidle").check().stderr == ""
    for _ in range(2):
        manage(node, "takegroup", "lvs-director").check()
        assert pair.holders() == ["node1"]
        manage(node, "status", "lvs-director").check()
        assert rules(node) == RULES["dr"]
    assert "should not be" in manage(node, "verifyallidle").stderr
    for _ in range(2):
        manage(node, "givegroup", "lvs-director").check()
        assert pair.holders() == []
        assert manage(node, "status", "lvs-director").code == 3
    hosts.same(node, before)
    assert "Return code" not in node.read(LOG)


def test_a_real_server_that_cannot_be_is_no_reason_to_give_up(pair: Pair, node: Node) -> None:
    more = '[[service]]\nvip = "192.168.0.220"\nport = 80\nrealservers = [{ rip = "nobody.invalid" }]\n'
    node.write(CONFIGURATION, node.read(CONFIGURATION) + more)
    manage(node, "takegroup", "lvs-director").check()
    assert pair.holders() == ["node1"]
    manage(node, "status", "lvs-director").check()


def test_a_start_that_cannot_be_leaves_nothing_and_stop_succeeds(pair: Pair, node: Node) -> None:
    before = hosts.snapshot(node)
    pair.fail("node1")
    manage(node, "takegroup", "lvs-director")
    assert "Giving up resources due to failure of lvs-director" in node.read(LOG)
    pair.mend("node1")
    manage(node, "givegroup", "lvs-director").check()
    assert pair.holders() == []
    hosts.same(node, before)


def test_stop_needs_no_file(pair: Pair, node: Node) -> None:
    manage(node, "takegroup", "lvs-director").check()
    node.write(CONFIGURATION, "this is no TOML [")
    manage(node, "givegroup", "lvs-director").check()
    assert pair.holders() == []
    assert [line.split()[0] for line in daemons(node)] == ["backup"]


def test_a_vip_that_stays_costs_the_node_its_life(pair: Pair, node: Node) -> None:
    """Else the other node would take over, and both had it."""
    manage(node, "takegroup", "lvs-director").check()
    node.call("support.wrapper:plan", how="fail", first=1, last=1 << 20, only="ip address del")
    pair.forget()
    node.start([_MANAGER, "givegroup", "lvs-director"], env=environment(HA_STOPRETRYMAX="1"))
    assert pair.await_mark() == ["reboot node1"]


def test_an_ipvsadm_that_hangs_is_killed_in_time_and_leaves_nothing(pair: Pair, node: Node) -> None:
    before = hosts.snapshot(node)
    node.call("support.wrapper:plan", how="hang", first=1, only="ipvsadm")
    manage(node, "takegroup", "lvs-director", LVS_CHANNEL="ipvsadm")
    assert "Giving up resources due to failure of lvs-director" in node.read(LOG)
    pair.mend("node1")
    assert pair.holders() == []
    hosts.same(node, before)
