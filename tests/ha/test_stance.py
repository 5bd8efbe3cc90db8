"""One of two directors on a real kernel: standby, active and back, whatever is broken or killed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support import clusters, hosts

from lvs_init.lab.node import Node
from lvs_init.lab.place import ROOT, Place

BRIDGE = "stances"
VIP = "192.168.0.219"
HA = """
[ha]
nodes = ["lb1", "lb2"]
announce_count = 1
{more}
[[ha.link]]
type = "bcast"
interface = "eth1"
"""
SYNC = """
[ha.sync]
interface = "eth1"
syncid = 7
threshold = 1
period = 2
"""


def pair(
    forwarding: str = "dr", more: str = "", sync: str = SYNC, director: str = "", rip: str = "192.168.0.11"
) -> str:
    text = clusters.cluster(forwarding, clusters.service(VIP, rip, rip.replace("11", "12")), director=director)
    return text + HA.format(more=more) + sync


WARM = pair()
FILES = {
    "warm": WARM,
    "cold": pair(more="warm_standby = false"),
    "without sync": pair(sync=""),
    "nat": pair("nat", director='dip = "192.168.10.254"\ndip_interface = "eth1"', rip="192.168.10.11"),
    "IPaddr2": pair(more='vips = "ipaddr2"'),
}


@pytest.fixture(scope="module")
def host(place: Place) -> Iterator[Node]:
    place.bridge(BRIDGE)
    node = hosts.director(place, place.node("lb1"), BRIDGE)
    yield node
    node.close()
    place.unbridge(BRIDGE)


@pytest.fixture(scope="module")
def neighbour(place: Place, host: Node) -> Iterator[Node]:
    """Somebody else on the director's network."""
    node = place.node("neighbour")
    place.join(node, BRIDGE, "eth0")
    yield node
    node.close()


@pytest.fixture
def director(host: Node) -> Iterator[Node]:
    """Stopped, and as it was, whatever a test has done."""
    before = hosts.snapshot(host)
    yield host
    host.run(["rm", "-f", "/etc/lvs/lvs.toml"]).check()
    assert told(host, "stop")[0] == 0
    hosts.same(host, before)


def configure(node: Node, text: str) -> None:
    node.call("support.running:configure", text=text)


def told(node: Node, what: str) -> tuple[int, str, str]:
    code, out, err = node.call("stances:told", what=what)
    return code, out, err


def must(node: Node, *whats: str) -> str:
    """Each must succeed; what the last one said."""
    out = ""
    for what in whats:
        code, out, err = told(node, what)
        assert code == 0, f"{what}: exit {code}: {out}{err}"
    return out


def daemons(node: Node) -> list[str]:
    """As ipvsadm sees them."""
    return node.run(["ipvsadm", "-Ln", "--daemon"]).check().stdout.splitlines()


def addresses(node: Node) -> set[str]:
    said = json.loads(node.run(["ip", "-j", "address"]).check().stdout)
    return {each["local"] for link in said for each in link["addr_info"]}


def services(node: Node) -> list[str]:
    return node.run(["ipvsadm", "-Sn"]).check().stdout.splitlines()


def first_line(node: Node) -> tuple[int, str]:
    code, out, _ = told(node, "status")
    return code, out.splitlines()[0]


STANDBY = (3, "lvs-director is stopped (standby: it has no VIP and is ready to take over)")
ACTIVE = (0, "lvs-director is running")


def daemon(role: str) -> list[str]:
    tail = "maxlen=1472, group=224.0.0.81, port=8848, ttl=1)"
    return [f"{role} sync daemon (mcast=eth1, syncid=7, {tail}"]


