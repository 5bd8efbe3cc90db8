"""Real requests through a real IPVS kernel, counted by the real servers' own logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest

from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import DIRECTOR_SCRIPT, REALSERVER_SCRIPT, Rehearsal
from lvs_init.lab.snapshot import difference

Answers = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def rehearse(place: Place) -> Iterator[Callable[[str], Rehearsal]]:
    """Hosts of a configuration, started once for all tests of it. One configuration is up at a time."""
    up: dict[str, Rehearsal] = {}

    def get(text: str) -> Rehearsal:
        if text not in up:
            down()
            up[text] = Rehearsal(place, text, fresh=False).__enter__()
            for call in up[text].start():
                call.completed.check()
        return up[text]

    def down() -> None:
        for rehearsal in up.values():
            rehearsal.__exit__(None, None, None)
        up.clear()

    yield get
    down()


def answered(**times: int) -> Answers:
    return {"answers": times, "errors": {}}


def asked_at(rehearsal: Rehearsal) -> set[str]:
    """The addresses to which the requests since the last count came."""
    return {line["address"] for lines in rehearsal.logged().values() for line in lines}


DR = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"

[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "wrr"
realservers = [
  { rip = "192.168.0.11", weight = 1 },
  { rip = "192.168.0.12", weight = 2 },
  { rip = "192.168.0.13", weight = 0 },
]
[[service]]
vip = "192.168.0.219"
port = 53
protocol = "udp"
one_packet = true
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "192.168.0.219"
port = 443
scheduler = "rr"
persistence = 300
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
fwmark = 7
vips = ["192.168.0.220"]
match = [{ protocol = "tcp", port = 8080 }, { protocol = "tcp", port = 8443 }]
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "fd00:10::219"
port = 80
scheduler = "wrr"
realservers = [{ rip = "fd00:10::11", weight = 1 }, { rip = "fd00:10::12", weight = 2 }]
"""