def test_standby_active_and_back(director: Node) -> None:
    configure(director, WARM)
    assert first_line(director) == (3, "lvs-director is stopped")
    assert "is standby" in must(director, "boot")
    assert first_line(director) == STANDBY
    assert (VIP in addresses(director), daemons(director), len(services(director))) == (False, daemon("backup"), 3)
    table = services(director)
    for whats in (["activate"], ["boot", "reload"], ["restart", "activate"]):
        must(director, *whats)
        assert first_line(director) == ACTIVE, whats
        assert (VIP in addresses(director), daemons(director)) == (True, daemon("master")), whats
    assert services(director) == table
    for whats in (["stand-by"], ["boot", "reload"], ["restart", "stand-by"]):
        must(director, *whats)
        assert first_line(director) == STANDBY, whats
        assert (VIP in addresses(director), daemons(director)) == (False, daemon("backup")), whats
    assert services(director) == table
    must(director, "stop")
    assert first_line(director) == (3, "lvs-director is stopped")
    assert daemons(director) == []


@pytest.mark.parametrize("way", ["boot", "activate"])
def test_a_stop_from_each_stance_leaves_nothing(director: Node, way: str) -> None:
    configure(director, WARM)
    must(director, way)  # and the fixture stops


@pytest.mark.parametrize("name", FILES)
def test_what_each_kind_of_standby_has(director: Node, name: str) -> None:
    configure(director, FILES[name])
    seen = []
    for what in ("boot", "activate", "stand-by"):
        must(director, what)
        seen.append((len(services(director)), sorted(addresses(director) & {VIP, "192.168.10.254"})))
    idle = (0 if name == "cold" else 3, [])
    serving = {"IPaddr2": [], "nat": sorted([VIP, "192.168.10.254"])}.get(name, [VIP])
    assert seen == [idle, (3, serving), idle]


@pytest.mark.parametrize("broken", ["[[service]]\nvip = 7\n", None])
def test_a_broken_file_keeps_nobody_from_changing_places(director: Node, broken: str | None) -> None:
    configure(director, WARM)
    must(director, "boot")
    if broken is None:
        director.run(["rm", "/etc/lvs/lvs.toml"]).check()
    else:
        configure(director, broken)
    code, _, said = told(director, "activate")
    assert code == 0 and "what was applied last is active" in said
    assert VIP in addresses(director) and daemons(director) == daemon("master")
    must(director, "stand-by")
    assert VIP not in addresses(director) and daemons(director) == daemon("backup")


def test_an_ipvsadm_that_hangs_keeps_no_vip_here(director: Node) -> None:
    configure(director, WARM)
    must(director, "activate")
    code, _, said = director.call("stances:hung", what="stand-by")
    assert code == 0 and "was killed after" in said and "nothing else is touched" in said
    assert VIP not in addresses(director) and daemons(director) == daemon("master")
    assert first_line(director) == (1, "lvs-director is partly set up")  # which no reader takes for started
    must(director, "stand-by")  # and now it works again
    assert first_line(director) == STANDBY and daemons(director) == daemon("backup")


def test_a_vip_that_stays_makes_it_neither_standby_nor_stopped(director: Node) -> None:
    configure(director, WARM)
    must(director, "activate")
    director.call("support.wrapper:plan", how="fail", first=1, last=1 << 20, only="ip address del")
    for what in ("stand-by", "stand-by", "stop"):
        code, _, said = told(director, what)
        assert code == 1 and f"{VIP}/32 on eth0" in said, said
        assert first_line(director) == (
            0,
            "lvs-director is running, and should have ended: a VIP could not be taken away",
        )
    director.call("support.wrapper:remove")
    must(director, "activate")
    assert first_line(director) == ACTIVE


def test_a_file_that_is_no_pair_s_any_more_makes_no_standby_active(director: Node) -> None:
    configure(director, WARM)
    must(director, "boot")
    configure(director, WARM.partition("[ha]")[0])
    code, _, said = told(director, "reload")
    assert code == 1 and "has no [ha] any more" in said
    assert VIP not in addresses(director)


def test_stop_and_stand_by_of_what_was_never_started(director: Node) -> None:
    for what in ("stand-by", "stop", "stand-by"):
        code, out, _ = told(director, what)
        assert (code, out) == (0, "lvs-director was stopped already\n")


def test_without_a_pair_the_resource_starts_and_stops(director: Node) -> None:
    configure(director, WARM.partition("[ha]")[0])
    must(director, "activate")
    assert first_line(director) == ACTIVE and daemons(director) == []
    must(director, "stand-by")
    assert first_line(director) == (3, "lvs-director is stopped") and services(director) == []


def test_somebody_else_s_daemon_returns(director: Node) -> None:
    theirs = ["ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth0", "--syncid", "99"]
    director.run(theirs).check()
    before = daemons(director)
    configure(director, WARM)
    must(director, "boot")
    assert daemons(director) == daemon("backup")
    must(director, "activate")
    assert daemons(director) == daemon("master")
    must(director, "stop")
    assert daemons(director) == before
    director.run(["ipvsadm", "--stop-daemon", "backup"]).check()


def test_a_daemon_that_cannot_be_had_degrades(director: Node) -> None:
    configure(director, WARM.replace('interface = "eth1"\nsyncid', 'interface = "eth9"\nsyncid'))
    code, _, said = told(director, "activate")
    assert code == 0 and "master sync daemon: left out, No such device (eth9, syncid 7" in said
    assert first_line(director) == (0, "lvs-director is running (degraded)")
    must(director, "stand-by")
    assert first_line(director) == (3, "lvs-director is stopped (standby: degraded, it has no VIP)")


def test_status_misses_a_daemon_and_sees_a_vip_too_many(director: Node) -> None:
    configure(director, WARM)
    must(director, "boot")
    director.run(["ipvsadm", "--stop-daemon", "backup"]).check()
    director.ip(f"address add {VIP}/32 dev eth0")
    code, out, _ = told(director, "status")
    assert code == 3 and "note: backup sync daemon is missing" in out
    assert out.startswith("lvs-director is stopped (standby: degraded, it has a VIP that it must not have)\n")
    assert f"note: address {VIP}/32 on eth0 is here, and must not be" in out
    must(director, "boot")
    assert first_line(director) == STANDBY and VIP not in addresses(director)


def test_json_tells_stance_and_daemon(director: Node) -> None:
    configure(director, WARM)
    must(director, "activate")
    said = director.entry([f"{ROOT}/bin/lvs-director", "--json", "status"]).check().stdout
    (told_of,) = json.loads(said)["clusters"]
    assert told_of["stance"] == "active"
    assert told_of["daemons"] == ["master sync daemon: eth1, syncid 7, to 224.0.0.81:8848"]


def test_the_keeper_announces_again_and_is_gone_then(director: Node, neighbour: Node) -> None:
    configure(director, WARM.replace("announce_count = 1", "announce_count = 3\nannounce_interval = 1.5"))
    must(director, "boot")
    listening = {"interface": "eth0", "address": VIP, "rounds": 3, "seconds": 40}
    heard = neighbour.start_call("stances:announcements", **listening)
    must(director, "activate")
    rounds = heard.wait()
    assert len(rounds) == 3 and rounds[1] >= 1.2 and rounds[2] - rounds[1] >= 1.2
    heard = neighbour.start_call("stances:announcements", **{**listening, "rounds": 1, "seconds": 4})
    assert heard.wait() == []
    record = json.loads(director.read("/run/lvs/director-lvs.record"))["record"]
    assert record["announcing"]["left"] == 0
    must(director, "stand-by")


def test_killed_anywhere_on_every_way(director: Node) -> None:
    found = director.call("stances:killed", timeout=300, text=FILES["nat"])
    assert not found["wrong"], "\n".join(found["wrong"])
    assert len(found["cases"]) == 5 and min(found["cases"].values()) > 3


def test_a_director_that_is_a_real_server_moves_its_vip(director: Node) -> None:
    configure(director, WARM.replace("192.168.0.11", "192.168.0.1"))

    def places() -> list[str]:
        links = json.loads(director.run(["ip", "-j", "address"]).check().stdout)
        return [link["ifname"] for link in links for each in link["addr_info"] if each["local"] == VIP]

    def real_server(verb: str) -> None:
        director.entry([f"{ROOT}/bin/lvs-realserver", verb]).check()

    must(director, "boot")
    real_server("start")
    assert places() == ["lo"]
    for what, place in (("activate", "eth0"), ("stand-by", "lo"), ("activate", "eth0"), ("stop", "lo")):
        must(director, what)
        assert places() == [place], what
        real_server("start")
        assert places() == [place], what
    real_server("stop")
    assert places() == []