def test_direct_routing_follows_the_weights_and_never_chooses_weight_0(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()
    assert lab.request(0, count=9) == answered(rs1=3, rs2=6)
    assert lab.counts() == {"rs1": 3, "rs2": 6, "rs3": 0, "rs4": 0, "rs5": 0}
    assert lab.request(4, count=9) == answered(rs4=3, rs5=6)
    assert lab.counts() == {"rs1": 0, "rs2": 0, "rs3": 0, "rs4": 3, "rs5": 6}


def test_direct_routing_brings_requests_to_the_vip_itself(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()
    for service, vip in ((0, "192.168.0.219"), (4, "fd00:10::219")):
        lab.request(service)
        assert asked_at(lab) == {vip}


def test_the_director_speaks_to_its_real_servers_in_its_own_name(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()
    for rip, name in (("192.168.0.11", "rs1"), ("fd00:10::11", "rs4")):
        asked = lab.director.call("lvs_init.lab.traffic:requests", address=rip)
        assert asked == {"answers": {name: 1}, "errors": {}}
        (line,) = lab.logged()[name]
        assert line["client"] not in ("192.168.0.219", "fd00:10::219")


def test_one_packet_udp_is_spread_although_the_client_keeps_its_port(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()
    asked = lab.client.call("lvs_init.lab.traffic:datagrams", address="192.168.0.219", port=53, count=6, same_port=True)
    assert asked == answered(rs1=3, rs2=3)
    assert {name: times for name, times in lab.counts().items() if times} == {"rs1": 3, "rs2": 3}


def test_persistence_keeps_a_client_and_sends_another_one_elsewhere(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()
    lab.client.ip("address add 198.51.100.101/24 dev eth0")
    (mine,) = lab.request(2, count=4, source="198.51.100.100")["answers"]
    (other,) = lab.request(2, count=2, source="198.51.100.101")["answers"]
    assert {mine, other} == {"rs1", "rs2"}
    assert lab.request(2, count=4, source="198.51.100.100") == {"answers": {mine: 4}, "errors": {}}
    counts = lab.counts()
    assert (counts[mine], counts[other]) == (8, 2)


def test_a_firewall_mark_makes_one_service_of_two_ports(rehearse: Any) -> None:
    lab = rehearse(DR)
    lab.logged()

    def ask(port: int) -> Answers:
        told: Answers = lab.client.call("lvs_init.lab.traffic:requests", address="192.168.0.220", port=port)
        return told

    # One round robin over both ports: a service for each would send both to the same real server.
    (first,), (second,) = ask(8080)["answers"], ask(8443)["answers"]
    assert {first, second} == {"rs1", "rs2"}
    assert asked_at(lab) == {"192.168.0.220"}
    assert ask(8081)["errors"] == {"ECONNREFUSED": 1}  # by the director: nothing marks this port


def test_only_the_director_answers_for_the_vips(rehearse: Any) -> None:
    lab = rehearse(DR)
    director = ["director"]
    assert lab.owners() == {"192.168.0.219": director, "192.168.0.220": director, "fd00:10::219": director}
    # So that this test can fail: a real server whose flags somebody has reset, until start repairs them.
    for flag in ("arp_ignore", "arp_announce"):
        lab.realservers["rs1"].write(f"/proc/sys/net/ipv4/conf/all/{flag}", "0")
    assert sorted(lab.owners()["192.168.0.219"]) == ["director", "rs1"]
    assert lab.call("rs1", REALSERVER_SCRIPT, "start").completed.code == 0
    assert lab.owners()["192.168.0.219"] == director


NAT = """
[cluster]
forwarding = "nat"
[director]
interface = "eth0"
dip = "192.168.10.10"

[[service]]
vip = "192.168.0.219/24"
port = 80
scheduler = "wrr"
realservers = [
  { rip = "192.168.10.11", port = 8080, weight = 1 },
  { rip = "192.168.10.12", weight = 2 },
]
[[service]]
vip = "192.168.0.219/24"
port = 53
protocol = "udp"
scheduler = "rr"
realservers = [{ rip = "192.168.10.11", port = 5353 }, { rip = "192.168.10.12" }]
"""


def test_nat_translates_address_and_port(rehearse: Any) -> None:
    lab = rehearse(NAT)
    assert lab.request(0, count=6) == answered(rs1=2, rs2=4)
    assert lab.request(1, count=4) == answered(rs1=2, rs2=2)
    logged = lab.logged()
    assert [(line["protocol"], line["address"], line["port"]) for line in logged["rs1"]] == [
        *[("tcp", "192.168.10.11", 8080)] * 2,
        *[("udp", "192.168.10.11", 5353)] * 2,
    ]
    assert {(line["address"], line["port"]) for line in logged["rs2"]} == {
        ("192.168.10.12", 80),
        ("192.168.10.12", 53),
    }
    assert {line["client"] for lines in logged.values() for line in lines} == {"192.168.0.100"}


ONE_NETWORK = """
[cluster]
forwarding = "nat"
[director]
interface = "eth0"
dip = "192.168.0.10"
[[service]]
vip = "192.168.0.219/24"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
"""


def test_nat_within_one_network(rehearse: Any) -> None:
    lab = rehearse(ONE_NETWORK)
    assert lab.request(0, count=20) == answered(rs1=10, rs2=10)
    # A redirect would teach a real server the way past the director, and its later answers would be lost.
    for server in lab.realservers.values():
        assert "redirected" not in server.run(["ip", "route", "get", "198.51.100.100"]).check().stdout


NAT6 = """
[cluster]
forwarding = "nat"
[director]
interface = "eth0"
dip = "fd00:20::10"
[[service]]
vip = "fd00:10::219"
port = 80
scheduler = "rr"
realservers = [{ rip = "fd00:20::11", port = 8080 }, { rip = "fd00:20::12" }]
[[service]]
vip = "fd00:10::219"
port = 53
protocol = "udp"
scheduler = "rr"
realservers = [{ rip = "fd00:20::11" }, { rip = "fd00:20::12" }]
"""


def test_nat_of_ipv6(rehearse: Any) -> None:
    lab = rehearse(NAT6)
    assert lab.request(0, count=4) == answered(rs1=2, rs2=2)
    assert lab.request(1, count=4) == answered(rs1=2, rs2=2)
    assert lab.counts() == {"rs1": 4, "rs2": 4}


TUN = """
[cluster]
forwarding = "tun"
[director]
interface = "eth0"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "wrr"
realservers = [{ rip = "192.168.20.11", weight = 1 }, { rip = "192.168.0.12", weight = 2 }]
[[service]]
vip = "192.168.0.219"
port = 53
protocol = "udp"
scheduler = "rr"
realservers = [{ rip = "192.168.20.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "fd00:10::219"
port = 80
scheduler = "rr"
realservers = [{ rip = "fd00:20::11" }, { rip = "fd00:10::12" }]
"""


def test_tunnels_reach_real_servers_on_this_network_and_on_others(rehearse: Any) -> None:
    lab = rehearse(TUN)
    for server in lab.realservers.values():  # as many distributions have it; tunl0's own value makes the exception
        server.write("/proc/sys/net/ipv4/conf/all/rp_filter", "1")
    assert lab.request(0, count=6) == answered(rs1=2, rs2=4)
    assert lab.request(1, count=4) == answered(rs1=2, rs2=2)
    assert asked_at(lab) == {"192.168.0.219"}
    assert lab.request(2, count=4) == answered(rs3=2, rs4=2)
    assert {name: times for name, times in lab.counts().items() if times} == {"rs3": 2, "rs4": 2}


def test_only_the_director_answers_for_tunnelled_vips(rehearse: Any) -> None:
    # rs2 and rs4 are on the VIPs' own network.
    assert rehearse(TUN).owners() == {"192.168.0.219": ["director"], "fd00:10::219": ["director"]}


BOTH_ROLES = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
dip = "192.168.0.10"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.10" }, { rip = "192.168.0.11" }]
"""


@pytest.fixture(scope="module")
def both(place: Place) -> Iterator[Rehearsal]:
    with Rehearsal(place, BOTH_ROLES, fresh=False) as lab:
        lab.call("rs1", REALSERVER_SCRIPT, "start").completed.check()
        yield lab


@pytest.mark.parametrize("first", [DIRECTOR_SCRIPT, REALSERVER_SCRIPT])
def test_director_and_real_server_on_one_machine(both: Rehearsal, first: str) -> None:
    """Started and stopped in one order and in the other."""
    second = next(script for script in (DIRECTOR_SCRIPT, REALSERVER_SCRIPT) if script != first)

    def place_of_vip() -> set[str]:
        listed = both.director.run(["ip", "-brief", "address"]).check().stdout
        return {line.split()[0].partition("@")[0] for line in listed.splitlines() if "192.168.0.219/32" in line}

    before = both.snapshots()["director"]
    both.counts()
    for script in (first, second):
        both.call("director", script, "start").completed.check()
    assert place_of_vip() == {"eth0"}
    assert both.request(count=6) == answered(director=3, rs1=3)
    assert both.counts() == {"director": 3, "rs1": 3}
    assert both.owners() == {"192.168.0.219": ["director"]}

    both.call("director", first, "stop").completed.check()
    if first == REALSERVER_SCRIPT:
        assert place_of_vip() == {"eth0"}
        assert both.request(count=4) == answered(director=2, rs1=2)
    else:
        assert place_of_vip() == {"lo"}  # ready for another director
        assert both.owners() == {"192.168.0.219": []}
    both.call("director", second, "stop").completed.check()
    found = difference(before, both.snapshots()["director"])
    assert [line for line in found if not line.startswith("files: ")] == []
